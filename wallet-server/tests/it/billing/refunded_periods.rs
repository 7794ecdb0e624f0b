//! Refunds of a period that the payment provider has made, over the wire: the windows to come are withheld, the last
//! one first.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, UsedCredits};

use crate::products::Platform;
use crate::products::platform::{ALICE, at, op};
use crate::shorthand::{figures, refused, violations};

/// Subscribes to a quarter with 100 credits a month, for 30 euros.
async fn quarter(platform: &Platform) {
    let paid = v1::PeriodPayment { amount: Some(v1::Money::new("EUR", 3_000)), payment_ref: "in_1".into() };
    let request = v1::SubscribeRequest::new(ALICE, "quarter", "quarter").with_paid(paid);
    platform.client.subscribe(request).await.unwrap();
}

fn paid_back(id: &str, start: &str, cents: i64) -> v1::RecordRefundRequest {
    v1::RecordRefundRequest::period(ALICE, id, at(start), v1::Money::new("EUR", cents))
}

async fn cause(platform: &Platform, request: v1::RecordRefundRequest) -> String {
    let refusal = platform.client.record_refund(request).await;
    refused(refusal, ErrorReason::NotRefundable, Code::FailedPrecondition).metadata["cause"].clone()
}

const START: &str = "2026-01-31T09:00:00Z";

product! {
    "../tests/it/billing/plans";

    async fn the_last_windows_of_a_refunded_period_give_nothing(platform: Platform) {
        quarter(platform).await;
        let look = paid_back("r", START, 1_500).with_validate_only(true);
        let shown = platform.client.record_refund(look).await.unwrap();
        let done = platform.client.record_refund(paid_back("r", START, 1_500)).await.unwrap();
        assert_eq!((&shown.withheld, &shown.balances), (&done.withheld, &done.balances));
        // Half of 300 credits, and of the 890 coins of almost 13 weeks.
        assert_eq!((done.refunded_total.unwrap().minor_units, figures(&done.withheld)), (1_500, "445 coins, 150 credits".into()));
        assert_eq!((figures(&done.taken).as_str(), platform.credits().await), ("", (100, 0)));
        assert!(platform.client.record_refund(paid_back("r", START, 1_500)).await.unwrap().replayed);
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!(platform.credits().await, (50, 0));
        platform.until("2026-03-31T09:00:00Z").await;
        assert_eq!(platform.credits().await, (0, 0));
        let failed = platform.client.record_refund(paid_back("failed", START, 500)).await.unwrap();
        assert_eq!(figures(&failed.given_back).split(", ").last(), Some("100 credits"));
        assert_eq!(platform.credits().await, (100, 0));
        platform.until("2026-04-30T09:00:00Z").await;
        assert_eq!(platform.credits().await, (100, 0), "the next quarter is another period");
    }

    async fn windows_of_a_charged_back_period_give_nothing_until_the_dispute_is_won(platform: Platform) {
        quarter(platform).await;
        platform.client.record_refund(paid_back("r", START, 1_500)).await.unwrap();
        let dispute = v1::RecordChargebackRequest::period(ALICE, "lost", at(START));
        let done = platform.client.record_chargeback(dispute).await.unwrap();
        assert_eq!((figures(&done.withheld), figures(&done.revoked).contains("100 credits")), ("820 coins, 200 credits".into(), true));
        for instant in ["2026-02-01T09:00:00Z", "2026-02-28T09:00:00Z"] {
            assert_eq!(platform.credits().await, (0, 0));
            platform.until(instant).await;
        }
        let won = v1::ReverseChargebackRequest::period(ALICE, "won", at(START));
        platform.client.reverse_chargeback(won).await.unwrap();
        // The credits of the month that has ended, and the half of February that the refund left.
        assert_eq!(platform.credits().await, (150, 0));
        platform.until("2026-03-31T09:00:00Z").await;
        assert_eq!(platform.credits().await, (0, 0), "the refund withholds the last month, as before");
    }

    async fn a_month_that_is_over_can_be_refunded_and_its_use_owed(platform: Platform) {
        quarter(platform).await;
        platform.run("used", op("image", &[])).await;
        platform.deliver("used").await;
        platform.until("2026-05-02T09:00:00Z").await;
        let owing = paid_back("r", START, 3_000).with_used(UsedCredits::Owe);
        let done = platform.client.record_refund(owing).await.unwrap();
        assert_eq!((figures(&done.owed).as_str(), platform.credits().await), ("10 credits", (90, 0)));
        assert!(done.grants.iter().all(|grant| grant.available == 0), "{:?}", done.grants);
        let failed = platform.client.record_refund(paid_back("failed", START, 0)).await.unwrap();
        assert_eq!((figures(&failed.given_back).as_str(), platform.credits().await), ("", (100, 0)));
    }

    async fn a_chargeback_of_a_plan_sold_again_leaves_the_earlier_sale(platform: Platform) {
        quarter(platform).await;
        platform.run("used", op("image", &[])).await;
        platform.deliver("used").await;
        let cancel = v1::CancelSubscriptionRequest::new(ALICE, "end").with_when(v1::CancelTime::Now);
        platform.client.cancel_subscription(cancel.with_unused(v1::UnusedCredits::Expire)).await.unwrap();
        let again = v1::SubscribeRequest::new(ALICE, "again", "quarter").with_anchor_time(at(START));
        platform.client.subscribe(again).await.unwrap();
        let dispute = v1::RecordChargebackRequest::period(ALICE, "lost", at(START));
        let done = platform.client.record_chargeback(dispute).await.unwrap();
        assert_eq!((figures(&done.owed).as_str(), platform.credits().await), ("", (0, 0)));
        // The reference of the first payment names the period of the first sale, whose use is owed.
        let first = v1::RecordChargebackRequest::payment_ref(ALICE, "first", "in_1");
        let done = platform.client.record_chargeback(first).await.unwrap();
        assert_eq!((figures(&done.owed).as_str(), figures(&done.revoked).as_str()), ("10 credits", ""));
    }

    async fn a_refund_of_a_period_names_one_that_has_begun_and_its_price(platform: Platform) {
        quarter(platform).await;
        let found = violations(platform.client.record_refund(paid_back("r", "2026-02-28T09:00:00Z", 1)).await);
        let text = "period_start_time: must be the start of a period that has begun and was paid, such as 2026-01-31T09:00:00Z";
        assert_eq!(found, [text]);
        let found = violations(platform.client.record_refund(paid_back("r", START, 3_001)).await);
        assert_eq!(found, ["refunded_total: must not be above the price, 3000 EUR (minor units)"]);
        platform.client.record_refund(paid_back("r", START, 1)).await.unwrap();
        platform.until("2026-04-30T09:00:00Z").await;
        assert_eq!(cause(platform, paid_back("s", "2026-04-30T09:00:00Z", 1)).await, "NO_PRICE");
    }
}
