//! RecordPayment: early, late and missing payments.

use wallet_client::Code;
use wallet_client::v1::error_detail::Detail;
use wallet_client::v1::{self, CancelTime, EntryKind, ErrorReason, Renewal, SubscriptionStatus};

use crate::shorthand::{credits_of, entries, facts, later, mismatch, refused, until, violations};
use crate::subscriptions::{
    WEEK, about_to_end, end, entries_after, grants, payment, pending, shop, subscribe, subscription,
    subscription_of, wallet,
};

each_database! {
    async fn a_period_paid_early_begins_at_its_boundary(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "prepaid").await;
        let request = v1::RecordPaymentRequest { reason: "invoice 7".into(), ..payment("p") };
        let paid = client.record_payment(request).await.unwrap();
        assert_eq!((paid.replayed, paid.revision), (false, 3));
        let paid = subscription_of(paid.wallet);
        assert_eq!((paid.renewal(), paid.status()), (Renewal::OnPayment, SubscriptionStatus::Active));
        assert_eq!((paid.period_end_time, paid.paid_through_time), (boundary, later(boundary, WEEK)));
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0), "nothing before the boundary");
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.reason.as_str()), (EntryKind::PaymentRecorded, "invoice 7"));
        let named = v1::RecordPaymentRequest { period_start_time: boundary, ..payment("q") };
        let twice = refused(client.record_payment(named).await, ErrorReason::PeriodPaid, Code::FailedPrecondition);
        let Some(Detail::PeriodPaid(figures)) = twice.detail else { panic!("{twice:?}") };
        assert_eq!((figures.period_start_time, figures.next_start_time), (boundary, later(boundary, WEEK)));
        until(&client, "w", boundary).await;

        let expected = [
            "period:1.0.0: 30 credits, 0 available, 0 held, 0 consumed, 30 expired",
            "period:1.1.0: 30 credits, 30 available, 0 held, 0 consumed, 0 expired",
        ];
        assert_eq!(grants(&client).await, expected);
        let expected = [(EntryKind::GrantExpired, boundary), (EntryKind::PeriodBegan, boundary)];
        assert_eq!(entries_after(&client, 3, 2).await, expected);
        assert!(server.verify().await.is_clean());
    }

    async fn s4_the_first_invoice_told_again_pays_no_other_period(server: Server) {
        let client = shop(&server).await;
        let invoice = || v1::PeriodPayment {
            amount: Some(v1::Money { currency: "EUR".into(), minor_units: 900 }),
            payment_ref: "in_1".into(),
        };
        let request = v1::SubscribeRequest { paid: Some(invoice()), ..subscribe("a", "prepaid") };
        let sold = subscription_of(client.subscribe(request).await.unwrap().wallet);
        let again = v1::RecordPaymentRequest { paid: Some(invoice()), ..payment("webhook") };
        let again = client.record_payment(again).await.unwrap();
        assert_eq!((again.replayed, again.revision), (true, 2));
        let first = v1::RecordPaymentRequest { period_start_time: sold.period_start_time, ..payment("p") };
        refused(client.record_payment(first).await, ErrorReason::PeriodPaid, Code::FailedPrecondition);
        assert_eq!(subscription(&client).await.paid_through_time, sold.period_end_time);
        assert!(server.verify().await.is_clean());
    }

    async fn a_payment_of_a_plan_that_renews_by_the_clock_counts_once(server: Server) {
        let client = shop(&server).await;
        let sold = subscription_of(client.subscribe(subscribe("a", "creator")).await.unwrap().wallet);
        let amount = v1::PeriodPayment { amount: Some(v1::Money::new("EUR", 900)), ..Default::default() };
        client.record_payment(payment("p").with_paid(amount.clone())).await.unwrap();
        let twice = client.record_payment(payment("q").with_paid(amount)).await;
        let twice = refused(twice, ErrorReason::PeriodPaid, Code::FailedPrecondition);
        assert!(twice.metadata.contains_key("next_start_time"));
        assert_eq!(subscription(&client).await.paid_through_time, sold.period_end_time);
        let other = v1::PeriodPayment { payment_ref: "in_2".into(), ..Default::default() };
        let paid = client.record_payment(payment("r").with_paid(other)).await.unwrap();
        assert_ne!(subscription_of(paid.wallet).paid_through_time, sold.period_end_time);
        assert!(server.verify().await.is_clean());
    }

    async fn w2_a_cancel_waits_for_what_was_paid_and_later_payments_are_refused(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "prepaid").await;
        client.record_payment(payment("p")).await.unwrap();
        let cancelled = client.cancel_subscription(end("x", CancelTime::AtPeriodEnd)).await.unwrap();
        let paid_through = later(boundary, WEEK);
        assert_eq!(pending(&subscription_of(cancelled.wallet)), ("end", paid_through));
        let refusal = client.record_payment(payment("late")).await;
        let refusal = refused(refusal, ErrorReason::SubscriptionEnds, Code::FailedPrecondition);
        let Some(Detail::SubscriptionEnds(figures)) = refusal.detail else { panic!("{refusal:?}") };
        assert_eq!(figures.end_time, paid_through);
        until(&client, "w", boundary).await;
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn a_late_payment_pays_the_anchored_period_that_was_missed(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "prepaid").await;
        until(&client, "w", boundary).await;
        let missed = subscription(&client).await;
        assert_eq!(missed.status(), SubscriptionStatus::PastDue);
        assert_eq!((missed.paid_through_time, missed.next_renewal_time), (boundary, None));
        assert_eq!(missed.dunning_end_time, later(boundary, WEEK), "seven days by default");
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
        assert_eq!(wallet(&client).await.plan_id, "prepaid");

        let paid = client.record_payment(payment("p")).await.unwrap();
        let (decided, paid) = (paid.decide_time, subscription_of(paid.wallet));
        assert_eq!((paid.status(), paid.dunning_end_time), (SubscriptionStatus::Active, None));
        assert_eq!((paid.period_start_time, paid.period_end_time), (boundary, later(boundary, WEEK)));
        assert_eq!(credits_of(&client, "w").await, (30, 0, 0));
        let expected = [
            (EntryKind::GrantExpired, boundary),
            (EntryKind::PaymentMissed, boundary),
            (EntryKind::PaymentRecorded, decided),
        ];
        assert_eq!(entries_after(&client, 2, 3).await, expected);
        assert!(server.verify().await.is_clean());
    }

    async fn an_unpaid_subscription_ends_with_its_dunning_time(server: Server) {
        let client = shop(&server).await;
        let boundary = about_to_end(&client, "impatient").await;
        let dunned = later(boundary, 2);
        until(&client, "w", dunned).await;
        assert_eq!(wallet(&client).await.subscription, None);
        let expected = [
            (EntryKind::GrantExpired, boundary),
            (EntryKind::PaymentMissed, boundary),
            (EntryKind::SubscriptionEnded, dunned),
        ];
        assert_eq!(entries_after(&client, 2, 3).await, expected);
        let late = client.record_payment(payment("p")).await;
        refused(late, ErrorReason::SubscriptionNotFound, Code::NotFound);
    }

    async fn the_same_payment_again_pays_nothing_more_and_another_under_its_id_is_a_mismatch(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "prepaid")).await.unwrap();
        let first = client.record_payment(payment("p")).await.unwrap();
        let again = client.record_payment(payment("p")).await.unwrap();
        assert_eq!((again.replayed, again.revision), (true, 3));
        let through = subscription_of(first.wallet).paid_through_time;
        assert_eq!(subscription_of(again.wallet).paid_through_time, through);
        assert_eq!(mismatch(client.record_payment(payment("a")).await), ["request_id"]);
    }

    async fn without_a_subscription_there_is_nothing_to_pay(server: Server) {
        let client = shop(&server).await;
        let refusal = client.record_payment(payment("p")).await;
        let refusal = refused(refusal, ErrorReason::SubscriptionNotFound, Code::NotFound);
        assert_eq!(facts(&refusal), "revision=1 version=1 wallet_id=w");
        let expected = ["wallet_id: must not be empty", "request_id: must not be empty"];
        let bare = v1::RecordPaymentRequest::default();
        assert_eq!(violations(client.record_payment(bare).await), expected);
    }
}
