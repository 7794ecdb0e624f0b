//! RefundTopUp: an unused purchase is refunded in full, once; other refunds are refused with a cause.

use wallet_client::v1::{self, EntryKind, ErrorReason};
use wallet_client::{Code, WalletClient};

use crate::harness::credits;
use crate::shorthand::{
    POLICIES, balance, charge_back, credits_of, entries, explicit, facts, fail, figures, later, mismatch,
    publish, refund, refused, settle, violations,
};

const DAY: i64 = 86_400;

fn euros(cents: i64) -> Option<v1::Money> {
    Some(v1::Money { currency: "EUR".into(), minor_units: cents })
}

/// Buys 50 credits for 5 euros, paid this many seconds ago.
async fn bought(client: &WalletClient, id: &str, paid_ago: i64) {
    let paid_time = later(balance(client, "w").await.read_time, -paid_ago);
    let request = v1::TopUpRequest {
        paid_amount: euros(500),
        paid_time,
        ..v1::TopUpRequest::amount("w", id, credits(50))
    };
    client.top_up(request).await.unwrap();
}

/// The cause of a decided refusal.
async fn cause(client: &WalletClient, request: v1::RefundTopUpRequest) -> String {
    let refusal = client.refund_top_up(request).await;
    let refusal = refused(refusal, ErrorReason::NotRefundable, Code::FailedPrecondition);
    assert!(refusal.decided_at().is_some());
    refusal.metadata["cause"].clone()
}

