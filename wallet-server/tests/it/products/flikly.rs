//! Flikly: credits per billing month, once on Free, negotiated on Custom, and add-ons that end with the subscription.

use wallet_client::Code;
use wallet_client::v1::{self, CancelTime, Decision, ErrorReason};

use super::platform::{ALICE, Platform, at, op, subscribe};
use crate::shorthand::refused;

fn video(media: &str, model: &str, resolution: &str, seconds: &str) -> v1::Operation {
    op("video.generate", &[("media", media), ("model", model), ("resolution", resolution)])
        .quantity("duration_s", seconds)
}

/// The cheapest operation: one credit.
fn draft() -> v1::Operation {
    video("text", "pika", "720p", "5")
}

async fn use_30_credits(platform: &Platform, month: &str) {
    for n in 0..30 {
        let job = format!("{month}-{n}");
        platform.run(&job, draft()).await;
        platform.deliver(&job).await;
    }
}

product! {
    "flikly";

    async fn free_has_five_credits_once_that_do_not_refresh(platform: Platform) {
        assert_eq!(platform.wallet().await.plan_id, "free");
        assert_eq!(platform.by_source().await, "FREE 5");
        for job in ["a", "b", "c", "d", "e"] {
            platform.run(job, draft()).await;
            platform.deliver(job).await;
        }
        platform.days(400).await;
        assert_eq!(platform.credits().await, (0, 0));
        // The end of a subscription does not grant them again. The month that was paid for keeps its credits.
        platform.subscribe("creator").await;
        platform.unsubscribe(CancelTime::Now).await;
        assert_eq!(platform.wallet().await.plan_id, "free");
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 30");
    }

    async fn low_credits_are_notified_and_again_in_the_next_month(platform: Platform) {
        platform.subscribe("creator").await;
        use_30_credits(platform, "february").await;
        assert_eq!(platform.credits().await, (5, 0));
        assert_eq!(platform.notices().await, ["LOW_BALANCE 5 credits"]);
        platform.until("2026-02-28T09:00:00Z").await;
        use_30_credits(platform, "march").await;
        let expected = ["LOW_BALANCE 5 credits", "RECOVERED 35 credits", "LOW_BALANCE 5 credits"];
        assert_eq!(platform.notices().await, expected);
    }

    async fn creator_includes_30_credits_per_billing_month(platform: Platform) {
        platform.subscribe("creator").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 30, FREE 5");
    }

    async fn pro_includes_100_credits_per_billing_month(platform: Platform) {
        platform.subscribe("pro").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 100, FREE 5");
    }

    async fn team_includes_250_credits_per_billing_month(platform: Platform) {
        platform.subscribe("team").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 250, FREE 5");
    }

    async fn custom_includes_the_negotiated_credits(platform: Platform) {
        let overrides =
            v1::PlanOverrides { allowances: vec![v1::Amount::new("credits", 777)], ..Default::default() };
        let request = v1::SubscribeRequest { overrides: Some(overrides), ..subscribe("custom") };
        platform.client.subscribe(request).await.unwrap();
        for boundary in ["2026-02-28T09:00:00Z", "2026-03-31T09:00:00Z"] {
            assert_eq!(platform.by_source().await, "SUBSCRIPTION 777, FREE 5");
            platform.until(boundary).await;
        }
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 777, FREE 5");
    }

    async fn credits_refresh_with_the_billing_period_and_not_with_the_calendar_month(platform: Platform) {
        platform.until("2026-02-17T15:30:00Z").await;
        platform.subscribe("creator").await;
        platform.run("job", draft()).await;
        platform.deliver("job").await;
        platform.until("2026-03-01T00:00:00Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 29, FREE 5", "the first of the month is an ordinary day");
        platform.until("2026-03-17T15:29:59Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 29, FREE 5");
        platform.until("2026-03-17T15:30:00Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 30, FREE 5", "and nothing rolls over");
    }

    async fn add_ons_are_for_paid_plans(platform: Platform) {
        let refusal = platform.buy("addon-25").await;
        let refusal = refused(refusal, ErrorReason::PackNotAvailable, Code::FailedPrecondition);
        assert_eq!(refusal.metadata["plans"], "creator,pro,team,custom");
        platform.subscribe("creator").await;
        platform.buy("addon-25").await.unwrap();
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 30, FREE 5, PURCHASED 25");
    }

    async fn add_ons_expire_12_months_after_the_purchase(platform: Platform) {
        platform.subscribe("creator").await;
        platform.until("2026-02-10T12:00:00Z").await;
        platform.buy("addon-25").await.unwrap();
        platform.until("2027-02-10T11:59:59Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 30, FREE 5, PURCHASED 25");
        platform.until("2027-02-10T12:00:00Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 30, FREE 5");
    }

    async fn add_ons_expire_with_the_subscription_if_that_is_earlier(platform: Platform) {
        platform.subscribe("creator").await;
        platform.buy("addon-25").await.unwrap();
        platform.unsubscribe(CancelTime::AtPeriodEnd).await;
        platform.until("2026-02-28T08:59:59Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 30, FREE 5, PURCHASED 25");
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!(platform.by_source().await, "FREE 5");
    }

    async fn add_ons_outlive_a_change_of_plan(platform: Platform) {
        platform.subscribe("creator").await;
        platform.buy("addon-25").await.unwrap();
        platform.change_plan("pro").await;
        platform.change_plan("creator").await;
        platform.until("2026-03-01T09:00:00Z").await;
        assert_eq!(platform.wallet().await.plan_id, "creator");
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 30, FREE 5, PURCHASED 25");
    }

    async fn an_upgrade_of_creator_to_pro_with_20_of_30_days_left_gives_47(platform: Platform) {
        platform.until("2026-04-01T09:00:00Z").await;
        platform.subscribe("creator").await;
        platform.days(10).await;
        platform.change_plan("pro").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 77, FREE 5");
    }

    async fn with_few_credits_the_customer_waits_buys_or_upgrades(platform: Platform) {
        platform.subscribe("creator").await;
        let more = video("image", "luma", "1080p", "10");
        for job in ["a", "b"] {
            platform.run(job, more.clone()).await;
            platform.deliver(job).await;
        }
        assert_eq!(platform.credits().await, (11, 0));
        let estimate = platform.estimate(more.clone()).await;
        assert_eq!(estimate.decision(), Decision::InsufficientCredits);
        assert_eq!(estimate.next_renewal_time, Some(at("2026-02-28T09:00:00Z")));
        assert_eq!(estimate.pack_ids, ["addon-25", "addon-100"]);
        platform.change_plan("pro").await;
        assert_eq!(platform.estimate(more).await.decision(), Decision::Allowed);
    }

    async fn usage_varies_by_workflow_model_duration_resolution_media_type_and_plan(platform: Platform) {
        let base = platform.price(draft()).await;
        assert_eq!(base, 1);
        assert_eq!(platform.price(video("text", "runway", "720p", "5")).await, 3, "model");
        assert_eq!(platform.price(video("text", "pika", "720p", "15")).await, 3, "duration");
        assert_eq!(platform.price(video("text", "pika", "1080p", "5")).await, 2, "resolution");
        assert_eq!(platform.price(video("image", "pika", "1080p", "5")).await, 3, "media type");
        let captions = op("video.caption", &[]).quantity("duration_s", "601");
        assert_eq!(platform.price(captions.clone()).await, 2, "workflow");
        platform.subscribe("pro").await;
        assert_eq!(platform.price(captions).await, 0, "plan");
    }

    async fn models_and_quality_are_gated_by_plan(platform: Platform) {
        platform.subscribe("creator").await;
        let runway = platform.reserve("a", video("text", "runway", "720p", "5")).await;
        let runway = refused(runway, ErrorReason::NotEntitled, Code::FailedPrecondition);
        assert_eq!(runway.metadata["plans"], "pro,team,custom");
        let finest = platform.reserve("b", video("text", "luma", "4k", "5")).await;
        let finest = refused(finest, ErrorReason::NotEntitled, Code::FailedPrecondition);
        assert_eq!(finest.metadata["plans"], "team,custom");
        let long = platform.reserve("c", video("text", "luma", "720p", "11")).await;
        let long = refused(long, ErrorReason::LimitExceeded, Code::FailedPrecondition);
        assert_eq!((&*long.metadata["maximum"], &*long.metadata["plans"]), ("10", "pro,team,custom"));
        platform.change_plan("team").await;
        platform.reserve("a", video("text", "runway", "720p", "5")).await.unwrap();
        platform.reserve("b", video("text", "luma", "4k", "5")).await.unwrap();
    }

    async fn credits_are_not_video_minutes(platform: Platform) {
        let hour = op("video.split", &[]).quantity("duration_s", "3600");
        assert_eq!(platform.price(hour).await, 6, "an hour of recording is six credits");
        let request = v1::EstimateRequest {
            wallet_id: ALICE.into(),
            operation: Some(op("video.split", &[]).quantity("minutes", "60")),
            ..Default::default()
        };
        refused(platform.client.estimate(request).await, ErrorReason::InvalidField, Code::InvalidArgument);
    }
}
