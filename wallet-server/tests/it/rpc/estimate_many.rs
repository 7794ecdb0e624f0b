//! EstimateMany: many prices against one balance; an operation without a price fails alone.

use wallet_client::v1::estimate_result::Result::{Error, Estimate};
use wallet_client::v1::{self, Decision, ErrorReason};
use wallet_client::{Code, Refusal};

use crate::harness::video;
use crate::shorthand::{POLICIES, balance, figures, publish, refused, violations};
use crate::subscriptions::subscribe;

fn ask(wallet: &str, operations: Vec<v1::Operation>) -> v1::EstimateManyRequest {
    v1::EstimateManyRequest { wallet_id: wallet.into(), operations, catalog_version: 0 }
}

fn alone(wallet: &str, operation: v1::Operation) -> v1::EstimateRequest {
    v1::EstimateRequest { wallet_id: wallet.into(), operation: Some(operation), catalog_version: 0 }
}

fn misspelt() -> v1::Operation {
    video("5").attribute("resoluton", "1080p")
}

/// The estimate of the n-th item.
fn estimate(answer: &v1::EstimateManyResponse, n: usize) -> v1::EstimateResponse {
    match answer.results[n].result.clone() {
        Some(Estimate(estimate)) => estimate,
        other => panic!("no estimate: {other:?}"),
    }
}

/// The refusal of the n-th item.
fn refusal(answer: &v1::EstimateManyResponse, n: usize) -> Refusal {
    match answer.results[n].result.clone() {
        Some(Error(error)) => Refusal::from(error),
        other => panic!("no error: {other:?}"),
    }
}

each_database! {
    async fn each_is_answered_in_its_place_as_it_would_be_alone(server: Server) {
        let client = server.wallet("w", 60).await;
        let training = v1::Operation::new("lora.train").quantity("images", "30");
        let operations = [video("5"), video("100"), training, video("0")];
        let many = client.estimate_many(ask("w", operations.to_vec())).await.unwrap();
        let decisions: Vec<_> = (0..4).map(|n| estimate(&many, n).decision()).collect();
        let short = Decision::InsufficientCredits;
        assert_eq!(decisions, [Decision::Allowed, short, short, Decision::Allowed], "each item is checked alone");
        for (n, operation) in operations.into_iter().enumerate() {
            let one = client.estimate(alone("w", operation)).await.unwrap();
            let item = estimate(&many, n);
            assert!(!item.quote_token.is_empty());
            let timeless = |quoted: v1::EstimateResponse| v1::EstimateResponse {
                quote_token: String::new(),
                quote_expire_time: None,
                ..quoted
            };
            assert_eq!(timeless(item), timeless(one), "{n}");
        }
    }

    async fn the_wallet_is_shown_once_in_its_current_state(server: Server) {
        let client = server.wallet("w", 60).await;
        client.subscribe(subscribe("s", "creator")).await.unwrap();
        let many = client.estimate_many(ask("w", vec![video("5"), misspelt()])).await.unwrap();
        let shown = balance(&client, "w").await;
        assert_eq!((many.balances, many.revision, many.version), (shown.balances, shown.revision, shown.version));
        assert!(many.next_renewal_time.is_some());
        assert_eq!((many.open_reservations, many.next_renewal_time), (0, shown.next_renewal_time));
        let plan = (many.plan_id.as_str(), many.tier.as_str(), many.catalog_version);
        assert_eq!(plan, ("creator", "creator", 1));
        let at = |time: Option<prost_types::Timestamp>| time.map(|time| (time.seconds, time.nanos));
        assert!(many.read_time.is_some() && at(many.read_time) <= at(shown.read_time));
        assert_eq!((shown.revision, shown.version), (3, 3), "nothing was written");
    }

    async fn an_unpriced_operation_fails_alone_as_estimate_would_refuse_it(server: Server) {
        let client = server.wallet("w", 100).await;
        let nameless = v1::Operation::new("video.generate")
            .attribute("model", "standard")
            .attribute("resolution", "720p");
        let operations = vec![misspelt(), video("5"), v1::Operation::new("music.generate"), nameless.clone()];
        let many = client.estimate_many(ask("w", operations)).await.unwrap();
        assert_eq!(figures(&estimate(&many, 1).amounts), "40 credits");
        let expected = refused(
            client.estimate(alone("w", misspelt())).await,
            ErrorReason::NoPriceRule,
            Code::InvalidArgument,
        );
        let item = refusal(&many, 0);
        assert_eq!((item.reason, item.code, item.message), (expected.reason, expected.code, expected.message));
        assert_eq!(item.metadata, expected.metadata);
        assert_eq!(item.metadata["unknown"], "resoluton");
        assert_eq!(refusal(&many, 2).metadata["kind"], "music.generate");
        let missing = refusal(&many, 3);
        assert_eq!((missing.reason, missing.code), (ErrorReason::InvalidField, Code::InvalidArgument));
        let fields: Vec<_> = missing.violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["operations[3].quantities[\"duration_s\"]"]);
    }

    async fn without_a_wallet_they_are_the_prices_alone_of_any_catalog(server: Server) {
        let client = server.client().await;
        let many = client.estimate_many(ask("", vec![video("5"), misspelt()])).await.unwrap();
        let first = estimate(&many, 0);
        assert_eq!((figures(&first.amounts), first.decision()), ("40 credits".into(), Decision::Unspecified));
        assert_eq!((first.quote_token.as_str(), refusal(&many, 1).reason), ("", ErrorReason::NoPriceRule));
        assert_eq!((many.balances.len(), many.plan_id.as_str(), many.read_time), (0, "", None));
        publish(&client, POLICIES).await;
        let then = v1::EstimateManyRequest { catalog_version: 1, ..ask("", vec![video("5")]) };
        let then = client.estimate_many(then).await.unwrap();
        assert_eq!((figures(&estimate(&then, 0).amounts), then.catalog_version), ("40 credits".into(), 1));
        let now = client.estimate_many(ask("", vec![video("5")])).await.unwrap();
        assert_eq!((figures(&estimate(&now, 0).amounts), now.catalog_version), ("400 credits".into(), 2));
    }

    async fn violations_under_every_catalog_fail_the_whole_call(server: Server) {
        let client = server.wallet("w", 100).await;
        let bad = |operations| client.estimate_many(ask("w", operations));
        assert_eq!(violations(bad(Vec::new()).await), ["operations: is required"]);
        let shown = violations(bad(vec![video("1"); 101]).await);
        assert_eq!(shown, ["operations: has 101 entries, at most 100 are allowed"]);
        let shown = violations(bad(vec![video("1"), video("1e3"), v1::Operation::default()]).await);
        let plain = "must be a plain decimal number such as \"5\" or \"2.5\"";
        let expected = [
            format!("operations[1].quantities[\"duration_s\"]: {plain}"),
            "operations[2].kind: must not be empty".to_owned(),
        ];
        assert_eq!(shown, expected);
        assert_eq!(bad(vec![video("1"); 100]).await.unwrap().results.len(), 100);
        let nobody = client.estimate_many(ask("nobody", vec![video("1")])).await;
        refused(nobody, ErrorReason::WalletNotFound, Code::NotFound);
        let missing = v1::EstimateManyRequest { catalog_version: 9, ..ask("w", vec![video("1")]) };
        refused(client.estimate_many(missing).await, ErrorReason::CatalogNotFound, Code::NotFound);
    }
}
