//! Invalid calls about jobs: estimate, reserve, start, extend, settle, cancel, and the reads.

use std::collections::HashMap;

use wallet_client::v1;
use wallet_client::v1::reserve_request::Price;
use wallet_client::v1::settle_request::Outcome;

use super::{ALPHABET, PRINTABLE, amount, duration, instant, long, unchanged};
use crate::harness::video;
use crate::shorthand::{cancel, fail, settle, start, violations};

each_database! {
    async fn an_empty_reserve_names_all_that_is_required(server: Server) {
        let client = server.client().await;
        let expected = [
            "wallet_id: must not be empty",
            "reservation_id: must not be empty",
            "price: is required: quote_token, operation or explicit",
        ];
        assert_eq!(violations(client.reserve(v1::ReserveRequest::default()).await), expected);
    }

    async fn a_reserve_in_which_everything_is_wrong_names_everything(server: Server) {
        let client = server.wallet("w", 100).await;
        let labels = (0..17).map(|n| (format!("k{n:02}"), String::new())).collect::<HashMap<_, _>>();
        let request = v1::ReserveRequest {
            wallet_id: long(129),
            reservation_id: "a job".into(),
            price: Some(Price::Explicit(v1::ExplicitPrice {
                amounts: vec![amount("credits", -1), amount("credits", i64::MAX), amount("", 1)],
                max_amounts: vec![amount("credits", 1), amount("credits", 2)],
                operation: Some(v1::Operation::default()),
            })),
            limits: vec![amount("cr edits", 1)],
            ttl: duration(0, 999_999_999),
            start: Some(v1::StartOptions { worker: String::new(), attempt: -1, lease: duration(604_801, 0) }),
            actor: "é".into(),
            labels,
        };
        let expected = [
            "wallet_id: has 129 bytes, at most 128 are allowed".to_owned(),
            format!("reservation_id: contains ' '; {ALPHABET}"),
            "explicit.amounts[0].amount: is -1, 0 to 1000000000000000 is allowed".into(),
            "explicit.amounts[1].amount: is 9223372036854775807, 0 to 1000000000000000 is allowed".into(),
            "explicit.amounts[2].unit: must not be empty".into(),
            "explicit.max_amounts[1].unit: credits is named twice".into(),
            "explicit.operation.kind: must not be empty".into(),
            format!("limits[0].unit: contains ' '; {ALPHABET}"),
            "ttl: is 0s 999999999ns, 1s to 604800s is allowed".into(),
            "start.worker: must not be empty".into(),
            "start.attempt: is -1, must not be negative".into(),
            "start.lease: is 604801s, 1s to 604800s is allowed".into(),
            format!("actor: contains 'é'; {ALPHABET}"),
            "labels: has 17 entries, at most 16 are allowed".into(),
        ];
        assert_eq!(violations(client.reserve(request).await), expected);
        unchanged(&client, "w", 2).await;
    }

    async fn a_ttl_is_between_a_second_and_a_day(server: Server) {
        let client = server.wallet("w", 100).await;
        for (n, (seconds, nanos, shown)) in [
            (0, 0, "0s"),
            (-1, 0, "-1s"),
            (604_800, 1_000, "604800s 1000ns"),
            (i64::MAX, i32::MAX, "9223372036854775807s 2147483647ns"),
            (5, -1, "5s -1ns"),
        ]
        .into_iter()
        .enumerate()
        {
            let request = v1::ReserveRequest::new("w", format!("j{n}"), video("1"));
            let request = v1::ReserveRequest { ttl: duration(seconds, nanos), ..request };
            let expected = format!("ttl: is {shown}, 1s to 604800s is allowed");
            assert_eq!(violations(client.reserve(request).await), [expected]);
        }
        let longest = v1::ReserveRequest { ttl: duration(86_400, 0), ..v1::ReserveRequest::new("w", "j", video("1")) };
        client.reserve(longest).await.unwrap();
    }

    async fn labels_are_bounded_in_number_and_length(server: Server) {
        let client = server.wallet("w", 100).await;
        let labels =
            [(String::new(), "v".to_owned()), (long(65), long(257)), ("z".to_owned(), "a\0b".to_owned())];
        let request = v1::ReserveRequest { labels: labels.into(), ..v1::ReserveRequest::new("w", "j", video("1")) };
        let expected = [
            "labels[\"\"]: must not be empty".to_owned(),
            format!("labels[\"{}\"]: has 65 bytes, at most 64 are allowed", long(64)),
            format!("labels[\"{}\"]: has 257 bytes, at most 256 are allowed", long(64)),
            "labels[\"z\"]: contains the control character U+0000; line feeds and tabs are allowed".into(),
        ];
        assert_eq!(violations(client.reserve(request).await), expected);
    }

    async fn every_malformed_decimal_and_oversized_name_of_an_operation_is_named(server: Server) {
        let client = server.client().await;
        let bad = v1::Operation::new(long(129))
            .attribute("", "x")
            .attribute("model", long(257))
            .attribute("style", "a\nb")
            .quantity("a", "")
            .quantity("b", "-0.5")
            .quantity("c", "1e3")
            .quantity("d", "1.0000000001")
            .quantity("e", "1,5")
            .quantity("f", " 5")
            .quantity("g", "NaN");
        let plain = "must be a plain decimal number such as \"5\" or \"2.5\"";
        let expected = [
            "operation.kind: has 129 bytes, at most 128 are allowed".to_owned(),
            "operation.attributes[\"\"]: must not be empty".into(),
            "operation.attributes[\"model\"]: has 257 bytes, at most 256 are allowed".into(),
            "operation.attributes[\"style\"]: contains the control character U+000A; no control character is allowed".into(),
            "operation.quantities[\"a\"]: must not be empty".into(),
            "operation.quantities[\"b\"]: must not be negative".into(),
            format!("operation.quantities[\"c\"]: {plain}"),
            "operation.quantities[\"d\"]: has 10 digits after the point, at most 9 are allowed".into(),
            format!("operation.quantities[\"e\"]: {plain}"),
            format!("operation.quantities[\"f\"]: {plain}"),
            format!("operation.quantities[\"g\"]: {plain}"),
            "catalog_version: is -1, must not be negative".into(),
        ];
        let request =
            v1::EstimateRequest { operation: Some(bad.clone()), catalog_version: -1, ..Default::default() };
        assert_eq!(violations(client.estimate(request).await), expected);
        assert_eq!(violations(client.reserve(v1::ReserveRequest::new("w", "j", bad)).await), expected[..11]);
        let nothing = v1::EstimateRequest { wallet_id: "w w".into(), ..Default::default() };
        let expected = [format!("wallet_id: contains ' '; {PRINTABLE}"), "operation: is required".into()];
        assert_eq!(violations(client.estimate(nothing).await), expected);
    }

    async fn an_operation_has_at_most_32_attributes_and_32_quantities(server: Server) {
        let client = server.client().await;
        let many = (0..33).fold(v1::Operation::new("video.generate"), |operation, n| {
            operation.attribute(format!("a{n}"), "x").quantity(format!("q{n}"), "1")
        });
        let expected = [
            "operation.attributes: has 33 entries, at most 32 are allowed",
            "operation.quantities: has 33 entries, at most 32 are allowed",
        ];
        assert_eq!(violations(client.reserve(v1::ReserveRequest::new("w", "j", many)).await), expected);
    }

    async fn every_bad_field_of_a_workers_calls_is_named(server: Server) {
        let client = server.client().await;
        let required = ["wallet_id: must not be empty", "reservation_id: must not be empty"];
        let expected = [required[0], required[1], "start: is required"];
        assert_eq!(violations(client.start(v1::StartRequest::default()).await), expected);
        let expected = [required[0], required[1], "start.worker: must not be empty"];
        assert_eq!(violations(client.start(start("", "", "", 0)).await), expected);

        let bad = v1::ExtendRequest { attempt: -1, lease: duration(0, 0), ..Default::default() };
        let expected = [
            required[0],
            required[1],
            "attempt: is -1, must not be negative",
            "lease: is 0s, 1s to 604800s is allowed",
        ];
        assert_eq!(violations(client.extend(bad).await), expected);

        let expected = [required[0], required[1], "outcome: is required: succeeded or failed"];
        assert_eq!(violations(client.settle(v1::SettleRequest::default()).await), expected);
        let expected = [required[0], required[1], "reason: is required"];
        assert_eq!(violations(client.cancel(v1::CancelRequest::default()).await), expected);
        let bad = v1::CancelRequest { reason: 7, max_fees: vec![amount("", -1)], ..Default::default() };
        let expected = [
            required[0],
            required[1],
            "reason: 7 is not a cancel reason",
            "max_fees[0].unit: must not be empty",
            "max_fees[0].amount: is -1, 0 to 1000000000000000 is allowed",
        ];
        assert_eq!(violations(client.cancel(bad).await), expected);
    }

    async fn every_bad_figure_of_a_settle_is_named(server: Server) {
        let client = server.client().await;
        let expected = [
            "attempt: is -2, must not be negative",
            "succeeded.usage.quantities[\"n\"]: must not be negative",
        ];
        let bad = v1::SettleRequest { attempt: -2, ..settle("w", "j", v1::Succeeded::usage([("n", "-1")])) };
        assert_eq!(violations(client.settle(bad).await), expected);
        let cost = v1::succeeded::Cost::Amounts(v1::ActualAmounts { amounts: vec![amount("a b", -1)] });
        let expected = [
            format!("succeeded.amounts.amounts[0].unit: contains ' '; {ALPHABET}"),
            "succeeded.amounts.amounts[0].amount: is -1, 0 to 1000000000000000 is allowed".into(),
        ];
        let bad = settle("w", "j", v1::Succeeded { cost: Some(cost) });
        assert_eq!(violations(client.settle(bad).await), expected);
        let failure = v1::Failure { code: "out of memory".into(), message: long(1_025) };
        let expected = [
            format!("failed.code: contains ' '; {ALPHABET}"),
            "failed.message: has 1025 bytes, at most 1024 are allowed".into(),
        ];
        let bad = v1::SettleRequest { outcome: Some(Outcome::Failed(failure)), ..fail("w", "j", "") };
        assert_eq!(violations(client.settle(bad).await), expected);
    }

    async fn every_bad_filter_and_page_is_named(server: Server) {
        let client = server.client().await;
        let bad = v1::ListReservationsRequest {
            wallet_id: String::new(),
            states: vec![1, 0, 99],
            worker: "a b".into(),
            kind: long(129),
            actor: "a b".into(),
            label: "=x".into(),
            from_time: instant(-1),
            to_time: instant(253_402_300_800),
            page_size: 501,
            page_token: long(1_025),
        };
        let calendar = "must lie between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z";
        let expected = [
            "wallet_id: must not be empty".to_owned(),
            "states[1]: 0 is not a reservation state".into(),
            "states[2]: 99 is not a reservation state".into(),
            format!("worker: contains ' '; {ALPHABET}"),
            "kind: has 129 bytes, at most 128 are allowed".into(),
            format!("actor: contains ' '; {ALPHABET}"),
            "label: must not be empty".into(),
            format!("from_time: {calendar}"),
            format!("to_time: {calendar}"),
            "page_size: is 501, 0 to 500 is allowed; 0 means 50".into(),
            "page_token: has 1025 bytes, at most 1024 are allowed".into(),
        ];
        assert_eq!(violations(client.list_reservations(bad).await), expected);
        let bad = v1::ListEntriesRequest {
            wallet_id: "é".into(),
            after_revision: -1,
            reservation_id: " ".into(),
            page_size: -1,
            page_token: "\n".into(),
        };
        let expected = [
            format!("wallet_id: contains 'é'; {PRINTABLE}"),
            "after_revision: is -1, must not be negative".into(),
            format!("reservation_id: contains ' '; {ALPHABET}"),
            "page_size: is -1, 0 to 500 is allowed; 0 means 50".into(),
            "page_token: contains the control character U+000A; no control character is allowed".into(),
        ];
        assert_eq!(violations(client.list_entries(bad).await), expected);
        let bad = v1::ListGrantsRequest { page_size: 501, ..Default::default() };
        let expected = ["wallet_id: must not be empty", "page_size: is 501, 0 to 500 is allowed; 0 means 50"];
        assert_eq!(violations(client.list_grants(bad).await), expected);
        let required = ["wallet_id: must not be empty", "reservation_id: must not be empty"];
        assert_eq!(violations(client.get_reservation(Default::default()).await), required);
        assert_eq!(violations(client.get_balance(Default::default()).await), required[..1]);
    }

    async fn an_id_has_only_characters_that_need_no_escaping(server: Server) {
        let client = server.wallet("w", 0).await;
        for bad in ["a#b", "a b", "a\tb", "a'b", "a\\b", "a%b", "a,b", "ä", "a\u{202e}"] {
            let found = violations(client.cancel(cancel("w", bad, v1::CancelReason::User)).await);
            assert!(found.len() == 1 && found[0].starts_with("reservation_id: contains"), "{bad:?}: {found:?}");
        }
        let fine = "aZ09-_.:@/|+=~";
        let request = v1::CancelRequest { allow_missing: true, ..cancel("w", fine, v1::CancelReason::User) };
        assert_eq!(client.cancel(request).await.unwrap().reservation.unwrap().reservation_id, fine);
    }
}
