//! Flarecut Studio: estimate, reservation and settlement, and plans that may change at any time.

use wallet_client::v1;
use wallet_client::v1::{CancelTime, Decision, EntryKind, ReservationState};

use super::platform::{at, charged, op, returned};

/// A video in full HD, at 15 credits per second.
fn video(seconds: &str) -> v1::Operation {
    op("video.generate", &[("model", "blaze"), ("resolution", "1080p")]).quantity("duration_s", seconds)
}

product! {
    "flarecut";

    async fn each_tier_adds_a_set_amount_of_credits_monthly(platform: Platform) {
        assert_eq!(platform.credits().await, (0, 0), "without a plan nothing is included");
        platform.subscribe("starter").await;
        for (month, boundary) in
            (1..).zip(["2026-02-28T09:00:00Z", "2026-03-31T09:00:00Z", "2026-04-30T09:00:00Z"])
        {
            assert_eq!(platform.credits().await, (500, 0));
            let job = format!("month-{month}");
            platform.run(&job, op("image.generate", &[("model", "ember")])).await;
            platform.deliver(&job).await;
            assert_eq!(platform.credits().await, (495, 0));
            platform.until(boundary).await;
            let entry = platform.ledger().await.pop().unwrap();
            assert_eq!((entry.kind(), entry.effective_time), (EntryKind::PeriodBegan, Some(at(boundary))));
        }
    }

    async fn the_estimate_follows_the_models_parameters_in_real_time(platform: Platform) {
        platform.subscribe("starter").await;
        let before = platform.ledger().await.len();
        let mut prices = Vec::new();
        for (model, resolution, seconds) in
            [("blaze", "720p", "5"), ("blaze", "1080p", "5"), ("blaze-turbo", "1080p", "5"), ("blaze", "1080p", "9")]
        {
            let operation = op("video.generate", &[("model", model), ("resolution", resolution)]);
            let estimate = platform.estimate(operation.quantity("duration_s", seconds)).await;
            assert_eq!(estimate.decision(), Decision::Allowed);
            prices.push(estimate.amounts[0].amount);
        }
        assert_eq!(prices, [50, 75, 38, 135]);
        assert_eq!(platform.ledger().await.len(), before, "an estimate writes nothing");
        assert_eq!(platform.credits().await, (500, 0));
    }

    async fn the_estimate_is_reserved_held_but_not_yet_spent(platform: Platform) {
        platform.subscribe("starter").await;
        let estimate = platform.estimate(video("10")).await;
        let reserved = platform.reserve_quoted("job", &estimate.quote_token).await.unwrap();
        let reservation = reserved.reservation.unwrap();
        assert_eq!(reservation.amounts, estimate.amounts);
        assert_eq!(platform.credits().await, (350, 150));
        assert_eq!(charged(&reservation), 0);
    }

    async fn for_many_models_the_final_cost_matches_the_estimate(platform: Platform) {
        platform.subscribe("starter").await;
        let image = op("image.generate", &[("model", "ember-pro")]).quantity("count", "2");
        let estimate = platform.estimate(image.clone()).await;
        assert_eq!(estimate.amounts, estimate.max_amounts, "the maximum is the price");
        platform.run("job", image).await;
        let settled = platform.deliver("job").await;
        assert_eq!((charged(&settled), returned(&settled)), (40, 0));
        assert_eq!(platform.credits().await, (460, 0));
    }

    async fn an_output_that_is_shorter_is_credited_back(platform: Platform) {
        platform.subscribe("starter").await;
        platform.run("job", video("10")).await;
        let settled = platform.deliver_other("job", "duration_s", "9.2").await;
        assert_eq!((charged(&settled), returned(&settled)), (138, 12));
        assert_eq!(platform.credits().await, (362, 0));
    }

    async fn an_output_that_is_longer_is_deducted_accordingly(platform: Platform) {
        platform.subscribe("starter").await;
        platform.run("job", video("10")).await;
        let settled = platform.deliver_other("job", "duration_s", "10.5").await;
        assert_eq!((charged(&settled), returned(&settled)), (158, 0));
        assert_eq!(platform.credits().await, (342, 0));
    }

    async fn no_output_is_deducted_beyond_a_fifth_above_the_estimate(platform: Platform) {
        platform.subscribe("starter").await;
        let most = platform.estimate(video("10")).await.max_amounts;
        platform.run("job", video("10")).await;
        let settled = platform.deliver_other("job", "duration_s", "20").await;
        assert_eq!(settled.charged, most);
        assert_eq!((charged(&settled), settled.uncollected[0].amount), (180, 120));
    }

    async fn a_task_that_fails_is_refunded_in_full(platform: Platform) {
        platform.subscribe("starter").await;
        platform.run("job", video("10")).await;
        let failed = platform.fail("job").await;
        assert_eq!(failed.state(), ReservationState::Failed);
        assert_eq!((charged(&failed), returned(&failed)), (0, 150));
        assert_eq!(platform.credits().await, (500, 0));
    }

    async fn a_task_cancelled_while_processing_is_refunded_half(platform: Platform) {
        platform.subscribe("starter").await;
        platform.run("job", video("10")).await;
        let cancelled = platform.cancel("job").await;
        assert_eq!((charged(&cancelled), returned(&cancelled)), (75, 75));
        assert_eq!(platform.credits().await, (425, 0));
        platform.run("odd", video("1")).await;
        let odd = platform.cancel("odd").await;
        assert_eq!((charged(&odd), returned(&odd)), (7, 8), "rounded in the customer's favour");
    }

    async fn an_upgrade_applies_at_once_with_the_difference_for_the_rest_of_the_month(platform: Platform) {
        platform.subscribe("starter").await;
        platform.until("2026-02-14T09:00:00Z").await;
        platform.change_plan("studio").await;
        assert_eq!(platform.wallet().await.plan_id, "studio");
        assert_eq!(platform.credits().await, (500 + 750, 0), "half of the 1,500 between them");
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!(platform.credits().await, (2_000, 0));
    }

    async fn a_downgrade_waits_for_the_end_of_the_month(platform: Platform) {
        platform.subscribe("agency").await;
        platform.days(3).await;
        platform.change_plan("starter").await;
        assert_eq!(platform.credits().await, (8_000, 0));
        platform.until("2026-02-28T08:59:59Z").await;
        assert_eq!(platform.wallet().await.plan_id, "agency");
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!(platform.wallet().await.plan_id, "starter");
        assert_eq!(platform.credits().await, (500, 0));
    }

    async fn a_plan_is_cancelled_at_any_time_and_runs_to_the_end_of_its_month(platform: Platform) {
        platform.subscribe("starter").await;
        platform.days(11).await;
        platform.unsubscribe(CancelTime::AtPeriodEnd).await;
        assert_eq!(platform.credits().await, (500, 0));
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!(platform.credits().await, (0, 0));
        assert_eq!(platform.wallet().await.subscription, None);
    }
}
