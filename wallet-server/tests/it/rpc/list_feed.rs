//! ListFeed: the items of all wallets of a tenant, in an order without gaps.

use wallet_client::v1::feed_item::Content;
use wallet_client::v1::threshold::Threshold::Amount;
use wallet_client::v1::{self, EntryKind, ErrorReason, EventKind};
use wallet_client::{Code, RefusalDetail, WalletClient};
use wallet_server::BUNDLED_CATALOG;

use crate::harness::{Server, credits, video};
use crate::shorthand::{feed_of, gift, low_balance, refused, set_status, settle, violations};

/// Waits until the feed has this many items, and returns them.
async fn items(client: &WalletClient, count: i64) -> Vec<v1::FeedItem> {
    let page = feed_of(client, count).await;
    assert_eq!(page.last_position, count);
    page.items
}

/// Formats items, for example `"3 job.settled ann 4"`.
fn words(items: &[v1::FeedItem]) -> Vec<String> {
    let word = |item: &v1::FeedItem| {
        format!("{} {} {} {}", item.position, item.r#type, item.wallet_id, item.revision)
    };
    items.iter().map(word).collect()
}

/// Makes a job of ann's that leaves her with 60 of 100 credits, of which she is notified: 5 entries and 5 items.
async fn story(server: &Server) -> WalletClient {
    let client = server.wallet("ann", 100).await;
    let update = v1::UpdateWalletRequest {
        low_balance: vec![low_balance("credits", &[Amount(80)])],
        ..set_status("ann", "low", v1::WalletStatus::Unspecified)
    };
    client.update_wallet(update).await.unwrap();
    let start = v1::StartOptions { worker: "gpu-1".into(), ..Default::default() };
    client.reserve(v1::ReserveRequest::new("ann", "a", video("5")).with_start(start)).await.unwrap();
    client.settle(settle("ann", "a", v1::Succeeded::default())).await.unwrap();
    client
}

each_database! {
    async fn the_feed_has_entries_and_notifications_in_order_without_begins_of_jobs(server: Server) {
        let client = story(&server).await;
        let items = items(&client, 5).await;
        let expected = [
            "1 wallet.created ann 1",
            "2 credits.topped_up ann 2",
            "3 wallet.updated ann 3",
            "4 balance.low ann 4",
            "5 job.settled ann 5",
        ];
        assert_eq!(words(&items), expected);
        let Some(Content::Notification(low)) = &items[3].content else { panic!("{:?}", items[3]) };
        assert_eq!((low.kind(), low.revision, low.n), (EventKind::LowBalance, 4, 0));
        let Some(Content::Entry(settled)) = &items[4].content else { panic!("{:?}", items[4]) };
        let of_ledger = client.list_entries(v1::ListEntriesRequest::new("ann")).await.unwrap().entries;
        assert_eq!(Some(settled), of_ledger.last());
        assert_eq!(settled.kind(), EntryKind::Settled);
        assert!(server.verify().await.is_clean());
    }

    async fn a_catalog_that_replaces_another_is_a_change_of_the_tenant_in_the_feed(server: Server) {
        let client = story(&server).await;
        items(&client, 5).await;
        let newer = format!("{BUNDLED_CATALOG}# newer");
        client.publish_catalog(v1::PublishCatalogRequest::new(newer)).await.unwrap();
        client.create_wallet(v1::CreateWalletRequest::new("bob")).await.unwrap();
        let all = items(&client, 7).await;
        let published = all.iter().find(|item| item.r#type == "catalog.published").unwrap();
        assert_eq!((published.wallet_id.as_str(), published.revision), ("", 0));
        let Some(Content::Change(change)) = &published.content else { panic!("{published:?}") };
        assert_eq!((change.action.as_str(), change.subject.as_str()), ("catalog.publish", "2"));
        let audit = client.list_audit_events(v1::ListAuditEventsRequest::new()).await.unwrap();
        assert_eq!(audit.events.first(), Some(change));
        for (filter, count) in [
            (v1::ListFeedRequest::new(0).with_types(["catalog.published"]), 1),
            (v1::ListFeedRequest::new(0).with_wallet_ids(["ann", "bob"]), 6),
        ] {
            assert_eq!(client.list_feed(filter).await.unwrap().items.len(), count);
        }
        assert!(server.verify().await.is_clean());
    }

    async fn pages_follow_each_other_and_filters_move_the_position_on(server: Server) {
        let client = story(&server).await;
        items(&client, 5).await;
        client.create_wallet(v1::CreateWalletRequest::new("bob")).await.unwrap();
        let all = items(&client, 6).await;
        let (mut position, mut seen) = (0, Vec::new());
        loop {
            let page = client.list_feed(v1::ListFeedRequest::new(position).with_page_size(2)).await.unwrap();
            seen.extend(page.items);
            position = page.next_after_position;
            if position == page.last_position {
                break;
            }
        }
        assert_eq!(seen, all);
        let of = |request: v1::ListFeedRequest| {
            let client = client.clone();
            async move { client.list_feed(request).await.unwrap() }
        };
        let settled = of(v1::ListFeedRequest::new(0).with_types(["job.settled", "balance.low"])).await;
        assert_eq!(words(&settled.items), words(&all[3..5]));
        assert_eq!((settled.next_after_position, settled.last_position), (6, 6));
        let first = of(v1::ListFeedRequest::new(0).with_types(["balance.low"]).with_page_size(1)).await;
        assert_eq!(first.next_after_position, 4);
        let bob = of(v1::ListFeedRequest::new(2).with_wallet_ids(["bob", "nobody"])).await;
        assert_eq!(words(&bob.items), ["6 wallet.created bob 1"]);
        assert_eq!(of(v1::ListFeedRequest::new(6)).await.items, []);
    }

    async fn a_position_outside_the_feed_is_refused_with_its_ends(server: Server) {
        let client = story(&server).await;
        items(&client, 5).await;
        let refusal = refused(
            client.list_feed(v1::ListFeedRequest::new(6)).await,
            ErrorReason::PositionOutOfRange,
            Code::OutOfRange,
        );
        assert_eq!(refusal.message, "the feed has the positions 1 to 5; after_position must be 0 to 5");
        assert_eq!(refusal.metadata["last_position"], "5");
        let Some(RefusalDetail::PositionOutOfRange(ends)) = refusal.detail else { panic!("{refusal:?}") };
        assert_eq!((ends.first_position, ends.last_position), (1, 5));
    }

    async fn every_bad_field_is_named(server: Server) {
        let client = server.client().await;
        let bad = v1::ListFeedRequest::new(-1)
            .with_types(["job.settled", "job.begun"])
            .with_wallet_ids(["ann", ""])
            .with_page_size(501);
        let lines = violations(client.list_feed(bad).await);
        let fields: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
        assert_eq!(fields, ["after_position", "types[1]", "wallet_ids[1]", "page_size"]);
        assert_eq!(client.list_feed(v1::ListFeedRequest::new(0)).await.unwrap().last_position, 0);
    }

    async fn a_refused_command_adds_nothing_to_the_feed(server: Server) {
        let client = story(&server).await;
        client.reserve(v1::ReserveRequest::new("ann", "b", video("500"))).await.unwrap_err();
        client.settle(settle("ann", "a", v1::Succeeded::default())).await.unwrap();
        client.grant(gift("ann", "g", credits(1))).await.unwrap();
        let last = items(&client, 6).await.pop().unwrap();
        assert_eq!(words(&[last]), ["6 credits.granted ann 6"]);
    }
}
