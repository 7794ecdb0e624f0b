//! Estimate: the price, and whether the wallet can pay it, as data.

use wallet_client::Code;
use wallet_client::v1::{self, Decision, ErrorReason};

use crate::harness::{Server, credits, video};
use crate::shorthand::{POLICIES, balance, figures, later, publish, refused, set_status};

fn ask(wallet: &str, operation: v1::Operation) -> v1::EstimateRequest {
    v1::EstimateRequest { wallet_id: wallet.into(), operation: Some(operation), catalog_version: 0 }
}

fn training() -> v1::Operation {
    v1::Operation::new("lora.train").quantity("images", "30")
}

each_database! {
    async fn without_a_wallet_it_is_the_price_alone(server: Server) {
        let client = server.client().await;
        let priced = client.estimate(ask("", video("5.3"))).await.unwrap();
        assert_eq!(figures(&priced.amounts), "43 credits", "42.4, rounded up");
        assert_eq!(figures(&priced.max_amounts), "52 credits", "51.6, rounded up");
        let lines: Vec<_> =
            priced.lines.iter().map(|l| (l.label.as_str(), l.exact_amount.as_str())).collect();
        assert_eq!(lines, [("Seconds", "42.4"), ("rounding", "0.6")]);
        assert_eq!((priced.catalog_version, priced.rule_id.as_str()), (1, "video-standard"));
        let fee = v1::CancelFee { unit: "credits".into(), held_percent: 0, processing_percent: 50 };
        assert_eq!(priced.cancel_fees, [fee]);
        assert_eq!((priced.decision(), priced.quote_token.as_str()), (Decision::Unspecified, ""));
        assert_eq!((priced.available.len(), priced.quote_expire_time), (0, None));
    }

    async fn with_a_wallet_it_says_whether_it_can_pay_and_keeps_the_price_for_ten_minutes(server: Server) {
        let client = server.wallet("w", 40).await;
        let before = balance(&client, "w").await;
        let quote = client.estimate(ask("w", video("5"))).await.unwrap();
        assert_eq!(quote.decision(), Decision::Allowed);
        assert_eq!(
            (figures(&quote.available), figures(&quote.shortfall)),
            ("40 credits".into(), String::new())
        );
        assert!(!quote.quote_token.is_empty() && quote.pack_ids.is_empty());
        let after = balance(&client, "w").await;
        let expire = quote.quote_expire_time.map(|t| (t.seconds, t.nanos));
        assert!(expire >= later(before.read_time, 600).map(|t| (t.seconds, t.nanos)));
        assert!(expire <= later(after.read_time, 600).map(|t| (t.seconds, t.nanos)));
        assert_eq!((after.revision, after.version), (2, 2), "nothing was written");
    }

    async fn an_estimate_has_the_amounts_that_reserve_takes(server: Server) {
        let client = server.wallet("w", 1_000).await;
        let cinema =
            v1::Operation::new("video.generate").attribute("model", "cinema").attribute("resolution", "1080p");
        for (n, operation) in
            [video("7.125"), video("0"), cinema.quantity("duration_s", "20")].into_iter().enumerate()
        {
            let shown = client.estimate(ask("w", operation.clone())).await.unwrap();
            let taken = client.reserve(v1::ReserveRequest::new("w", format!("j{n}"), operation)).await.unwrap();
            let taken = taken.reservation.unwrap();
            assert_eq!(
                (shown.amounts, shown.max_amounts, shown.lines),
                (taken.amounts, taken.max_amounts, taken.lines)
            );
            assert_eq!((shown.rule_id, shown.cancel_fees), (taken.rule_id, taken.cancel_fees));
        }
    }

    async fn a_shortfall_is_shown_with_the_packs_that_cover_it(server: Server) {
        let client = server.wallet("w", 15).await;
        let short = client.estimate(ask("w", video("10"))).await.unwrap();
        assert_eq!(short.decision(), Decision::InsufficientCredits);
        assert_eq!(
            (figures(&short.available), figures(&short.shortfall)),
            ("15 credits".into(), "65 credits".into())
        );
        assert_eq!(short.pack_ids, ["creator"], "the pack pro is for subscribers");
        assert_eq!(short.covering_plan_ids, ["creator", "pro"]);
        assert!(!short.quote_token.is_empty(), "the price is quoted nevertheless");
        let training = client.estimate(ask("w", training())).await.unwrap();
        assert_eq!(training.shortfall, [v1::Amount { display: "1".into(), ..v1::Amount::new("trainings", 1) }]);
        assert!(training.pack_ids.is_empty());
    }

    async fn obstacles_are_data_and_not_errors(server: Server) {
        let client = server.wallet("w", 15).await;
        client.update_wallet(set_status("w", "r", v1::WalletStatus::Suspended)).await.unwrap();
        let suspended = client.estimate(ask("w", video("5"))).await.unwrap();
        assert_eq!(suspended.decision(), Decision::WalletSuspended);
        assert_eq!(figures(&suspended.shortfall), "25 credits", "regardless of other obstacles");
        publish(&client, POLICIES).await;
        crate::rpc::settle::owe_twenty(&client, "debtor").await;
        let indebted = client.estimate(ask("debtor", video("0"))).await.unwrap();
        assert_eq!(indebted.decision(), Decision::InDebt);
    }

    async fn an_older_catalog_returns_its_price_without_a_quote(server: Server) {
        let client = server.wallet("w", 100).await;
        publish(&client, POLICIES).await;
        let then = v1::EstimateRequest { catalog_version: 1, ..ask("w", video("5")) };
        let then = client.estimate(then).await.unwrap();
        assert_eq!((figures(&then.amounts), then.catalog_version), ("40 credits".into(), 1));
        assert_eq!((then.quote_token.as_str(), then.quote_expire_time), ("", None));
        let now = client.estimate(ask("w", video("5"))).await.unwrap();
        assert_eq!((figures(&now.amounts), now.catalog_version), ("400 credits".into(), 2));
        let missing = v1::EstimateRequest { catalog_version: 3, ..ask("w", video("5")) };
        let refusal = refused(client.estimate(missing).await, ErrorReason::CatalogNotFound, Code::NotFound);
        assert_eq!(refusal.metadata["catalog_version"], "3");
    }

    async fn credits_in_a_hold_are_not_available(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("10"))).await.unwrap();
        let short = client.estimate(ask("w", video("5"))).await.unwrap();
        assert_eq!(
            (figures(&short.available), figures(&short.shortfall)),
            ("20 credits".into(), "20 credits".into())
        );
        assert_eq!(short.available, [v1::Amount { display: "20".into(), ..credits(20) }]);
    }

    async fn an_unpriced_operation_and_a_missing_wallet_are_refused(server: Server) {
        let client = server.wallet("w", 100).await;
        let unpriced = |operation| async { refuse(&server, operation, ErrorReason::NoPriceRule).await };
        assert_eq!(unpriced(v1::Operation::new("video.enhance")).await, [("kind", "video.enhance")].map(pair));
        let bad = v1::Operation::new("video.generate").attribute("model", "standard").attribute("resolution", "8k");
        let expected = [("attributes", "resolution"), ("kind", "video.generate")].map(pair);
        assert_eq!(unpriced(bad.quantity("duration_s", "5")).await, expected);
        let refusal = client.estimate(ask("nobody", video("5"))).await;
        let refusal = refused(refusal, ErrorReason::WalletNotFound, Code::NotFound);
        assert_eq!(refusal.metadata["wallet_id"], "nobody");
    }
}

async fn refuse(server: &Server, operation: v1::Operation, reason: ErrorReason) -> Vec<(String, String)> {
    let refusal =
        refused(server.client().await.estimate(ask("", operation)).await, reason, Code::InvalidArgument);
    let mut shown: Vec<_> = refusal.metadata.into_iter().collect();
    shown.sort();
    shown
}

fn pair((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
