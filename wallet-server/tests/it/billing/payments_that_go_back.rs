//! Payments for periods that go back or come again, over the wire: after many other payments, another sale, or
//! another plan.

use wallet_client::Code;
use wallet_client::v1::{
    self, CancelTime, ChangeTime, ErrorReason, SubscriptionStatus, UnusedCredits, WalletStatus,
};

use crate::products::Platform;
use crate::products::platform::{ALICE, at};
use crate::shorthand::{figures, refused, violations};

pub(super) const JANUARY: &str = "2026-01-31T09:00:00Z";
pub(super) const FEBRUARY: &str = "2026-02-28T09:00:00Z";
pub(super) const MARCH: &str = "2026-03-31T09:00:00Z";

pub(super) fn euros(cents: i64) -> v1::Money {
    v1::Money::new("EUR", cents)
}

pub(super) fn invoice(id: &str, cents: i64) -> v1::PeriodPayment {
    v1::PeriodPayment { amount: Some(euros(cents)), payment_ref: id.into() }
}

/// Alice buys a plan, and pays with in_1.
pub(super) async fn sold(platform: &Platform, plan: &str) {
    let request = v1::SubscribeRequest::new(ALICE, "sold", plan).with_paid(invoice("in_1", 1_000));
    platform.client.subscribe(request).await.unwrap();
}

/// Alice cancels, and the plan is sold again for the same month with the same payment.
async fn sold_again(platform: &Platform, plan: &str) {
    let cancel = v1::CancelSubscriptionRequest::new(ALICE, "end").with_when(CancelTime::Now);
    platform.client.cancel_subscription(cancel.with_unused(UnusedCredits::Expire)).await.unwrap();
    let again = v1::SubscribeRequest::new(ALICE, "again", plan).with_anchor_time(at(JANUARY));
    platform.client.subscribe(again.with_paid(invoice("in_1", 1_000))).await.unwrap();
}

pub(super) fn payment(id: &str, start: &str, paid: &str) -> v1::RecordPaymentRequest {
    let request = v1::RecordPaymentRequest::new(ALICE, id).with_period_start_time(at(start));
    request.with_paid(invoice(paid, 1_000))
}

pub(super) async fn paid(platform: &Platform, request: v1::RecordPaymentRequest) {
    platform.client.record_payment(request).await.unwrap();
}

pub(super) fn paid_back(id: &str, reference: &str, cents: i64) -> v1::RecordRefundRequest {
    v1::RecordRefundRequest::payment_ref(ALICE, id, reference, euros(cents))
}

pub(super) fn period_back(id: &str, start: &str, cents: i64) -> v1::RecordRefundRequest {
    v1::RecordRefundRequest::period(ALICE, id, at(start), euros(cents))
}

pub(super) async fn back(platform: &Platform, request: v1::RecordRefundRequest) -> v1::RecordRefundResponse {
    platform.client.record_refund(request).await.unwrap()
}

/// Returns the cents that a refund of the subscription gives back.
pub(super) async fn refunded(platform: &Platform) -> i64 {
    let request = v1::RefundSubscriptionRequest::new(ALICE, "refund");
    platform.client.refund_subscription(request).await.unwrap().refund.unwrap().minor_units
}

pub(super) async fn subscription(platform: &Platform) -> v1::Subscription {
    platform.wallet().await.subscription.unwrap()
}

