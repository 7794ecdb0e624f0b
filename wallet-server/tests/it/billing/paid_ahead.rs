//! Payments for periods that have not begun, over the wire: for a change of plan to come, of a subscription that ends
//! before them, and as callers name them.

use wallet_client::Code;
use wallet_client::v1::error_detail::Detail;
use wallet_client::v1::{self, CancelTime, ChangeTime, ErrorReason, SubscriptionStatus};

use super::payments_that_go_back::{
    FEBRUARY, MARCH, back, euros, invoice, paid, paid_back, payment, period_back, refunded, sold,
    subscription,
};
use crate::products::platform::{ALICE, at};
use crate::shorthand::{refused, violations};

const APRIL: &str = "2026-04-30T09:00:00Z";

fn change(id: &str, plan: &str) -> v1::ChangePlanRequest {
    v1::ChangePlanRequest::new(ALICE, id, plan)
}

fn next_payment(id: &str, reference: &str, cents: i64) -> v1::RecordPaymentRequest {
    v1::RecordPaymentRequest::new(ALICE, id).with_paid(invoice(reference, cents))
}

product! {
    "../tests/it/billing/payments";

    async fn a_paid_change_is_undone_after_its_payment_has_gone_back(platform: Platform) {
        platform.subscribe("better").await;
        platform.change_plan("month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        for other in [change("undo", "better"), change("replace", "year").with_when(ChangeTime::AtPeriodEnd)] {
            let refusal = platform.client.change_plan(other).await;
            let refusal = refused(refusal, ErrorReason::PlanChangePaid, Code::FailedPrecondition);
            let Some(Detail::PlanChangePaid(paid)) = refusal.detail else { panic!("{refusal:?}") };
            assert_eq!((paid.plan_id.as_str(), paid.payment_ref.as_str()), ("month", "in_2"));
            assert_eq!(paid.period_start_time, Some(at(FEBRUARY)));
        }
        platform.client.change_plan(change("again", "month")).await.unwrap();
        back(platform, paid_back("r", "in_2", 1_000)).await;
        platform.client.change_plan(change("undo", "better")).await.unwrap();
        assert_eq!(subscription(platform).await.pending, None);
    }

    async fn a_paid_change_begins_where_it_was_paid_for(platform: Platform) {
        platform.subscribe("better").await;
        platform.change_plan("month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        let again = platform.client.change_plan(change("again", "month")).await.unwrap();
        assert_eq!(again.effective_time, Some(at(FEBRUARY)));
        let now = change("now", "clock").with_when(ChangeTime::Now);
        let now = platform.client.change_plan(now).await.unwrap();
        assert_eq!(now.effective_time, now.decide_time, "of this change, not of the paid one that stays");
        assert_eq!(subscription(platform).await.plan_id, "clock");
        platform.until(FEBRUARY).await;
        let now = subscription(platform).await;
        assert_eq!((now.plan_id.as_str(), now.status()), ("month", SubscriptionStatus::Active));
    }

    async fn a_failed_refund_for_a_change_that_was_undone_frees_the_payment(platform: Platform) {
        platform.subscribe("better").await;
        platform.change_plan("month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        platform.client.change_plan(change("undo", "better")).await.unwrap();
        back(platform, paid_back("failed", "in_2", 0)).await;
        assert_eq!(subscription(platform).await.paid_through_time, Some(at(FEBRUARY)));
        assert!(!platform.client.record_payment(next_payment("n", "in_2", 1_000)).await.unwrap().replayed);
    }

    async fn a_payment_ahead_goes_back_after_the_subscription_was_cancelled(platform: Platform) {
        sold(platform, "month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        platform.unsubscribe(CancelTime::Now).await;
        let done = back(platform, paid_back("r", "in_2", 1_000)).await;
        assert_eq!((done.refunded_total, done.grants.len()), (Some(euros(1_000)), 0));
        let again = v1::SubscribeRequest::new(ALICE, "again", "month").with_paid(invoice("in_2", 1_000));
        assert_eq!(violations(platform.client.subscribe(again.clone()).await).len(), 1);
        back(platform, period_back("failed", FEBRUARY, 0)).await;
        platform.client.subscribe(again).await.unwrap();
        assert_eq!(refunded(platform).await, 1_000);
    }

    async fn a_payment_ahead_counts_for_the_next_subscription(platform: Platform) {
        sold(platform, "month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        platform.unsubscribe(CancelTime::Now).await;
        platform.client.subscribe(v1::SubscribeRequest::new(ALICE, "again", "month")).await.unwrap();
        assert!(!platform.client.record_payment(next_payment("n", "in_2", 1_000)).await.unwrap().replayed);
        assert!(platform.client.record_payment(next_payment("twice", "in_2", 1_000)).await.unwrap().replayed);
        assert_eq!(refunded(platform).await, 2_000);
    }

    async fn the_start_of_a_period_names_the_refund_of_a_replaced_payment(platform: Platform) {
        sold(platform, "month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        paid(platform, payment("q", FEBRUARY, "in_3")).await;
        back(platform, period_back("failed", FEBRUARY, 0)).await;
        assert_eq!(subscription(platform).await.paid_through_time, Some(at(MARCH)));
        paid(platform, next_payment("n", "in_2", 1_000)).await;
        assert_eq!(subscription(platform).await.paid_through_time, Some(at(APRIL)));
    }

    async fn a_period_without_credits_that_has_passed_keeps_its_payment(platform: Platform) {
        sold(platform, "bare").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        platform.until(MARCH).await;
        back(platform, paid_back("failed", "in_2", 0)).await;
        assert!(platform.client.record_payment(next_payment("twice", "in_2", 1_000)).await.unwrap().replayed);
    }

    async fn a_payment_of_an_earlier_subscription_pays_no_later_change(platform: Platform) {
        sold(platform, "month").await;
        platform.unsubscribe(CancelTime::Now).await;
        platform.client.subscribe(v1::SubscribeRequest::new(ALICE, "again", "better")).await.unwrap();
        let request = change("c", "month").with_paid(invoice("in_1", 1_000));
        let found = violations(platform.client.change_plan(request).await);
        let text = "paid: pays nothing, because the change does not begin now; leave it out: in_1 has paid a period of an \
                    earlier subscription";
        assert_eq!(found, [text]);
    }

    async fn the_refusal_of_a_payment_during_a_pause_names_steps_that_work(platform: Platform) {
        sold(platform, "better").await;
        platform.client.pause_subscription(v1::PauseSubscriptionRequest::new(ALICE, "pause")).await.unwrap();
        platform.until(FEBRUARY).await;
        let request = change("c", "month");
        let found = violations(platform.client.change_plan(request.clone().with_paid(invoice("in_2", 1_000))).await);
        let text = "paid: pays nothing, because the change does not begin now; leave it out, and call ResumeSubscription and \
                    then RecordPayment";
        assert_eq!(found, [text]);
        platform.client.change_plan(request).await.unwrap();
        platform.client.resume_subscription(v1::ResumeSubscriptionRequest::new(ALICE, "resume")).await.unwrap();
        paid(platform, next_payment("n", "in_2", 1_000)).await;
        let now = subscription(platform).await;
        assert_eq!((now.plan_id.as_str(), now.status()), ("month", SubscriptionStatus::Active));
        assert_eq!(platform.credits().await, (100, 0));
    }
}
