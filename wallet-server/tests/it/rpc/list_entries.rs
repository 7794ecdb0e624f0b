//! ListEntries: the ledger, entry by entry.

use std::collections::HashSet;

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason, Part};

use crate::harness::{credits, video};
use crate::shorthand::{entries, gift, refused, set_status, settle, start, violations};

fn ask() -> v1::ListEntriesRequest {
    v1::ListEntriesRequest { wallet_id: "w".into(), ..Default::default() }
}

fn revisions(entries: &[v1::Entry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.revision).collect()
}

each_database! {
    async fn every_event_is_an_entry_with_its_postings_and_balances(server: Server) {
        let client = server.wallet("w", 100).await;
        client
            .reserve(v1::ReserveRequest::new("w", "j", video("5")).with_actor("ann"))
            .await
            .unwrap();
        client.start(start("w", "j", "gpu-1", 1)).await.unwrap();
        let settled = client.settle(settle("w", "j", v1::Succeeded::usage([("duration_s", "4")]))).await.unwrap();
        client.update_wallet(set_status("w", "r-1", v1::WalletStatus::Suspended)).await.unwrap();

        let lines = entries(&client, "w").await;
        let kinds: Vec<_> = lines.iter().map(v1::Entry::kind).collect();
        let expected = [
            EntryKind::WalletCreated,
            EntryKind::ToppedUp,
            EntryKind::Reserved,
            EntryKind::Started,
            EntryKind::Settled,
            EntryKind::WalletUpdated,
        ];
        assert_eq!((kinds.as_slice(), revisions(&lines)), (&expected[..], vec![1, 2, 3, 4, 5, 6]));
        let moved = |line: &v1::Entry| -> Vec<_> {
            line.postings.iter().map(|p| (p.grant_id.clone(), p.from(), p.to(), p.amount)).collect()
        };
        let first = || "top_up:first".to_owned();
        assert_eq!(moved(&lines[2]), [(first(), Part::Available, Part::Held, 40)]);
        let charge = [(first(), Part::Held, Part::Consumed, 32), (first(), Part::Held, Part::Available, 8)];
        assert_eq!(moved(&lines[4]), charge);
        let [after] = lines[4].balances.as_slice() else { panic!("{:?}", lines[4].balances) };
        let figure = |amount: &Option<v1::Amount>| amount.as_ref().unwrap().amount;
        assert_eq!((figure(&after.available), figure(&after.held), figure(&after.debt)), (68, 0, 0));
        assert_eq!(
            (lines[4].effective_time, lines[4].record_time),
            (settled.decide_time, settled.decide_time)
        );
        assert_eq!((lines[2].reservation_id.as_str(), lines[2].actor.as_str()), ("j", "ann"));
        assert_eq!((lines[5].request_id.as_str(), lines[5].postings.len()), ("r-1", 0));
        let hashes: HashSet<_> = lines.iter().map(|line| line.hash.clone()).collect();
        assert!(hashes.len() == 6 && hashes.iter().all(|hash| hash.len() == 32));
    }

    async fn an_entry_names_its_author_and_the_call_of_a_caller_that_named_it(server: Server) {
        let client = server.wallet("w", 100).await;
        let traced = client.with_metadata("x-request-id", "job 7").unwrap();
        traced.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        let authors: Vec<_> = entries(&client, "w")
            .await
            .into_iter()
            .map(|entry| (entry.kind(), entry.principal, entry.call_id))
            .skip(2)
            .collect();
        let local = || "local".to_owned();
        let expected = [(EntryKind::Reserved, local(), "job7".to_owned()), (EntryKind::Settled, local(), String::new())];
        assert_eq!(authors, expected);
        assert!(server.verify().await.is_clean());
    }

    async fn pages_lead_through_the_ledger_and_filters_narrow_it(server: Server) {
        let client = server.wallet("w", 100).await;
        for id in ["a", "b"] {
            client.reserve(v1::ReserveRequest::new("w", id, video("1"))).await.unwrap();
            client.settle(settle("w", id, v1::Succeeded::default())).await.unwrap();
        }
        let page = client.list_entries(v1::ListEntriesRequest { page_size: 4, ..ask() }).await.unwrap();
        assert_eq!(revisions(&page.entries), [1, 2, 3, 4]);
        let next = v1::ListEntriesRequest { page_size: 4, page_token: page.next_page_token, ..ask() };
        let last = client.list_entries(next).await.unwrap();
        assert_eq!((revisions(&last.entries), last.next_page_token.as_str()), (vec![5, 6], ""));
        for (after_revision, reservation_id, expected) in
            [(4, "", vec![5, 6]), (6, "", vec![]), (0, "a", vec![3, 4]), (3, "a", vec![4]), (0, "c", vec![])]
        {
            let request =
                v1::ListEntriesRequest { after_revision, reservation_id: reservation_id.into(), ..ask() };
            let page = client.list_entries(request).await.unwrap();
            assert_eq!(revisions(&page.entries), expected, "{after_revision} {reservation_id}");
        }
    }

    async fn a_replay_and_a_refusal_write_no_entry(server: Server) {
        let client = server.wallet("w", 10).await;
        for _ in 0..2 {
            client.grant(gift("w", "g", credits(5))).await.unwrap();
            client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap_err();
        }
        assert_eq!(revisions(&entries(&client, "w").await), [1, 2, 3]);
    }

    async fn an_invalid_page_token_and_a_missing_wallet_are_refused(server: Server) {
        let client = server.wallet("w", 0).await;
        let request = v1::ListEntriesRequest { page_token: "made-up".into(), ..ask() };
        let expected = ["page_token: is not from a page of this list"];
        assert_eq!(violations(client.list_entries(request).await), expected);
        let nobody = v1::ListEntriesRequest { wallet_id: "nobody".into(), ..ask() };
        refused(client.list_entries(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
    }
}