each_database! {
    async fn an_unused_purchase_is_refunded_in_full_and_a_repetition_is_a_replay(server: Server) {
        let client = server.wallet("w", 100).await;
        bought(&client, "t", 0).await;
        let done = client.refund_top_up(refund("w", "r", "t")).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.version), (false, 4, 4));
        assert_eq!((figures(&done.amounts).as_str(), done.refund.clone()), ("50 credits", euros(500)));
        let grant = &done.grants[0];
        assert_eq!((grant.grant_id.as_str(), grant.available, grant.paid_out), ("top_up:t", 0, 50));
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.request_id.as_str()), (EntryKind::TopUpRefunded, "r"));
        assert_eq!(entry.reason, "changed their mind");

        client.grant(crate::shorthand::gift("w", "g", credits(1))).await.unwrap();
        let again = client.refund_top_up(refund("w", "r", "t")).await.unwrap();
        let expected = v1::RefundTopUpResponse {
            replayed: true,
            revision: 5,
            version: 5,
            decide_time: again.decide_time,
            ..done
        };
        assert_eq!(again, expected);
        assert!(server.verify().await.is_clean());
    }

    async fn a_purchase_under_two_ids_is_refunded_by_its_payment(server: Server) {
        let client = server.wallet("w", 0).await;
        let payment = v1::ExternalRef { provider: "stripe".into(), id: "pi_1".into() };
        let bought = |id: &str| v1::TopUpRequest {
            external_ref: Some(payment.clone()),
            ..v1::TopUpRequest::amount("w", id, credits(50))
        };
        client.top_up(bought("a")).await.unwrap();
        assert_eq!(client.top_up(bought("b")).await.unwrap().top_up_id, "a");
        let by_id = client.refund_top_up(refund("w", "r", "b")).await;
        refused(by_id, ErrorReason::TopUpNotFound, Code::NotFound);

        let named = |payment: &v1::ExternalRef| v1::RefundTopUpRequest {
            purchase: Some(v1::refund_top_up_request::Purchase::ExternalRef(payment.clone())),
            ..refund("w", "r", "")
        };
        let other = v1::ExternalRef { id: "pi_2".into(), ..payment.clone() };
        refused(client.refund_top_up(named(&other)).await, ErrorReason::TopUpNotFound, Code::NotFound);
        let done = client.refund_top_up(named(&payment)).await.unwrap();
        assert_eq!((done.grants[0].grant_id.as_str(), figures(&done.amounts).as_str()), ("top_up:a", "50 credits"));
        assert!(client.refund_top_up(named(&payment)).await.unwrap().replayed);
        assert!(client.refund_top_up(refund("w", "r", "a")).await.unwrap().replayed, "the same purchase");
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn every_unit_of_a_pack_is_refunded(server: Server) {
        let client = server.wallet("w", 0).await;
        client.subscribe(crate::subscriptions::subscribe("s", "pro")).await.unwrap();
        let pack = v1::TopUpRequest::pack("w", "t", "pro");
        client.top_up(pack).await.unwrap();
        let done = client.refund_top_up(refund("w", "r", "t")).await.unwrap();
        assert_eq!((figures(&done.amounts).as_str(), done.grants.len()), ("500 credits, 1 trainings", 2));
        assert_eq!(done.refund, None, "the top-up had none");
    }

    async fn s14_a_pack_is_refunded_by_its_rule_in_part_once_it_is_used(server: Server) {
        let client = server.wallet("w", 0).await;
        let packs = "[[packs]]\nid = \"fair\"\namounts = { credits = 100 }\nrefund = { window = \"none\", partial = \"UNUSED\" }\n\
                     [[packs]]\nid = \"final\"\namounts = { credits = 1 }\nrefund = { window = \"none\" }\n";
        publish(&client, &format!("{POLICIES}\n{packs}")).await;
        let listed = client.list_packs(v1::ListPacksRequest {}).await.unwrap().packs;
        let rules: Vec<_> = listed.iter().filter_map(|pack| pack.refund.as_ref()).collect();
        assert!(rules.iter().all(|rule| rule.window.is_none() && rule.only_unused));
        assert_eq!(rules.iter().map(|rule| rule.unused_share).collect::<Vec<_>>(), [true, false]);
        for pack in ["fair", "final"] {
            let request = v1::TopUpRequest { paid_amount: euros(999), ..v1::TopUpRequest::pack("w", pack, pack) };
            client.top_up(request).await.unwrap();
        }
        assert_eq!(cause(&client, refund("w", "r", "final")).await, "NOT_OFFERED");
        client.reserve(explicit("w", "j", vec![credits(31)])).await.unwrap();
        assert_eq!(cause(&client, refund("w", "r", "fair")).await, "HOLDS_OUTSTANDING");
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        let used = balance(&client, "w").await;
        assert!(used.balances.iter().any(|balance| balance.unit == "credits"));
        let look = v1::RefundTopUpRequest { validate_only: true, ..refund("w", "r", "fair") };
        let shown = client.refund_top_up(look).await.unwrap();
        let done = client.refund_top_up(refund("w", "r", "fair")).await.unwrap();
        let fair = &done.grants[0];
        assert_eq!(done.share, Some(v1::Fraction { numerator: fair.paid_out, denominator: 100 }));
        assert_eq!(done.refund, euros(999 * fair.paid_out / 100));
        assert_eq!((&shown.refund, &shown.share), (&done.refund, &done.share));
        let again = client.refund_top_up(refund("w", "r", "fair")).await.unwrap();
        assert_eq!((again.replayed, &again.refund, &again.share), (true, &done.refund, &done.share));
        assert!(server.verify().await.is_clean());
    }

    async fn a_preview_shows_the_refund_and_writes_nothing(server: Server) {
        let client = server.wallet("w", 0).await;
        bought(&client, "t", 0).await;
        let look = v1::RefundTopUpRequest { validate_only: true, ..refund("w", "r", "t") };
        let shown = client.refund_top_up(look.clone()).await.unwrap();
        assert_eq!((shown.replayed, shown.revision), (false, 3));
        assert_eq!(entries(&client, "w").await.len(), 2);
        let done = client.refund_top_up(refund("w", "r", "t")).await.unwrap();
        let recorded = |answer: v1::RefundTopUpResponse| (answer.amounts, answer.refund, answer.grants);
        assert_eq!(recorded(shown), recorded(done));
        assert!(client.refund_top_up(look).await.unwrap().replayed);
        let other = v1::RefundTopUpRequest { validate_only: true, ..refund("w", "s", "t") };
        assert_eq!(cause(&client, other).await, "ALREADY_REFUNDED");
    }

    async fn a_refund_is_too_late_24_hours_after_the_payment(server: Server) {
        let client = server.wallet("w", 0).await;
        bought(&client, "late", DAY).await;
        assert_eq!(cause(&client, refund("w", "r", "late")).await, "TOO_LATE");
        let now = balance(&client, "w").await.read_time;
        let asked = v1::RefundTopUpRequest { requested_time: later(now, -3_600), ..refund("w", "r", "late") };
        client.refund_top_up(asked).await.unwrap();
    }

    async fn one_used_credit_or_a_running_job_prevents_the_refund(server: Server) {
        let client = server.wallet("w", 0).await;
        bought(&client, "t", 0).await;
        let requested_time = balance(&client, "w").await.read_time;
        client.reserve(explicit("w", "j", vec![credits(20)])).await.unwrap();
        assert_eq!(cause(&client, refund("w", "r", "t")).await, "HOLDS_OUTSTANDING");
        client.settle(fail("w", "j", "GPU")).await.unwrap();
        bought(&client, "u", 0).await;
        client.reserve(explicit("w", "k", vec![credits(51)])).await.unwrap();
        client.settle(settle("w", "k", v1::Succeeded::default())).await.unwrap();
        assert_eq!(cause(&client, refund("w", "r", "u")).await, "CREDITS_USED");
        let same = v1::RefundTopUpRequest { requested_time, ..refund("w", "r", "t") };
        assert_eq!(cause(&client, same).await, "CREDITS_USED");
        assert!(server.verify().await.is_clean());
    }

    async fn a_revoked_or_charged_back_purchase_is_not_refunded(server: Server) {
        let client = server.wallet("w", 0).await;
        for id in ["a", "b"] {
            bought(&client, id, 0).await;
        }
        let revoke = v1::RevokeGrantRequest {
            wallet_id: "w".into(),
            request_id: "v".into(),
            grant_id: "top_up:a".into(),
            ..Default::default()
        };
        client.revoke_grant(revoke).await.unwrap();
        client.record_chargeback(charge_back("w", "c", "b")).await.unwrap();
        assert_eq!(cause(&client, refund("w", "r", "a")).await, "REVOKED");
        assert_eq!(cause(&client, refund("w", "r", "b")).await, "CHARGED_BACK");
    }

    async fn another_purchase_under_the_same_id_is_a_mismatch_and_a_missing_one_not_found(server: Server) {
        let client = server.wallet("w", 0).await;
        for id in ["a", "b"] {
            bought(&client, id, 0).await;
        }
        client.refund_top_up(refund("w", "r", "a")).await.unwrap();
        assert_eq!(mismatch(client.refund_top_up(refund("w", "r", "b")).await), ["top_up_id"]);
        let requested_time = balance(&client, "w").await.read_time;
        let timed = v1::RefundTopUpRequest { requested_time, ..refund("w", "r", "a") };
        assert_eq!(mismatch(client.refund_top_up(timed).await), ["requested_time"]);
        assert_eq!(mismatch(client.record_chargeback(charge_back("w", "r", "a")).await), ["request_id"]);
        let missing = client.refund_top_up(refund("w", "s", "c")).await;
        let missing = refused(missing, ErrorReason::TopUpNotFound, Code::NotFound);
        assert_eq!(facts(&missing), "revision=4 version=4 wallet_id=w");
        refused(client.refund_top_up(refund("no", "s", "a")).await, ErrorReason::WalletNotFound, Code::NotFound);
    }

    async fn a_request_time_before_the_payment_or_in_the_future_is_refused(server: Server) {
        let client = server.wallet("w", 0).await;
        bought(&client, "t", 0).await;
        let now = balance(&client, "w").await.read_time;
        for (seconds, expected) in [(3_600, "must not be after now"), (-3_600, "must not be before the payment")] {
            let asked = v1::RefundTopUpRequest { requested_time: later(now, seconds), ..refund("w", "r", "t") };
            let shown = violations(client.refund_top_up(asked).await);
            assert!(shown[0].starts_with(&format!("requested_time: {expected}")), "{shown:?}");
        }
    }
}
