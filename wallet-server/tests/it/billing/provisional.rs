//! Provisional renewal, over the wire: a period begins without its payment, and ends without it.

use wallet_client::Code;
use wallet_client::v1::{self, CancelTime, ErrorReason, Renewal, SubscriptionStatus};

use crate::products::Platform;
use crate::products::platform::{ALICE, at, op};
use crate::shorthand::refused;

async fn pay(platform: &Platform, id: &str) -> Result<v1::Subscription, wallet_client::Error> {
    let request =
        v1::RecordPaymentRequest { wallet_id: ALICE.into(), request_id: id.into(), ..Default::default() };
    let wallet = platform.client.record_payment(request).await?.wallet;
    Ok(wallet.unwrap().subscription.unwrap())
}

product! {
    "../tests/it/billing/plans";

    async fn a_payment_within_the_hour_gives_the_rest(platform: Platform) {
        let sold = platform.subscribe("hourly").await.subscription.unwrap();
        assert_eq!((sold.renewal(), sold.provisional_share), (Renewal::Provisional, 50));
        assert_eq!((sold.status(), platform.credits().await), (SubscriptionStatus::Active, (100, 0)));
        platform.until("2026-02-28T09:00:00Z").await;
        let renewed = platform.wallet().await.subscription.unwrap();
        assert_eq!(renewed.status(), SubscriptionStatus::Provisional);
        assert_eq!(renewed.period_start_time, Some(at("2026-02-28T09:00:00Z")));
        assert_eq!(renewed.paid_through_time, renewed.period_start_time);
        assert_eq!(renewed.dunning_end_time, Some(at("2026-02-28T10:00:00Z")));
        assert_eq!(platform.credits().await, (50, 0));
        platform.seconds(3_599).await;
        let paid = pay(platform, "invoice").await.unwrap();
        assert_eq!((paid.status(), paid.dunning_end_time), (SubscriptionStatus::Active, None));
        assert_eq!(paid.paid_through_time, Some(at("2026-03-31T09:00:00Z")));
        assert_eq!(platform.credits().await, (100, 0));
    }

    async fn an_early_payment_begins_the_period_in_full(platform: Platform) {
        platform.subscribe("hourly").await;
        platform.until("2026-02-28T08:00:00Z").await;
        pay(platform, "invoice").await.unwrap();
        platform.until("2026-02-28T11:00:00Z").await;
        assert_eq!(platform.credits().await, (100, 0));
    }

    async fn without_a_payment_the_credits_are_revoked(platform: Platform) {
        platform.subscribe("hourly").await;
        platform.until("2026-02-28T09:50:00Z").await;
        platform.run("job", op("image", &[])).await;
        assert_eq!(platform.credits().await, (40, 10));
        platform.until("2026-02-28T10:00:00Z").await;
        assert_eq!((platform.wallet().await.subscription, platform.credits().await), (None, (0, 10)));
        platform.fail("job").await;
        assert_eq!(platform.credits().await, (0, 0), "what returns is revoked too");
        let late = pay(platform, "invoice").await;
        refused(late, ErrorReason::SubscriptionNotFound, Code::NotFound);
    }

    async fn a_preview_shows_that_another_term_revokes_unpaid_credits(platform: Platform) {
        platform.subscribe("hourly").await;
        platform.until("2026-02-28T09:00:00Z").await;
        let request = v1::ChangePlanRequest::new(ALICE, "longer", "quarter");
        let preview = v1::ChangePlanRequest { validate_only: true, ..request.clone() };
        let preview = platform.client.change_plan(preview).await.unwrap();
        assert_eq!((preview.kept.len(), preview.lost.len()), (0, 1));
        assert_eq!((preview.lost[0].unit.as_str(), preview.lost[0].amount), ("credits", 50));
        platform.client.change_plan(request).await.unwrap();
        assert_eq!(platform.credits().await, (100, 0), "those of the new plan");
    }

    async fn a_job_that_holds_all_of_it_keeps_its_credits(platform: Platform) {
        platform.subscribe("hourly").await;
        platform.until("2026-02-28T09:50:00Z").await;
        for n in 0..5 {
            platform.run(&format!("job-{n}"), op("image", &[])).await;
        }
        platform.unsubscribe(CancelTime::Now).await;
        assert_eq!(platform.credits().await, (0, 50));
        platform.deliver("job-0").await;
        platform.fail("job-1").await;
        assert_eq!(platform.credits().await, (0, 30));
    }
}
