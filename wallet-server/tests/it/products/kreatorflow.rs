//! KreatorFlow: prices by quality, four tiers, packs on every tier, and no new jobs at zero credits.

use wallet_client::Code;
use wallet_client::v1::{self, Decision, ErrorReason};

use super::platform::{ALICE, DAY, charged, op};
use crate::shorthand::refused;

fn image(quality: &str, complexity: &str) -> v1::Operation {
    op("image.generate", &[("model", "core"), ("quality", quality), ("complexity", complexity)])
}

fn video(model: &str, resolution: &str, seconds: &str) -> v1::Operation {
    op("video.generate", &[("model", model), ("resolution", resolution)]).quantity("duration_s", seconds)
}

product! {
    "kreatorflow";

    async fn images_cost_1_to_2_or_3_to_4_or_5_to_8_credits_by_quality(platform: Platform) {
        for (quality, range) in [("standard", (1, 2)), ("high", (3, 4)), ("ultra", (5, 8))] {
            let simple = platform.price(image(quality, "simple")).await;
            let complex = platform.price(image(quality, "complex")).await;
            assert_eq!((simple, complex), range, "{quality}");
        }
    }

    async fn short_clips_cost_5_to_10_and_standard_videos_10_to_20_credits(platform: Platform) {
        for (seconds, price) in [("1", 5), ("5", 5), ("10", 10), ("10.1", 11), ("20", 20)] {
            assert_eq!(platform.price(video("core", "720p", seconds)).await, price, "{seconds} s");
        }
    }

    async fn premium_features_cost_20_credits_and_more(platform: Platform) {
        for (model, resolution, seconds, price) in
            [("premium", "720p", "1", 20), ("premium", "1080p", "20", 40), ("core", "4k", "5", 30)]
        {
            assert_eq!(platform.price(video(model, resolution, seconds)).await, price);
        }
    }

    async fn the_credits_displayed_are_deducted_when_a_task_is_initiated(platform: Platform) {
        platform.subscribe("creator").await;
        let displayed = platform.price(image("ultra", "complex")).await;
        platform.reserve("job", image("ultra", "complex")).await.unwrap();
        let (before, held) = (320, displayed);
        assert_eq!(platform.credits().await, (before - displayed, held));
        platform.start("job").await;
        assert_eq!(charged(&platform.deliver("job").await), displayed);
    }

    async fn the_customer_is_notified_before_reaching_zero(platform: Platform) {
        platform.subscribe("creator").await;
        for n in 1..=16 {
            let job = format!("job-{n}");
            let reserved = platform.reserve(&job, video("core", "720p", "20")).await.unwrap();
            platform.deliver(&job).await;
            // A balance below a fifth of 300 is low; 320 are available.
            assert_eq!(reserved.warnings.is_empty(), n < 14, "{job}");
            let notices: &[&str] = match n {
                1..=13 => &[],
                14..=15 => &["LOW_BALANCE 40 credits"],
                _ => &["LOW_BALANCE 40 credits", "LOW_BALANCE 0 credits", "EXHAUSTED 0 credits"],
            };
            assert_eq!(platform.notices().await, notices, "{job}");
        }
    }

    async fn a_customer_starts_with_free_credits_to_test_the_platform(platform: Platform) {
        assert_eq!(platform.wallet().await.plan_id, "free");
        assert_eq!(platform.by_source().await, "FREE 20");
        platform.run("first", image("standard", "simple")).await;
        platform.deliver("first").await;
        platform.days(365).await;
        assert_eq!(platform.by_source().await, "FREE 19", "they are granted once");
    }

    async fn new_generations_are_blocked_while_those_in_progress_complete(platform: Platform) {
        platform.run("running", video("core", "720p", "10")).await;
        platform.run("too", video("core", "720p", "10")).await;
        assert_eq!(platform.credits().await, (0, 20));
        let blocked = platform.reserve("new", image("standard", "simple")).await;
        let blocked = refused(blocked, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        assert_eq!((&*blocked.metadata["required"], &*blocked.metadata["available"]), ("1", "0"));
        for job in ["running", "too"] {
            assert_eq!(charged(&platform.deliver(job).await), 10);
        }
        assert_eq!(platform.credits().await, (0, 0));
    }

    async fn a_shortfall_shows_the_packs_that_cover_it_and_a_pack_is_enough(platform: Platform) {
        platform.run("all", video("core", "720p", "10")).await;
        platform.run("rest", video("core", "720p", "10")).await;
        let estimate = platform.estimate(image("high", "simple")).await;
        assert_eq!(estimate.decision(), Decision::InsufficientCredits);
        assert_eq!(estimate.pack_ids, ["starter-pack", "creator-pack", "pro-pack"]);
        assert_eq!(estimate.shortfall[0].amount, 3);
        platform.buy("starter-pack").await.unwrap();
        platform.reserve("again", image("high", "simple")).await.unwrap();
        assert_eq!(platform.credits().await, (47, 23));
    }

    async fn an_upgrade_is_enough_too(platform: Platform) {
        platform.run("all", video("core", "720p", "10")).await;
        platform.run("rest", video("core", "720p", "10")).await;
        platform.subscribe("creator").await;
        platform.reserve("again", image("high", "simple")).await.unwrap();
        assert_eq!(platform.credits().await, (297, 23));
    }

    async fn packs_of_50_200_and_500_are_sold_on_any_tier(platform: Platform) {
        let mut purchased = 0;
        for plan in ["free", "creator", "pro", "max"] {
            if plan != "free" {
                match plan {
                    "creator" => drop(platform.subscribe(plan).await),
                    _ => drop(platform.change_plan(plan).await),
                }
            }
            assert_eq!(platform.wallet().await.plan_id, plan);
            for (pack, amount) in [("starter-pack", 50), ("creator-pack", 200), ("pro-pack", 500)] {
                let request = v1::TopUpRequest {
                    wallet_id: ALICE.into(),
                    top_up_id: format!("{plan}-{pack}"),
                    what: Some(v1::top_up_request::What::PackId(pack.into())),
                    ..Default::default()
                };
                platform.client.top_up(request).await.unwrap();
                purchased += amount;
                let shown = platform.by_source().await;
                assert!(shown.ends_with(&format!("PURCHASED {purchased}")), "{shown}");
            }
        }
    }

    async fn higher_tiers_give_more_credits_a_month(platform: Platform) {
        platform.subscribe("creator").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 300, FREE 20");
        platform.change_plan("pro").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 1000, FREE 20");
        platform.change_plan("max").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 3000, FREE 20");
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 3000, FREE 20");
    }

    async fn higher_tiers_have_faster_queues_and_more_features(platform: Platform) {
        let mut priorities = Vec::new();
        for (plan, feature) in
            [("free", "queue.standard"), ("creator", "support.priority"), ("pro", "models.premium"), ("max", "queue.instant")]
        {
            platform.on(plan).await;
            let reserved = platform.reserve(plan, image("standard", "simple")).await.unwrap();
            assert!(reserved.features.iter().any(|name| name == feature), "{plan}: {:?}", reserved.features);
            priorities.push(reserved.queue_priority);
        }
        assert_eq!(priorities, [0, 5, 10, 100]);
    }

    async fn premium_models_and_higher_resolutions_come_with_higher_tiers(platform: Platform) {
        platform.subscribe("creator").await;
        for (job, operation, plans) in [
            ("premium", video("premium", "720p", "5"), "pro,pro-annual,max,max-annual"),
            ("4k", video("core", "4k", "5"), "max,max-annual"),
        ] {
            let refusal = platform.reserve(job, operation).await;
            let refusal = refused(refusal, ErrorReason::NotEntitled, Code::FailedPrecondition);
            assert_eq!(refusal.metadata["plans"], plans);
        }
        platform.change_plan("pro").await;
        platform.reserve("premium", video("premium", "720p", "5")).await.unwrap();
        platform.change_plan("max").await;
        platform.reserve("4k", video("core", "4k", "5")).await.unwrap();
    }

    async fn character_models_are_more_extensive_on_higher_tiers(platform: Platform) {
        let mut shown = Vec::new();
        for plan in ["free", "creator", "pro", "max"] {
            platform.on(plan).await;
            let request = v1::GetEntitlementsRequest { wallet_id: ALICE.into() };
            let entitlements = platform.client.get_entitlements(request).await.unwrap();
            shown.push(entitlements.limits.get("character_models").copied());
        }
        assert_eq!(shown, [Some(0), Some(1), Some(5), None], "unlimited on Max");
    }

    async fn annual_plans_give_their_credits_month_by_month(platform: Platform) {
        platform.subscribe("creator-annual").await;
        for boundary in ["2026-02-28T09:00:00Z", "2026-03-31T09:00:00Z", "2026-04-30T09:00:00Z"] {
            assert_eq!(platform.by_source().await, "SUBSCRIPTION 300, FREE 20");
            platform.until(boundary).await;
        }
        platform.until("2027-01-31T09:00:00Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 300, FREE 20");
    }

    async fn an_unused_purchase_is_refunded_in_full_within_24_hours(platform: Platform) {
        platform.buy("creator-pack").await.unwrap();
        platform.seconds(DAY - 1).await;
        let refunded = platform.refund("creator-pack").await.unwrap();
        assert_eq!((refunded.amounts[0].amount, refunded.grants[0].paid_out), (200, 200));
        assert_eq!(platform.by_source().await, "FREE 20");
        platform.buy("pro-pack").await.unwrap();
        platform.seconds(DAY).await;
        let late = refused(platform.refund("pro-pack").await, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(late.metadata["cause"], "TOO_LATE");
        assert_eq!(platform.by_source().await, "FREE 20, PURCHASED 500");
    }

    async fn a_purchase_is_not_refunded_once_one_of_its_credits_is_used(platform: Platform) {
        platform.buy("starter-pack").await.unwrap();
        platform.run("free", video("core", "720p", "10")).await;
        platform.run("too", video("core", "720p", "10")).await;
        platform.run("one", image("standard", "simple")).await;
        let held = refused(platform.refund("starter-pack").await, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(held.metadata["cause"], "HOLDS_OUTSTANDING");
        platform.deliver("one").await;
        let used = refused(platform.refund("starter-pack").await, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(used.metadata["cause"], "CREDITS_USED");
        assert_eq!(platform.by_source().await, "PURCHASED 49");
    }

    async fn notifications_come_before_reaching_zero(platform: Platform) {
        platform.run("a", video("core", "720p", "10")).await;
        assert!(platform.shown().await.is_empty());
        let reserved = platform.reserve("b", video("core", "720p", "6")).await.unwrap();
        assert_eq!(reserved.warnings[0].kind(), v1::EventKind::LowBalance);
        assert_eq!(platform.shown().await, ["LOW_BALANCE 4"], "below 25 % of 20");
        platform.reserve("c", image("high", "complex")).await.unwrap();
        assert_eq!(platform.shown().await, ["LOW_BALANCE 4", "EXHAUSTED 0"]);
        platform.cancel("c").await;
        platform.reserve("d", image("high", "complex")).await.unwrap();
        let expected = ["LOW_BALANCE 4", "EXHAUSTED 0", "RECOVERED 4", "EXHAUSTED 0"];
        assert_eq!(platform.shown().await, expected, "a low balance is notified once until it recovers");
    }

    async fn an_annual_plan_is_refunded_in_part_by_its_unused_share(platform: Platform) {
        platform.subscribe("creator-annual").await;
        platform.until("2026-07-31T09:00:00Z").await;
        let request = v1::RefundSubscriptionRequest {
            wallet_id: ALICE.into(),
            request_id: "enough".into(),
            ..Default::default()
        };
        let look = v1::RefundSubscriptionRequest { validate_only: true, ..request.clone() };
        let quoted = platform.client.refund_subscription(look).await.unwrap().refund;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 300, FREE 20", "nothing has changed yet");
        let refunded = platform.client.refund_subscription(request).await.unwrap();
        assert_eq!(refunded.refund.as_ref().unwrap().minor_units, 15_000 * 184 / 365, "184 days are left");
        assert_eq!(refunded.refund, quoted);
        assert_eq!(platform.by_source().await, "FREE 20");
    }

    async fn an_unused_plan_is_refunded_in_full_within_24_hours(platform: Platform) {
        for (plan, price) in [("creator", 1_500), ("creator-annual", 15_000), ("max", 10_000)] {
            platform.subscribe(plan).await;
            platform.seconds(DAY - 1).await;
            let refunded = platform.refund_plan(plan).await.unwrap();
            assert_eq!((refunded.refund.unwrap().minor_units, refunded.in_full), (price, true), "{plan}");
            assert_eq!(platform.by_source().await, "FREE 20");
        }
        platform.subscribe("pro").await;
        platform.seconds(DAY).await;
        let late = refused(platform.refund_plan("pro").await, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(late.metadata["cause"], "TOO_LATE", "a monthly plan");
    }

    async fn a_plan_is_not_refunded_in_full_once_one_of_its_credits_is_used(platform: Platform) {
        platform.subscribe("creator").await;
        platform.run("one", image("standard", "simple")).await;
        let held = refused(platform.refund_plan("r").await, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(held.metadata["cause"], "HOLDS_OUTSTANDING");
        platform.deliver("one").await;
        let used = refused(platform.refund_plan("r").await, ErrorReason::NotRefundable, Code::FailedPrecondition);
        assert_eq!(used.metadata["cause"], "CREDITS_USED");
        platform.change_plan("max-annual").await;
        platform.run("two", image("standard", "simple")).await;
        platform.deliver("two").await;
        let refunded = platform.refund_plan("r").await.unwrap();
        assert!(!refunded.in_full, "an annual plan is refunded in part");
        assert!(refunded.refund.unwrap().minor_units < 100_000);
    }
}
