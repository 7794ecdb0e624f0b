//! Items are deleted after the time for which they are kept.

use std::time::Duration;

use wallet_client::v1::{self, ErrorReason};
use wallet_client::{Code, Error, RefusalDetail, WalletClient};
use wallet_server::Config;

use crate::harness::{Server, credits, eventually};
use crate::shorthand::{gift, refused};

/// Reads the feed from its beginning until the page meets a condition.
pub(crate) async fn until(
    client: &WalletClient,
    holds: impl Fn(&Result<v1::ListFeedResponse, Error>) -> bool,
) {
    eventually("the page meets the condition", async || {
        let page = client.list_feed(v1::ListFeedRequest::new(0)).await;
        if holds(&page) { Ok(()) } else { Err(page) }
    })
    .await;
}

/// The positions of the first and the last item, according to a refusal.
fn ends<A: std::fmt::Debug>(answer: Result<A, Error>) -> (i64, i64) {
    let refusal = refused(answer, ErrorReason::PositionOutOfRange, Code::OutOfRange);
    let Some(RefusalDetail::PositionOutOfRange(ends)) = refusal.detail else { panic!("{refusal:?}") };
    (ends.first_position, ends.last_position)
}

each_database! {
    async fn a_reader_that_missed_deleted_items_is_refused_with_the_ends_of_the_feed(server: Server) {
        let client = server.wallet("ann", 5).await;
        until(&client, |page| page.as_ref().is_ok_and(|page| page.last_position == 2)).await;
        let database = server.database.clone();
        server.stop().await;
        // A server deletes old items when it begins, and every minute.
        let config = Config { feed_retention: Duration::from_millis(1), ..Config::default() };
        let server = Server::start_with(database, config).await;
        let client = server.client().await;
        until(&client, Result::is_err).await;
        assert_eq!(ends(client.list_feed(v1::ListFeedRequest::new(0)).await), (3, 2));
        assert_eq!(client.list_feed(v1::ListFeedRequest::new(2)).await.unwrap().items, []);
        client.grant(gift("ann", "g", credits(1))).await.unwrap();
        let mut watch = client.watch_feed(v1::WatchFeedRequest::new(2));
        assert_eq!(watch.next().await.unwrap().position, 3);
        for missed in [0, 1] {
            assert_eq!(ends(client.list_feed(v1::ListFeedRequest::new(missed)).await), (3, 3));
            let mut watch = client.watch_feed(v1::WatchFeedRequest::new(missed));
            assert_eq!(ends(watch.next().await), (3, 3));
        }
        let entries = client.list_entries(v1::ListEntriesRequest::new("ann")).await.unwrap().entries;
        assert_eq!(entries.len(), 3, "the ledger keeps everything");
        assert!(server.verify().await.is_clean());
    }
}
