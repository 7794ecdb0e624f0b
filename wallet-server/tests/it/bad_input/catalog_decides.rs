//! Violations that only the catalog can detect: unknown units, kinds, attributes and quantities.

use wallet_client::Code;
use wallet_client::v1::reserve_request::Price;
use wallet_client::v1::{self, ErrorReason};

use super::{amount, unchanged};
use crate::harness::video;
use crate::shorthand::{POLICIES, explicit, publish, refused, settle, violations};

each_database! {
    async fn unknown_units_and_broken_increments_are_all_named(server: Server) {
        let client = server.wallet("w", 100).await;
        publish(&client, POLICIES).await;
        let price = Price::Explicit(v1::ExplicitPrice {
            amounts: vec![amount("gems", 1), amount("money", 12), amount("credits", 5)],
            max_amounts: vec![amount("credits", 4), amount("pearls", 1)],
            operation: None,
        });
        let found = violations(
            client
                .reserve(v1::ReserveRequest {
                    price: Some(price),
                    ..v1::ReserveRequest::new("w", "j", video("1"))
                })
                .await,
        );
        let expected = [
            "explicit.amounts: the catalog has no unit gems",
            "explicit.amounts: 12 money is not a multiple of the increment 5",
            "explicit.max_amounts: the catalog has no unit pearls",
            "explicit.max_amounts: 4 credits is below the amount of the unit in explicit.amounts, or the unit is missing there",
            "explicit.max_amounts: 1 pearls is below the amount of the unit in explicit.amounts, or the unit is missing there",
        ];
        assert_eq!(found, expected);
        unchanged(&client, "w", 2).await;
    }

    async fn a_price_needs_at_least_one_unit(server: Server) {
        let client = server.client().await;
        let found = violations(client.reserve(explicit("w", "j", vec![])).await);
        assert_eq!(found, ["explicit.amounts: needs at least one unit"]);
    }

    async fn a_limit_in_an_unknown_unit_is_refused(server: Server) {
        let client = server.wallet("w", 100).await;
        let misspelt = v1::ReserveRequest::new("w", "j", video("1")).with_limits([amount("credit", 1)]);
        assert_eq!(violations(client.reserve(misspelt).await), ["limits: the catalog has no unit credit"]);
        client.reserve(v1::ReserveRequest::new("w", "j", video("1"))).await.unwrap();
        let cancel = crate::shorthand::cancel("w", "j", v1::CancelReason::User);
        let misspelt = v1::CancelRequest { max_fees: vec![amount("credit", 1)], ..cancel };
        assert_eq!(violations(client.cancel(misspelt).await), ["max_fees: the catalog has no unit credit"]);
    }

    async fn unknown_kinds_values_and_attributes_have_no_price_and_are_named(server: Server) {
        let client = server.wallet("w", 100).await;
        let video = || v1::Operation::new("video.generate").quantity("duration_s", "5");
        for (operation, named) in [
            (v1::Operation::new("video.enhance"), ("kind", "video.enhance")),
            (video().attribute("model", "standard"), ("missing", "resolution")),
            (
                video().attribute("model", "standard").attribute("resolution", "8k"),
                ("attributes", "resolution"),
            ),
            (video().attribute("modle", "x").attribute("resoluton", "4k"), ("unknown", "modle,resoluton")),
        ] {
            let refusal = client.reserve(v1::ReserveRequest::new("w", "j", operation)).await;
            let refusal = refused(refusal, ErrorReason::NoPriceRule, Code::InvalidArgument);
            assert_eq!(refusal.metadata.get(named.0).map(String::as_str), Some(named.1), "{refusal}");
        }
        unchanged(&client, "w", 2).await;
    }

    async fn quantities_that_are_missing_unknown_or_too_large_are_bad_fields(server: Server) {
        let client = server.wallet("w", 100).await;
        let priced =
            || v1::Operation::new("video.generate").attribute("model", "standard").attribute("resolution", "720p");
        for (operation, expected) in [
            (priced(), vec!["operation.quantities[\"duration_s\"]: is required to price \"video.generate\""]),
            (
                priced().quantity("duration_s", "5").quantity("frames", "1").quantity("takes", "1"),
                vec![
                    "operation.quantities[\"frames\"]: no price of \"video.generate\" depends on it",
                    "operation.quantities[\"takes\"]: no price of \"video.generate\" depends on it",
                ],
            ),
            (
                priced().quantity("duration_s", "999999999999999"),
                vec![
                    "operation: the price is above 1000000000000000 minor units or needs too many digits \
                     (rule \"video-standard\")",
                ],
            ),
        ] {
            assert_eq!(violations(client.reserve(v1::ReserveRequest::new("w", "j", operation)).await), expected);
        }
    }

    async fn usage_is_checked_like_an_operation_and_named_by_its_path(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        client.reserve(explicit("w", "own", vec![amount("credits", 5)])).await.unwrap();
        let found = violations(client.settle(settle("w", "j", v1::Succeeded::usage([("frames", "3")]))).await);
        assert_eq!(
            found,
            ["succeeded.usage.quantities[\"frames\"]: no price of \"video.generate\" depends on it"]
        );
        let found = violations(client.settle(settle("w", "own", v1::Succeeded::usage([("count", "3")]))).await);
        let expected =
            "succeeded.usage: the reservation has explicit amounts and no price rule for quantities; settle with amounts instead";
        assert_eq!(found, [expected]);
        unchanged(&client, "w", 4).await;
    }
}
