//! The choice of the types that are recorded: it may differ between servers and change, and `verify` still finds a
//! loss.

use tokio::task::JoinSet;
use wallet_client::{ClientConfig, WalletClient, v1};
use wallet_core::feed::{ItemType, ItemTypes};
use wallet_server::{BUNDLED_CATALOG, Config, Report};

use crate::harness::{Database, Process, Server, credits, video};
use crate::shorthand::{feed_of, gift, settle, start};

/// The jobs of a caller.
const JOBS: usize = 20;

/// Waits until the feed has this many items, as in `"3 job.settled 4"`.
async fn feed(client: &WalletClient, count: i64) -> Vec<String> {
    let words = |item: &v1::FeedItem| format!("{} {} {}", item.position, item.r#type, item.revision);
    feed_of(client, count).await.items.iter().map(words).collect()
}

/// Makes a job of ann's: entries of Reserve with Start, and of Settle.
async fn job(client: &WalletClient, id: &str) {
    client.reserve(v1::ReserveRequest::new("ann", id, video("5"))).await.unwrap();
    client.start(start("ann", id, "gpu-1", 1)).await.unwrap();
    client.settle(settle("ann", id, v1::Succeeded::default())).await.unwrap();
}

async fn verify(database: &Database) -> Report {
    wallet_server::verify(&database.url).await.expect("the ledger can be read")
}

async fn with(database: &Database, feed_record: ItemTypes) -> (Server, WalletClient) {
    let server = Server::start_with(database.clone(), Config { feed_record, ..Config::default() }).await;
    let client = server.client().await;
    (server, client)
}

macro_rules! on_each_database {
    ($($name:ident: $test:ident;)+) => {$(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $test(Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $test(Database::postgres()).await;
            }
        }
    )+};
}

on_each_database! {
    begins_of_jobs_are_items_if_they_are_recorded: begins;
    types_that_are_left_out_have_no_positions: left_out;
    verify_knows_what_was_recorded_at_each_time: changed;
    without_any_type_the_feed_stays_empty: nothing;
}

async fn begins(database: Database) {
    let (server, client) = with(&database, ItemTypes::ALL).await;
    server.wallet("ann", 100).await;
    job(&client, "a").await;
    let expected = [
        "1 wallet.created 1",
        "2 credits.topped_up 2",
        "3 job.reserved 3",
        "4 job.started 4",
        "5 job.settled 5",
    ];
    assert_eq!(feed(&client, 5).await, expected);
    let begins = v1::ListFeedRequest::new(0).with_types(["job.reserved", "job.started"]);
    let items = client.list_feed(begins).await.unwrap().items;
    assert_eq!(items.iter().map(|item| item.position).collect::<Vec<_>>(), [3, 4]);
    let entries = client.list_entries(v1::ListEntriesRequest::new("ann")).await.unwrap().entries;
    let of_items: Vec<_> = items.into_iter().filter_map(|item| item.content).collect();
    let of_ledger = entries[2..4].iter().cloned().map(v1::feed_item::Content::Entry);
    assert_eq!(of_items, of_ledger.collect::<Vec<_>>());
    assert!(server.verify().await.is_clean());
}

async fn left_out(database: Database) {
    let of_credits = |name: &str| name.starts_with("credits.");
    let types = ItemType::ALL.iter().filter(|item_type| !of_credits(item_type.name()));
    let types = types.fold(ItemTypes::NONE, |types, item_type| types.with(*item_type));
    let (server, client) = with(&database, types).await;
    server.wallet("ann", 100).await;
    client.grant(gift("ann", "g", credits(5))).await.unwrap();
    job(&client, "a").await;
    client.grant(gift("ann", "h", credits(5))).await.unwrap();
    job(&client, "b").await;
    let expected = [
        "1 wallet.created 1",
        "2 job.reserved 4",
        "3 job.started 5",
        "4 job.settled 6",
        "5 job.reserved 8",
        "6 job.started 9",
        "7 job.settled 10",
    ];
    assert_eq!(feed(&client, 7).await, expected);
    assert!(server.verify().await.is_clean());
}

/// Four servers, one after the other, with different choices.
async fn changed(database: Database) {
    let choices = [ItemTypes::default(), ItemTypes::ALL, ItemTypes::NONE, ItemTypes::default()];
    for (choice, (id, count)) in choices.into_iter().zip([("a", 3), ("b", 6), ("c", 6), ("d", 7)]) {
        let (server, client) = with(&database, choice).await;
        if id == "a" {
            server.wallet("ann", 500).await;
        }
        job(&client, id).await;
        feed(&client, count).await;
        let report = server.verify().await;
        assert!(report.is_clean(), "{report}");
        server.stop().await;
    }
    let (server, client) = with(&database, ItemTypes::default()).await;
    let expected = [
        "1 wallet.created 1",
        "2 credits.topped_up 2",
        "3 job.settled 5",
        "4 job.reserved 6",
        "5 job.started 7",
        "6 job.settled 8",
        "7 job.settled 14",
    ];
    assert_eq!(feed(&client, 7).await, expected);
    server.stop().await;
    // A loss at the end of the feed, where positions do not show it.
    assert_eq!(database.execute("DELETE FROM feed_blocks WHERE last_position = 7").await, 1);
    database
        .execute("UPDATE feed_heads SET last_position = (SELECT max(last_position) FROM feed_blocks)")
        .await;
    let faults = verify(&database).await.first_faults;
    assert!(faults.len() == 1 && faults[0].contains("I33: from revision 1 on, the feed has"), "{faults:?}");
}

/// Two servers with different choices serve one wallet at the same time, as in the middle of an upgrade.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_with_different_choices_share_a_wallet() {
    let database = Database::postgres();
    let arguments: [&[&str]; 2] = [&["--feed-record", "*"], &["--feed-record", "!job.*,!wallet.created"]];
    let mut processes = arguments.map(|arguments| Process::start(&database, arguments));
    let mut clients = Vec::new();
    for process in &processes {
        clients.push(WalletClient::connect(ClientConfig::new(process.endpoint())).await.unwrap());
    }
    clients[1].create_wallet(v1::CreateWalletRequest::new("ann")).await.unwrap();
    clients[1].grant(gift("ann", "g", credits(5_000))).await.unwrap();
    let mut tasks = JoinSet::new();
    for (n, client) in clients.iter().cloned().enumerate() {
        tasks.spawn(async move {
            for i in 0..JOBS {
                job(&client, &format!("j-{n}-{i}")).await;
            }
        });
    }
    tasks.join_all().await;
    let count = 1 + 3 * JOBS;
    let items = feed(&clients[0], i64::try_from(count).unwrap()).await;
    for name in ["job.reserved", "job.started", "job.settled"] {
        assert_eq!(items.iter().filter(|item| item.contains(name)).count(), JOBS, "{name}");
    }
    assert_eq!(items.len(), count);
    processes.iter_mut().for_each(Process::stop);
    let report = verify(&database).await;
    assert!(report.is_clean(), "{report}");
}

async fn nothing(database: Database) {
    let (server, client) = with(&database, ItemTypes::NONE).await;
    server.wallet("ann", 100).await;
    job(&client, "a").await;
    client
        .publish_catalog(v1::PublishCatalogRequest::new(format!("{BUNDLED_CATALOG}# newer")))
        .await
        .unwrap();
    assert_eq!(database.execute("DELETE FROM feed_outbox").await, 0, "nothing waits for a position");
    let first = client.list_feed(v1::ListFeedRequest::new(0)).await.unwrap();
    assert_eq!((first.items.len(), first.last_position), (0, 0));
    assert!(server.verify().await.is_clean());
}
