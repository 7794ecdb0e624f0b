//! Invalid calls about wallets and credits: top-ups, grants, revocations, wallets, catalogs.

use wallet_client::v1;
use wallet_client::v1::threshold::Threshold;
use wallet_client::v1::top_up_request::What;

use super::{ALPHABET, amount, instant, long, unchanged};
use crate::shorthand::{low_balance, violations};

const CALENDAR: &str = "must lie between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z";

each_database! {
    async fn every_bad_field_of_a_top_up_is_named(server: Server) {
        let client = server.wallet("w", 0).await;
        let expected = [
            "wallet_id: must not be empty",
            "top_up_id: must not be empty",
            "what: is required: pack_id or amount",
        ];
        assert_eq!(violations(client.top_up(v1::TopUpRequest::default()).await), expected);
        let bad = v1::TopUpRequest {
            wallet_id: "w".into(),
            top_up_id: "t#1".into(),
            what: Some(What::Amount(amount("a b", 0))),
            external_ref: Some(v1::ExternalRef { provider: String::new(), id: long(129) }),
            paid_amount: Some(v1::Money { currency: "eur".into(), minor_units: -1 }),
            paid_time: instant(-1),
            quantity: Some(2),
            catalog_version: Some(1),
            line: "1".into(),
            labels: [("k".to_owned(), long(257))].into(),
        };
        let expected = [
            format!("top_up_id: contains '#'; {ALPHABET}"),
            "quantity: must be absent for an amount: only packs have it".into(),
            "catalog_version: must be absent for an amount: only packs have it".into(),
            format!("amount.unit: contains ' '; {ALPHABET}"),
            "amount.amount: is 0, 1 to 1000000000000000 is allowed".into(),
            "external_ref.provider: must not be empty".into(),
            "external_ref.id: has 129 bytes, at most 128 are allowed".into(),
            "line: needs external_ref, the payment that it is a line of".into(),
            "paid_amount.currency: must be three upper-case letters such as EUR".into(),
            "paid_amount.minor_units: is -1, must not be negative".into(),
            format!("paid_time: {CALENDAR}"),
            "labels[\"k\"]: has 257 bytes, at most 256 are allowed".into(),
        ];
        assert_eq!(violations(client.top_up(bad).await), expected);
        unchanged(&client, "w", 1).await;
    }

    async fn a_purchase_is_of_1_to_1000_packs(server: Server) {
        let client = server.wallet("w", 0).await;
        for bad in [0, -1, 1_001, i32::MAX] {
            let request = v1::TopUpRequest::pack("w", "t", "starter").with_quantity(bad);
            let expected = format!("quantity: must be from 1 to 1000, is {bad}");
            assert_eq!(violations(client.top_up(request).await), [expected]);
        }
        client.top_up(v1::TopUpRequest::pack("w", "t", "starter").with_quantity(1_000)).await.unwrap();
    }

    async fn an_amount_is_between_1_and_10_to_the_15(server: Server) {
        let client = server.wallet("w", 0).await;
        let most = 1_000_000_000_000_000;
        for bad in [0, -1, most + 1, i64::MAX, i64::MIN] {
            let request = v1::TopUpRequest::amount("w", "t", amount("credits", bad));
            let expected = format!("amount.amount: is {bad}, 1 to 1000000000000000 is allowed");
            assert_eq!(violations(client.top_up(request).await), [expected]);
        }
        client.top_up(v1::TopUpRequest::amount("w", "t", amount("credits", most))).await.unwrap();
    }

    async fn every_bad_field_of_a_grant_is_named(server: Server) {
        let client = server.client().await;
        let expected = ["wallet_id: must not be empty", "grant_id: must not be empty", "amount: is required"];
        assert_eq!(violations(client.grant(v1::GrantRequest::default()).await), expected);
        let bad = v1::GrantRequest {
            wallet_id: "w".into(),
            grant_id: "g".into(),
            amount: Some(amount("", -5)),
            source: v1::Source::Grace.into(),
            priority: i32::MIN,
            effective_time: instant(i64::MAX),
            expire_time: instant(i64::MIN),
            reason: long(1_025),
            labels: [(String::new(), String::new())].into(),
        };
        let expected = [
            "amount.unit: must not be empty".to_owned(),
            "amount.amount: is -5, 1 to 1000000000000000 is allowed".into(),
            "source: must not be GRACE, which only the wallet issues".into(),
            format!("effective_time: {CALENDAR}"),
            format!("expire_time: {CALENDAR}"),
            "reason: has 1025 bytes, at most 1024 are allowed".into(),
            "labels[\"\"]: must not be empty".into(),
        ];
        assert_eq!(violations(client.grant(bad.clone()).await), expected);
        let bad = v1::GrantRequest { source: 99, reason: "a\0b".into(), ..bad };
        let found = violations(client.grant(bad).await);
        assert_eq!(
            (found[2].as_str(), found[5].as_str()),
            ("source: 99 is not a source", "reason: contains the control character U+0000; line feeds and tabs are allowed")
        );
    }

    async fn every_bad_field_of_a_revocation_is_named(server: Server) {
        let client = server.client().await;
        let bad = v1::RevokeGrantRequest {
            reason: long(1_025),
            grant_id: "grant:a#b".into(),
            ..Default::default()
        };
        let expected = [
            "wallet_id: must not be empty".to_owned(),
            "request_id: must not be empty".into(),
            "grant_id: must be a grant_id as ListGrants shows it: only # and a number may follow the id, from #1 on"
                .into(),
            "reason: has 1025 bytes, at most 1024 are allowed".into(),
        ];
        assert_eq!(violations(client.revoke_grant(bad).await), expected);
        let found = violations(client.revoke_grant(v1::RevokeGrantRequest::default()).await);
        let expected =
            "must be a grant_id as ListGrants shows it, which begins with top_up:, grant:, grace:, rollover:, \
             period: or correction:";
        assert_eq!(found[2], format!("grant_id: {expected}"));
    }

    async fn every_bad_field_of_a_wallet_is_named(server: Server) {
        let client = server.client().await;
        let debt_limits = vec![amount("credits", -1), amount("trainings", 1), amount("trainings", 2)];
        let bad = v1::CreateWalletRequest {
            wallet_id: long(200),
            display_name: "two\nlines".into(),
            debt_limits: debt_limits.clone(),
        };
        let of_limits = [
            "debt_limits[0].amount: is -1, 0 to 1000000000000000 is allowed",
            "debt_limits[2].unit: trainings is named twice",
        ];
        let expected = [
            "wallet_id: has 200 bytes, at most 128 are allowed",
            "display_name: contains the control character U+000A; no control character is allowed",
            of_limits[0],
            of_limits[1],
        ];
        assert_eq!(violations(client.create_wallet(bad).await), expected);
        let bad = v1::UpdateWalletRequest {
            wallet_id: String::new(),
            request_id: String::new(),
            status: v1::WalletStatus::Closed.into(),
            display_name: Some(long(257)),
            debt_limits,
            low_balance: vec![low_balance("credits", &[Threshold::Percent(101)]), low_balance("credits", &[])],
            reason: long(1_025),
        };
        let expected = [
            "wallet_id: must not be empty",
            "request_id: must not be empty",
            "status: only ACTIVE and SUSPENDED can be set",
            "display_name: has 257 bytes, at most 256 are allowed",
            of_limits[0],
            of_limits[1],
            "low_balance[0].thresholds[0].percent: is 101, 0 to 100 is allowed",
            "low_balance[1].unit: credits is named twice",
            "reason: has 1025 bytes, at most 1024 are allowed",
        ];
        assert_eq!(violations(client.update_wallet(bad.clone()).await), expected);
        let found = violations(client.update_wallet(v1::UpdateWalletRequest { status: 9, ..bad }).await);
        assert_eq!(found[2], "status: 9 is not a wallet status");
    }

    async fn reads_of_wallets_and_catalogs_name_their_bad_fields(server: Server) {
        let client = server.client().await;
        let found = violations(client.get_wallet(v1::GetWalletRequest::default()).await);
        assert_eq!(found, ["wallet_id: must not be empty"]);
        let bad = v1::ListWalletsRequest { page_size: i32::MIN, page_token: "\u{7}".into(), frozen_only: true };
        let expected = [
            "page_size: is -2147483648, 0 to 500 is allowed; 0 means 50",
            "page_token: contains the control character U+0007; no control character is allowed",
        ];
        assert_eq!(violations(client.list_wallets(bad).await), expected);
        let found = violations(client.get_catalog(v1::GetCatalogRequest { version: -1 }).await);
        assert_eq!(found, ["version: is -1, must not be negative"]);
        let found = violations(client.publish_catalog(v1::PublishCatalogRequest::default()).await);
        assert_eq!(found, ["toml: must not be empty"]);
    }
}