product! {
    "../tests/it/billing/payments";

    async fn replays_name_a_payment_that_24_others_followed(platform: Platform) {
        sold(platform, "month").await;
        let first = back(platform, paid_back("r", "in_1", 400)).await;
        for year in 0..2 {
            platform.days(366 * year).await;
            for n in 0..12 {
                let request = v1::RecordPaymentRequest::new(ALICE, format!("p{year}-{n}"));
                paid(platform, request.with_paid(invoice(&format!("in_{year}_{n}"), 1_000))).await;
            }
        }
        let again = back(platform, paid_back("r", "in_1", 400)).await;
        assert_eq!((again.replayed, again.refunded_total), (true, first.refunded_total));
        assert_eq!((again.grants.len(), again.grants[0].paid_out), (1, 40));
        let dispute = v1::RecordChargebackRequest::payment_ref(ALICE, "c", "in_1");
        platform.client.record_chargeback(dispute.clone()).await.unwrap();
        assert!(platform.client.record_chargeback(dispute).await.unwrap().replayed);
        let won = v1::ReverseChargebackRequest::payment_ref(ALICE, "w", "in_1");
        platform.client.reverse_chargeback(won.clone()).await.unwrap();
        assert!(platform.client.reverse_chargeback(won).await.unwrap().replayed);
        assert_eq!(platform.wallet().await.status(), WalletStatus::Active);
    }

    async fn the_end_is_where_it_was_after_a_failed_refund_ahead(platform: Platform) {
        sold(platform, "month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        platform.unsubscribe(CancelTime::AtPeriodEnd).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        assert_eq!(subscription(platform).await.paid_through_time, Some(at(FEBRUARY)));
        back(platform, paid_back("failed", "in_2", 0)).await;
        assert_eq!(subscription(platform).await.paid_through_time, Some(at(MARCH)));
        platform.until(FEBRUARY).await;
        assert_eq!(platform.credits().await, (100, 0));
        platform.until(MARCH).await;
        assert_eq!(platform.wallet().await.subscription, None);
    }

    async fn a_failed_refund_ahead_revives_its_payment_alone(platform: Platform) {
        sold(platform, "month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("first", "in_2", 1_000)).await;
        let other = v1::RecordPaymentRequest::new(ALICE, "q").with_paid(invoice("in_3", 1_500));
        paid(platform, other).await;
        back(platform, period_back("second", FEBRUARY, 1_500)).await;
        back(platform, period_back("failed", FEBRUARY, 0)).await;
        let found = violations(platform.client.record_refund(period_back("other", FEBRUARY, 2_500)).await);
        let text = "refunded_total: must be 1500 EUR (minor units), the whole price: the period has not begun";
        assert_eq!(found, [text]);
        back(platform, period_back("again", FEBRUARY, 1_500)).await;
    }

    async fn a_failed_refund_frees_a_payment_that_another_one_has_replaced(platform: Platform) {
        sold(platform, "month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        paid(platform, payment("q", FEBRUARY, "in_3")).await;
        let failed = back(platform, paid_back("failed", "in_2", 0)).await;
        assert_eq!((failed.refunded_total, figures(&failed.given_back).as_str()), (Some(euros(0)), ""));
        assert!(back(platform, paid_back("failed", "in_2", 0)).await.replayed);
        assert_eq!(subscription(platform).await.paid_through_time, Some(at(MARCH)));
        let next = || v1::RecordPaymentRequest::new(ALICE, "n").with_paid(invoice("in_2", 1_000));
        paid(platform, next()).await;
        assert_eq!(subscription(platform).await.paid_through_time, Some(at("2026-04-30T09:00:00Z")));
        assert!(platform.client.record_payment(next()).await.unwrap().replayed);
    }

    async fn a_failed_refund_frees_the_payment_of_a_period_that_has_begun_unpaid(platform: Platform) {
        sold(platform, "month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        platform.until(FEBRUARY).await;
        back(platform, paid_back("failed", "in_2", 0)).await;
        assert_eq!(subscription(platform).await.status(), SubscriptionStatus::PastDue);
        paid(platform, payment("late", FEBRUARY, "in_2")).await;
        assert_eq!(platform.credits().await, (100, 0));
    }

    async fn a_failed_refund_after_a_start_by_the_clock_restores_the_payment(platform: Platform) {
        platform.subscribe("unpriced").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        platform.until(FEBRUARY).await;
        back(platform, paid_back("again", "in_2", 1_000)).await;
        back(platform, period_back("failed", FEBRUARY, 0)).await;
        assert_eq!(platform.credits().await, (500, 0));
        assert_eq!(refunded(platform).await, 1_000);
    }

    async fn a_failed_refund_leaves_the_plan_that_its_payment_was_for(platform: Platform) {
        platform.subscribe("better").await;
        platform.change_plan("month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        back(platform, paid_back("failed", "in_2", 0)).await;
        platform.until(FEBRUARY).await;
        let now = subscription(platform).await;
        assert_eq!((now.plan_id.as_str(), now.status()), ("month", SubscriptionStatus::Active));
        assert_eq!(platform.credits().await, (100, 0));
    }

    async fn a_change_of_plan_that_begins_later_has_no_payment(platform: Platform) {
        platform.subscribe("better").await;
        let change = || v1::ChangePlanRequest::new(ALICE, "c", "month");
        let found = violations(platform.client.change_plan(change().with_paid(invoice("in_2", 1_000))).await);
        let text = "paid: pays nothing, because the change does not begin now; leave it out, and call \
                    RecordPayment with the period_start_time 2026-02-28T09:00:00Z";
        assert_eq!(found, [text]);
        platform.client.change_plan(change()).await.unwrap();
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
    }

    async fn a_payment_ahead_counts_for_the_term_that_begins_now(platform: Platform) {
        sold(platform, "month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        platform.days(1).await;
        let year = v1::ChangePlanRequest::new(ALICE, "year", "year").with_when(ChangeTime::Now);
        platform.client.change_plan(year.with_paid(invoice("in_3", 120_000))).await.unwrap();
        assert!(platform.client.record_payment(payment("again", FEBRUARY, "in_2")).await.unwrap().replayed);
        assert_eq!(refunded(platform).await, 121_000);
    }

    async fn a_won_dispute_of_a_payment_carried_over_is_about_its_chargeback(platform: Platform) {
        sold(platform, "month").await;
        let dispute = v1::RecordChargebackRequest::period(ALICE, "c", at(JANUARY));
        platform.client.record_chargeback(dispute).await.unwrap();
        sold_again(platform, "month").await;
        let won = v1::ReverseChargebackRequest::payment_ref(ALICE, "w", "in_1");
        let done = platform.client.reverse_chargeback(won.clone()).await.unwrap();
        assert_eq!(done.wallet.unwrap().status(), WalletStatus::Active);
        assert!(platform.client.reverse_chargeback(won).await.unwrap().replayed);
    }

    async fn a_refund_that_failed_is_reported_twice_and_leaves_the_later_sale(platform: Platform) {
        sold(platform, "month").await;
        back(platform, period_back("r", JANUARY, 400)).await;
        sold_again(platform, "month").await;
        let first = back(platform, period_back("failed", JANUARY, 0)).await;
        let twice = back(platform, period_back("twice", JANUARY, 0)).await;
        let keys = |reply: &v1::RecordRefundResponse| -> Vec<String> {
            reply.grants.iter().map(|grant| grant.grant_id.clone()).collect()
        };
        assert_eq!(keys(&first), ["period:1.0.0"]);
        // The credits of the cancelled sale have come back as a correction.
        assert_eq!(keys(&twice), ["period:1.0.0", "correction:failed"]);
        assert!(back(platform, period_back("twice", JANUARY, 0)).await.replayed);
    }

    async fn a_past_period_is_refunded_at_its_price_after_another_plan_began(platform: Platform) {
        platform.subscribe("month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        platform.until("2026-03-02T09:00:00Z").await;
        platform.change_plan("better").await;
        let found = violations(platform.client.record_refund(period_back("more", JANUARY, 1_001)).await);
        assert_eq!(found, ["refunded_total: must not be above the price, 1000 EUR (minor units)"]);
        assert_eq!(back(platform, period_back("r", JANUARY, 1_000)).await.refunded_total, Some(euros(1_000)));
    }

    async fn an_upgrade_to_a_plan_without_a_list_price_leaves_the_price(platform: Platform) {
        platform.subscribe("clock").await;
        platform.change_plan("unpriced").await;
        assert_eq!(refunded(platform).await, 1_000);
    }

    async fn an_equal_total_after_an_upgrade_keeps_its_share(platform: Platform) {
        platform.subscribe("clock").await;
        back(platform, period_back("half", JANUARY, 500)).await;
        platform.change_plan("better").await;
        assert_eq!(platform.credits().await, (350, 0));
        let again = back(platform, period_back("again", JANUARY, 500)).await;
        assert_eq!((figures(&again.given_back).as_str(), platform.credits().await), ("", (350, 0)));
    }

    async fn a_period_refunded_ahead_that_begins_by_the_clock_is_refunded_once(platform: Platform) {
        sold(platform, "clock").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        platform.until(FEBRUARY).await;
        assert_eq!(subscription(platform).await.status(), SubscriptionStatus::Active);
        let again = v1::RefundSubscriptionRequest::new(ALICE, "f");
        let refusal = platform.client.refund_subscription(again).await;
        let refusal = refused(refusal, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(refusal.metadata["cause"], "ALREADY_REFUNDED");
        let other = v1::RecordPaymentRequest::new(ALICE, "q").with_paid(invoice("in_3", 900));
        paid(platform, other).await;
        assert_eq!(subscription(platform).await.paid_through_time, Some(at(MARCH)));
        assert_eq!(refunded(platform).await, 900);
    }

    async fn the_reference_of_a_payment_refunded_ahead_pays_nothing_more(platform: Platform) {
        sold(platform, "month").await;
        paid(platform, payment("p", FEBRUARY, "in_2")).await;
        back(platform, paid_back("r", "in_2", 1_000)).await;
        let found = violations(platform.client.record_payment(payment("q", FEBRUARY, "in_2")).await);
        let text = "paid.payment_ref: in_2 was refunded before its period began";
        assert!(found[0].starts_with(text), "{found:?}");
        back(platform, paid_back("failed", "in_2", 0)).await;
        assert!(platform.client.record_payment(payment("q", FEBRUARY, "in_2")).await.unwrap().replayed);
    }
}
