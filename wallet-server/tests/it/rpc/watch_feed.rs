//! WatchFeed: the items that exist, then new ones, over connections that break.

use std::time::Duration;

use tokio::time::timeout;
use wallet_client::v1::{self, ErrorReason, Scope};
use wallet_client::{Code, FeedWatch, WalletClient};

use crate::harness::{Database, Front, Server, credits, id_of, with_key};
use crate::shorthand::{gift, refused};

/// The time within which an item must come.
const SOON: Duration = Duration::from_secs(20);

async fn next(watch: &mut FeedWatch) -> (i64, String) {
    let item = timeout(SOON, watch.next()).await.expect("an item comes soon").unwrap();
    (item.position, item.r#type)
}

async fn give(client: &WalletClient, id: &str) {
    client.grant(gift("ann", id, credits(1))).await.unwrap();
}

each_database! {
    async fn a_watch_begins_after_its_position_and_goes_on_with_new_items(server: Server) {
        let client = server.wallet("ann", 1).await;
        let mut all = client.watch_feed(v1::WatchFeedRequest::new(0));
        assert_eq!(next(&mut all).await, (1, "wallet.created".into()));
        assert_eq!(next(&mut all).await, (2, "credits.topped_up".into()));
        let request = v1::WatchFeedRequest::new(1).with_types(["credits.topped_up", "credits.granted"]).with_wallet_ids(["ann"]);
        let mut gifts = client.watch_feed(request);
        assert_eq!(next(&mut gifts).await.0, 2);
        client.create_wallet(v1::CreateWalletRequest::new("bob")).await.unwrap();
        give(&client, "g").await;
        assert_eq!(next(&mut all).await.0, 3);
        assert_eq!(next(&mut all).await.0, 4);
        assert_eq!((next(&mut gifts).await.1, gifts.position()), ("credits.granted".into(), 4));
    }

    async fn a_watch_ends_with_its_server_and_goes_on_at_another(server: Server) {
        let client = server.wallet("ann", 1).await.without_retries();
        let mut watch = client.watch_feed(v1::WatchFeedRequest::new(0));
        assert_eq!(next(&mut watch).await.0, 1);
        assert_eq!(next(&mut watch).await.0, 2);
        let database = server.database.clone();
        server.stop().await;
        timeout(SOON, watch.next()).await.expect("it ends soon").unwrap_err();
        let server = Server::start(database).await;
        let client = server.client().await;
        let mut watch = client.watch_feed(v1::WatchFeedRequest::new(watch.position()));
        give(&client, "g").await;
        assert_eq!(next(&mut watch).await, (3, "credits.granted".into()));
    }

    async fn a_position_after_the_end_is_refused(server: Server) {
        let client = server.client().await;
        let mut watch = client.watch_feed(v1::WatchFeedRequest::new(9));
        refused(watch.next().await, ErrorReason::PositionOutOfRange, Code::OutOfRange);
    }
}

async fn a_revoked_key_ends_a_watch(database: Database) {
    let front = Front::new(database);
    let all = front.key("default", "all");
    let server = front.serve().await;
    let client = with_key(&server, &all).await;
    client.create_wallet(v1::CreateWalletRequest::new("ann")).await.unwrap();
    let key = client.create_key(v1::CreateKeyRequest::new("k", [Scope::Events])).await.unwrap().secret;
    let mut watch = with_key(&server, &key).await.watch_feed(v1::WatchFeedRequest::new(0));
    assert_eq!(next(&mut watch).await, (1, "wallet.created".into()));
    client.revoke_key(v1::RevokeKeyRequest::new(id_of(&key))).await.unwrap();
    // The watcher waits for items, and none comes.
    let ended = timeout(SOON, watch.next()).await.expect("it ends soon");
    refused(ended, ErrorReason::KeyInvalid, Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_with_its_key_on_sqlite() {
    a_revoked_key_ends_a_watch(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_with_its_key_on_postgres() {
    a_revoked_key_ends_a_watch(Database::postgres()).await;
}
