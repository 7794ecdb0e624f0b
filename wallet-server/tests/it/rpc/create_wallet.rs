//! CreateWallet: a new wallet, and repeated creations.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason, WalletStatus};

use crate::harness::{credits, video};
use crate::shorthand::{
    credits_of, entries, facts, figures, kinds, mismatch, refused, set_status, settle, violations,
};

fn create(name: &str, debt_limits: Vec<v1::Amount>) -> v1::CreateWalletRequest {
    v1::CreateWalletRequest { wallet_id: "w".into(), display_name: name.into(), debt_limits }
}

each_database! {
    async fn a_wallet_begins_active_and_empty_on_the_default_plan(server: Server) {
        let client = server.client().await;
        crate::shorthand::publish(&client, crate::shorthand::POLICIES).await;
        let made = client.create_wallet(create("Ann's", vec![credits(30)])).await.unwrap();
        assert_eq!((made.replayed, made.revision, made.version), (false, 1, 1));
        let wallet = made.wallet.unwrap();
        assert_eq!((wallet.wallet_id.as_str(), wallet.display_name.as_str()), ("w", "Ann's"));
        assert_eq!((wallet.status(), wallet.plan_id.as_str()), (WalletStatus::Active, "basic"));
        assert_eq!((wallet.revision, wallet.version, wallet.open_reservations), (1, 1, 0));
        assert_eq!(wallet.create_time, made.decide_time);
        assert_eq!(figures(&wallet.debt_limits), "30 credits");
        assert_eq!(kinds(&client, "w").await, [EntryKind::WalletCreated]);
    }

    async fn any_printable_ascii_text_without_spaces_is_a_wallet_id(server: Server) {
        let client = server.client().await;
        let all: String = ('!'..='~').collect();
        for id in [all.as_str(), "o'neil+work@example.org", "--wallet", "'; DROP TABLE wallets; --", "{\"a\":1}"] {
            let id = id.replace(' ', "_");
            client.create_wallet(v1::CreateWalletRequest::new(&id)).await.unwrap();
            client.top_up(v1::TopUpRequest::amount(&id, "t", credits(100))).await.unwrap();
            let ask = v1::EstimateRequest {
                wallet_id: id.clone(),
                operation: Some(video("5")),
                catalog_version: 0,
            };
            let quote_token = client.estimate(ask).await.unwrap().quote_token;
            let price = Some(v1::reserve_request::Price::QuoteToken(quote_token));
            let reserve = v1::ReserveRequest { price, ..v1::ReserveRequest::new(&id, "j", video("5")) };
            client.reserve(reserve).await.unwrap();
            client.settle(settle(&id, "j", v1::Succeeded::default())).await.unwrap();
            assert_eq!(credits_of(&client, &id).await, (60, 0, 0), "{id}");
            assert_eq!(entries(&client, &id).await.len(), 4, "{id}");
            let none = client.get_reservation(v1::GetReservationRequest {
                wallet_id: id.clone(),
                reservation_id: "k".into(),
            });
            let none = refused(none.await, ErrorReason::ReservationNotFound, Code::NotFound);
            assert_eq!(none.metadata["wallet_id"], id);
        }
        let mut listed = Vec::new();
        let mut request = v1::ListWalletsRequest { page_size: 2, ..Default::default() };
        loop {
            let page = client.list_wallets(request.clone()).await.unwrap();
            listed.extend(page.wallets.into_iter().map(|wallet| wallet.wallet_id));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(listed.len(), 5);
        assert!(listed.contains(&all));
        assert!(server.verify().await.is_clean());
        for bad in ["a b", "a\n", "a\u{7f}", "é"] {
            let refusal = violations(client.create_wallet(v1::CreateWalletRequest::new(bad)).await);
            assert!(refusal[0].ends_with("printable ASCII characters without spaces are allowed"), "{refusal:?}");
        }
    }

    async fn a_repeated_creation_returns_the_wallet_even_after_changes(server: Server) {
        let client = server.client().await;
        let first = client.create_wallet(create("Ann's", vec![])).await.unwrap();
        let again = client.create_wallet(create("Ann's", vec![])).await.unwrap();
        assert!(again.replayed && !first.replayed);
        assert_eq!((again.wallet, again.revision), (first.wallet.clone(), 1));
        client.top_up(v1::TopUpRequest::amount("w", "t", credits(5))).await.unwrap();
        client.update_wallet(set_status("w", "r", WalletStatus::Suspended)).await.unwrap();
        let again = client.create_wallet(create("Ann's", vec![])).await.unwrap();
        let (wallet, before) = (again.wallet.unwrap(), first.wallet.unwrap());
        assert!(again.replayed);
        assert_eq!((wallet.create_time, wallet.status()), (before.create_time, WalletStatus::Suspended));
        assert_eq!((again.revision, wallet.revision), (3, 3));
    }

    async fn another_wallet_under_the_same_id_is_a_mismatch_that_names_the_fields(server: Server) {
        let client = server.client().await;
        client.create_wallet(create("Ann's", vec![credits(30)])).await.unwrap();
        for (request, fields) in [
            (create("Bob's", vec![credits(30)]), "display_name"),
            (create("Ann's", vec![credits(31)]), "debt_limits"),
            (create("", vec![]), "debt_limits,display_name"),
        ] {
            assert_eq!(mismatch(client.create_wallet(request).await).join(","), fields);
        }
        let refusal = client.create_wallet(create("", vec![])).await;
        let refusal = refused(refusal, ErrorReason::IdempotencyMismatch, Code::AlreadyExists);
        assert_eq!(facts(&refusal), "fields=debt_limits,display_name revision=1 version=1 wallet_id=w");
    }

    async fn a_debt_limit_in_an_unknown_unit_is_refused(server: Server) {
        let client = server.client().await;
        let request = create("", vec![credits(1), v1::Amount::new("gems", 1), v1::Amount::new("pearls", 1)]);
        let expected =
            ["debt_limits: the catalog has no unit gems", "debt_limits: the catalog has no unit pearls"];
        assert_eq!(violations(client.create_wallet(request).await), expected);
        let missing = client.get_wallet(v1::GetWalletRequest { wallet_id: "w".into() }).await;
        refused(missing, ErrorReason::WalletNotFound, Code::NotFound);
    }
}
