//! The publisher to NATS, with a real nats-server.

mod credentials;
mod killed;
mod replicas;
mod stream;

use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::{self, Context, Message, stream as streams};
use tokio_stream::StreamExt;
use wallet_client::{WalletClient, v1};

use crate::harness::Nats;

/// The time within which items must be published.
const SOON: Duration = Duration::from_secs(90);

/// Connects to the server and creates the stream.
async fn stream(nats: &Nats, duplicate_window: Duration) -> Context {
    create(async_nats::connect(nats.url()).await.expect("nats-server"), duplicate_window).await
}

/// Creates the stream.
async fn create(client: Client, duplicate_window: Duration) -> Context {
    let context = jetstream::new(client);
    let config = streams::Config {
        name: "WALLET".to_owned(),
        subjects: vec!["wallet.>".to_owned()],
        duplicate_window,
        ..Default::default()
    };
    context.create_stream(config).await.expect("the stream is created");
    context
}

/// Returns the number of messages of the stream. `None`: the server is unavailable.
async fn count(context: &Context) -> Option<u64> {
    let stream = context.get_stream("WALLET").await.ok()?;
    Some(stream.cached_info().state.messages)
}

/// Waits until the stream has this many messages.
async fn wait_for(context: &Context, messages: u64) {
    let begun = Instant::now();
    loop {
        let stored = count(context).await;
        if stored.is_some_and(|stored| stored >= messages) {
            return;
        }
        assert!(begun.elapsed() < SOON, "{stored:?} messages, not {messages}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Reads this many messages with a consumer of these subjects.
async fn read(context: &Context, subjects: &str, messages: usize) -> Vec<Message> {
    let stream = context.get_stream("WALLET").await.expect("the stream");
    let config = pull::Config { filter_subject: subjects.to_owned(), ..Default::default() };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let mut read = Vec::new();
    let mut batch = consumer.messages().await.expect("messages");
    while read.len() < messages {
        let message = tokio::time::timeout(SOON, batch.next()).await.expect("a message comes soon");
        let message = message.expect("the stream goes on").expect("a message");
        message.ack().await.expect("acknowledged");
        read.push(message);
    }
    read
}

/// Reads the whole feed.
async fn feed(client: &WalletClient) -> Vec<v1::FeedItem> {
    let (mut read, mut position) = (Vec::new(), 0);
    loop {
        let page = client.list_feed(v1::ListFeedRequest::new(position).with_page_size(500)).await.unwrap();
        read.extend(page.items);
        position = page.next_after_position;
        if position == page.last_position {
            return read;
        }
    }
}

/// Compares messages with the items of the feed.
fn assert_same(messages: &[Message], items: &[v1::FeedItem]) {
    let header = |message: &Message, name: &str| {
        let headers = message.headers.as_ref().expect("headers");
        headers.get(name).map(|value| value.as_str().to_owned()).unwrap_or_default()
    };
    assert_eq!(messages.len(), items.len());
    for (message, item) in messages.iter().zip(items) {
        let body: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!(body["data"]["position"], item.position.to_string(), "{body}");
        assert_eq!(body["data"]["walletId"], item.wallet_id);
        assert_eq!(body["data"]["revision"], item.revision.to_string());
        assert_eq!(body["type"], item.r#type);
        assert_eq!(message.subject.as_str(), format!("wallet.default.{}", item.r#type));
        assert_eq!(header(message, "Wallet-Id"), item.wallet_id);
        let id = header(message, "Nats-Msg-Id");
        assert!(id.ends_with(&format!("-{}", item.position)), "{id}");
    }
}
