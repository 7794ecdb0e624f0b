//! ListGrants: the grants in spending order.

use tokio::task::JoinSet;
use wallet_client::v1::{self, ErrorReason, Source};
use wallet_client::{Code, WalletClient};

use crate::harness::{credits, video};
use crate::shorthand::{balance, explicit, gift, later, refused, settle, violations};

fn ask(include_closed: bool) -> v1::ListGrantsRequest {
    v1::ListGrantsRequest { wallet_id: "w".into(), include_closed, ..Default::default() }
}

/// The ids on one page, joined by spaces, and the token of the next page.
async fn page(client: &WalletClient, request: v1::ListGrantsRequest) -> (String, String) {
    let page = client.list_grants(request).await.unwrap();
    let ids: Vec<_> = page.grants.iter().map(|grant| grant.grant_id.as_str()).collect();
    (ids.join(" "), page.next_page_token)
}

each_database! {
    async fn grants_are_listed_in_spending_order(server: Server) {
        let client = server.wallet("w", 10).await;
        let now = balance(&client, "w").await.read_time;
        let give = |id: &str, source: Source| v1::GrantRequest {
            source: source.into(),
            ..gift("w", id, credits(10))
        };
        for request in [
            give("promo", Source::Promotional),
            give("free", Source::Free),
            v1::GrantRequest { expire_time: later(now, 3_600), ..give("free-soon", Source::Free) },
            v1::GrantRequest { effective_time: later(now, 3_600), ..give("pending", Source::Subscription) },
        ] {
            client.grant(request).await.unwrap();
        }
        let all = "grant:pending grant:free-soon grant:free top_up:first grant:promo";
        assert_eq!(page(&client, ask(false)).await, (all.to_owned(), String::new()));

        let (first, token) = page(&client, v1::ListGrantsRequest { page_size: 3, ..ask(false) }).await;
        let (second, end) = page(&client, v1::ListGrantsRequest { page_token: token, ..ask(false) }).await;
        assert_eq!((format!("{first} {second}"), end), (all.to_owned(), String::new()));
        let pending = client.list_grants(ask(false)).await.unwrap().grants.swap_remove(0);
        assert_eq!((pending.pending, pending.available, pending.open), (10, 0, true));
    }

    async fn closed_grants_come_last_and_only_on_request(server: Server) {
        let client = server.wallet("w", 40).await;
        client
            .grant(v1::GrantRequest { reason: "sorry".into(), ..gift("w", "g", credits(5)) })
            .await
            .unwrap();
        client.reserve(explicit("w", "k", vec![credits(5)])).await.unwrap();
        client.settle(settle("w", "k", v1::Succeeded::default())).await.unwrap();
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::usage([("duration_s", "4")]))).await.unwrap();
        assert_eq!(page(&client, ask(false)).await.0, "top_up:first");
        assert_eq!(page(&client, ask(true)).await.0, "top_up:first grant:g");
        let grants = client.list_grants(ask(true)).await.unwrap().grants;
        let [open, closed] = grants.as_slice() else { panic!("{grants:?}") };
        assert_eq!((open.available, open.held, open.consumed, open.open), (8, 0, 32, true));
        assert_eq!((closed.available, closed.consumed, closed.open), (0, 5, false));
        assert_eq!((closed.source(), closed.reason.as_str()), (Source::Adjustment, "sorry"));
    }

    async fn many_lists_of_closed_grants_at_once_wait_for_each_other(server: Server) {
        let client = server.wallet("w", 10).await.without_retries();
        let mut calls = JoinSet::new();
        for _ in 0..40 {
            let client = client.clone();
            calls.spawn(async move { page(&client, ask(true)).await });
        }
        let pages = calls.join_all().await;
        assert!(pages.iter().all(|page| *page == ("top_up:first".to_owned(), String::new())), "{pages:?}");
    }

    async fn pages_of_closed_grants_are_the_whole_list(server: Server) {
        let client = server.wallet("w", 10).await;
        for n in 0..7 {
            client.grant(gift("w", &format!("g{n}"), credits(5))).await.unwrap();
        }
        client.reserve(explicit("w", "k", vec![credits(22)])).await.unwrap();
        client.settle(settle("w", "k", v1::Succeeded::default())).await.unwrap();
        let (all, end) = page(&client, ask(true)).await;
        assert_eq!((all.split(' ').count(), end.as_str()), (8, ""));
        let (mut ids, mut token) = (Vec::new(), String::new());
        loop {
            let (part, next) = page(&client, v1::ListGrantsRequest { page_size: 3, page_token: token, ..ask(true) }).await;
            ids.push(part);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!((ids.len(), ids.join(" ")), (3, all));
    }

    async fn a_page_continues_although_its_last_grant_was_spent_meanwhile(server: Server) {
        let client = server.wallet("w", 10).await;
        for id in ["a", "b", "c"] {
            client.grant(gift("w", id, credits(5))).await.unwrap();
        }
        let all = page(&client, ask(false)).await.0;
        let [first, second, third, fourth] = all.split(' ').collect::<Vec<_>>()[..] else { panic!("{all}") };
        let (shown, token) = page(&client, v1::ListGrantsRequest { page_size: 1, ..ask(false) }).await;
        assert_eq!(shown, first);
        let spent = client.list_grants(ask(false)).await.unwrap().grants[0].available;
        client.reserve(explicit("w", "k", vec![credits(spent)])).await.unwrap();
        client.settle(settle("w", "k", v1::Succeeded::default())).await.unwrap();
        assert!(!page(&client, ask(false)).await.0.contains(first));
        let rest = page(&client, v1::ListGrantsRequest { page_token: token, ..ask(false) }).await.0;
        assert_eq!(rest, format!("{second} {third} {fourth}"));
    }

    async fn an_invalid_page_token_and_a_missing_wallet_are_refused(server: Server) {
        let client = server.wallet("w", 10).await;
        let request = v1::ListGrantsRequest { page_token: "made-up".into(), ..ask(false) };
        let expected = ["page_token: is not from a page of this list"];
        assert_eq!(violations(client.list_grants(request).await), expected);
        let nobody = v1::ListGrantsRequest { wallet_id: "nobody".into(), ..ask(false) };
        refused(client.list_grants(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
    }
}
