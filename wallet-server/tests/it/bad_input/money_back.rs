//! Invalid calls about money that is given back: refunds, reversals and chargebacks.

use wallet_client::v1;

use super::{ALPHABET, amount, instant, long};
use crate::shorthand::violations;

each_database! {
    async fn every_bad_field_of_a_refund_is_named(server: Server) {
        let client = server.client().await;
        for validate_only in [false, true] {
            let bad = v1::RefundTopUpRequest {
                purchase: Some(v1::refund_top_up_request::Purchase::TopUpId("a#b".into())),
                requested_time: instant(-1),
                reason: long(1_025),
                validate_only,
                ..Default::default()
            };
            let expected = [
                "wallet_id: must not be empty".to_owned(),
                "request_id: must not be empty".into(),
                format!("top_up_id: contains '#'; {ALPHABET}"),
                "requested_time: must lie between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z".into(),
                "reason: has 1025 bytes, at most 1024 are allowed".into(),
            ];
            assert_eq!(violations(client.refund_top_up(bad).await), expected);
        }
    }

    async fn every_bad_field_of_a_reversal_is_named(server: Server) {
        let client = server.client().await;
        let bad = v1::ReverseChargeRequest {
            amounts: vec![amount("", -1), amount("a", 1), amount("a", 1)],
            reason: long(1_025),
            ..Default::default()
        };
        let expected = [
            "wallet_id: must not be empty",
            "request_id: must not be empty",
            "reservation_id: must not be empty",
            "amounts[0].unit: must not be empty",
            "amounts[0].amount: is -1, 0 to 1000000000000000 is allowed",
            "amounts[2].unit: a is named twice",
            "reason: has 1025 bytes, at most 1024 are allowed",
        ];
        assert_eq!(violations(client.reverse_charge(bad).await), expected);
    }

    async fn every_bad_field_of_a_subscription_refund_is_named(server: Server) {
        let client = server.client().await;
        let bad = v1::RefundSubscriptionRequest { reason: long(1_025), ..Default::default() };
        let expected = [
            "wallet_id: must not be empty",
            "request_id: must not be empty",
            "reason: has 1025 bytes, at most 1024 are allowed",
        ];
        assert_eq!(violations(client.refund_subscription(bad).await), expected);
    }

    async fn every_bad_field_of_a_recorded_refund_is_named(server: Server) {
        let client = server.client().await;
        let total = Some(v1::Money::new("eur", -1));
        let bad = v1::RecordRefundRequest { refunded_total: total, used: 7, ..Default::default() };
        let expected = [
            "wallet_id: must not be empty",
            "request_id: must not be empty",
            "payment: is required: top_up_id, external_ref, period_start_time or payment_ref",
            "refunded_total.currency: must be three upper-case letters such as EUR",
            "refunded_total.minor_units: is -1, must not be negative",
            "used: is 7, FORGIVE or OWE is allowed",
        ];
        assert_eq!(violations(client.record_refund(bad).await), expected);
    }

    async fn every_bad_field_of_a_chargeback_is_named(server: Server) {
        let client = server.client().await;
        let bad = v1::RecordChargebackRequest { reason: long(1_025), ..Default::default() };
        let expected = [
            "wallet_id: must not be empty",
            "request_id: must not be empty",
            "payment: is required: top_up_id, external_ref, period_start_time or payment_ref",
            "reason: has 1025 bytes, at most 1024 are allowed",
        ];
        assert_eq!(violations(client.record_chargeback(bad.clone()).await), expected);
        let payment = v1::ExternalRef { provider: String::new(), id: "a b".into() };
        let payment = Some(v1::record_chargeback_request::Payment::ExternalRef(payment));
        let bad = v1::RecordChargebackRequest { payment, wallet_id: "w".into(), ..bad };
        let expected = [
            "request_id: must not be empty".to_owned(),
            "external_ref.provider: must not be empty".into(),
            format!("external_ref.id: contains ' '; {ALPHABET}"),
            "reason: has 1025 bytes, at most 1024 are allowed".into(),
        ];
        assert_eq!(violations(client.record_chargeback(bad).await), expected);
    }
}
