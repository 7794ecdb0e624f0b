//! The studio with weekly and yearly plans: credits that reset every week, a year's credits upfront, and trainings.

use wallet_client::Code;
use wallet_client::v1::{self, CancelTime, Decision, ErrorReason};

use super::platform::{ALICE, at, op, subscribe};
use crate::shorthand::refused;

fn image(model: &str, resolution: &str, count: &str) -> v1::Operation {
    op("image.generate", &[("model", model), ("resolution", resolution)]).quantity("count", count)
}

fn video(model: &str, resolution: &str, seconds: &str) -> v1::Operation {
    op("video.generate", &[("model", model), ("resolution", resolution)]).quantity("duration_s", seconds)
}

fn training(images: &str) -> v1::Operation {
    op("lora.train", &[]).quantity("images", images)
}

product! {
    "trainings";

    async fn free_has_50_credits_once(platform: Platform) {
        assert_eq!(platform.by_source().await, "FREE 50");
        platform.run("job", image("flux-schnell", "sd", "1")).await;
        platform.deliver("job").await;
        platform.days(365).await;
        assert_eq!(platform.by_source().await, "FREE 40");
    }

    async fn a_warning_is_sent_when_trainings_run_low(platform: Platform) {
        platform.subscribe("pro-yearly").await;
        for n in 0..11 {
            platform.run(&format!("training-{n}"), training("20")).await;
        }
        assert_eq!(platform.notices().await, ["LOW_BALANCE 1 trainings"]);
        platform.run("last-training", training("20")).await;
        assert_eq!(platform.notices().await, ["LOW_BALANCE 1 trainings", "EXHAUSTED 0 trainings"]);
    }

    async fn a_warning_is_sent_when_credits_run_low(platform: Platform) {
        platform.run("first", image("flux-schnell", "sd", "1")).await;
        for job in ["second", "third", "fourth"] {
            platform.run(job, image("flux-schnell", "sd", "1")).await;
        }
        assert_eq!(platform.notices().await, [""; 0], "10 of 50 are not below 20 %");
        platform.run("fifth", image("flux-schnell", "sd", "1")).await;
        assert_eq!(platform.notices().await, ["LOW_BALANCE 0 credits", "EXHAUSTED 0 credits"]);
    }

    async fn after_the_initial_50_credits_an_upgrade_is_required(platform: Platform) {
        platform.run("job", image("flux-schnell", "4k", "1")).await;
        platform.deliver("job").await;
        let out = platform.reserve("next", image("flux-schnell", "sd", "1")).await;
        let out = refused(out, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        assert!(!out.metadata.contains_key("next_renewal_time"), "no renewal is due: {out:?}");
        platform.subscribe("starter-weekly").await;
        platform.reserve("next", image("flux-schnell", "sd", "1")).await.unwrap();
    }

    async fn weekly_plans_include_200_450_1000_and_2000_credits_a_week(platform: Platform) {
        platform.subscribe("starter-weekly").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 200, FREE 50");
        for (plan, amount) in [("pro-weekly", 450), ("ultra-weekly", 1_000), ("max-weekly", 2_000)] {
            platform.change_plan(plan).await;
            assert_eq!(platform.by_source().await, format!("SUBSCRIPTION {amount}, FREE 50"));
            platform.days(7).await;
            assert_eq!(platform.by_source().await, format!("SUBSCRIPTION {amount}, FREE 50"));
        }
    }

    async fn yearly_plans_give_10400_23400_52000_and_104000_credits_upfront(platform: Platform) {
        platform.subscribe("starter-yearly").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 10400, FREE 50");
        for (plan, amount) in [("pro-yearly", 23_400), ("ultra-yearly", 52_000), ("max-yearly", 104_000)] {
            platform.change_plan(plan).await;
            assert_eq!(platform.by_source().await, format!("SUBSCRIPTION {amount}, FREE 50"));
        }
        platform.until("2027-01-31T08:59:59Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 104000, FREE 50", "for the whole year");
    }

    async fn weekly_credits_expire_at_the_end_of_the_week_and_do_not_roll_over(platform: Platform) {
        platform.subscribe("starter-weekly").await;
        platform.run("job", image("flux-dev", "sd", "4")).await;
        platform.deliver("job").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 100, FREE 50");
        platform.until("2026-02-07T08:59:59Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 100, FREE 50");
        platform.until("2026-02-07T09:00:00Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 200, FREE 50");
    }

    async fn without_credits_the_customer_waits_for_the_next_cycle_or_upgrades(platform: Platform) {
        platform.subscribe("starter-weekly").await;
        platform.run("all", video("motion-pro", "720p", "10")).await;
        platform.run("rest", image("flux-schnell", "4k", "1")).await;
        let next = image("flux-dev", "hd", "1");
        let estimate = platform.estimate(next.clone()).await;
        assert_eq!(estimate.decision(), Decision::InsufficientCredits);
        assert_eq!(estimate.next_renewal_time, Some(at("2026-02-07T09:00:00Z")));
        platform.until("2026-02-07T09:00:00Z").await;
        assert_eq!(platform.estimate(next).await.decision(), Decision::Allowed);
    }

    async fn both_plans_can_be_cancelled_at_any_time(platform: Platform) {
        platform.subscribe("starter-weekly").await;
        platform.days(2).await;
        platform.unsubscribe(CancelTime::AtPeriodEnd).await;
        platform.until("2026-02-07T09:00:00Z").await;
        assert_eq!(platform.wallet().await.plan_id, "free");
        let yearly = v1::SubscribeRequest { request_id: "again".into(), ..subscribe("pro-yearly") };
        platform.client.subscribe(yearly).await.unwrap();
        platform.days(100).await;
        let cancel = v1::CancelSubscriptionRequest {
            wallet_id: ALICE.into(),
            request_id: "enough".into(),
            ..Default::default()
        };
        platform.client.cancel_subscription(cancel).await.unwrap();
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 23400, FREE 50");
        platform.until("2027-02-07T09:00:00Z").await;
        assert_eq!(platform.by_source().await, "FREE 50");
    }

    async fn images_cost_10_to_200_credits_on_every_plan(platform: Platform) {
        for model in ["flux-schnell", "flux-dev", "uncensored-one", "beta-one"] {
            for resolution in ["sd", "hd", "4k"] {
                let price = platform.price(image(model, resolution, "1")).await;
                assert!((10..=200).contains(&price), "{model} {resolution}: {price}");
            }
        }
        let dearest = image("beta-one", "4k", "1");
        assert_eq!((platform.price(image("flux-schnell", "sd", "1")).await, platform.price(dearest.clone()).await), (10, 200));
        platform.subscribe("max-yearly").await;
        assert_eq!(platform.price(dearest).await, 200);
    }

    async fn videos_cost_20_to_800_credits_on_every_plan(platform: Platform) {
        for plan in ["free", "max-weekly"] {
            platform.on(plan).await;
            assert_eq!(platform.price(video("motion", "720p", "1")).await, 20);
            assert_eq!(platform.price(video("motion-pro", "1080p", "20")).await, 800);
        }
    }

    async fn trainings_come_with_the_plans_that_include_them(platform: Platform) {
        for (plan, trainings) in [
            ("starter-weekly", 0),
            ("pro-weekly", 1),
            ("ultra-weekly", 5),
            ("max-weekly", 10),
            ("starter-yearly", 2),
            ("pro-yearly", 12),
            ("ultra-yearly", 50),
            ("max-yearly", 100),
        ] {
            let wallet = format!("on-{plan}");
            let create = v1::CreateWalletRequest { wallet_id: wallet.clone(), ..Default::default() };
            platform.client.create_wallet(create).await.unwrap();
            let request = v1::SubscribeRequest { wallet_id: wallet.clone(), ..subscribe(plan) };
            let sold = platform.client.subscribe(request).await.unwrap().wallet.unwrap();
            let figure = |unit: &str| {
                let balance = sold.balances.iter().find(|balance| balance.unit == unit);
                balance.and_then(|balance| balance.available.clone()).map_or(0, |amount| amount.amount)
            };
            assert_eq!(figure("trainings"), trainings, "{plan}");
        }
    }

    async fn a_plan_without_trainings_does_not_train(platform: Platform) {
        let plans = "starter-yearly,pro-weekly,pro-yearly,ultra-weekly,ultra-yearly,max-weekly,max-yearly";
        for plan in ["free", "starter-weekly"] {
            platform.on(plan).await;
            let refusal = platform.reserve("train", training("10")).await;
            let refusal = refused(refusal, ErrorReason::NotEntitled, Code::FailedPrecondition);
            assert_eq!(refusal.metadata["plans"], plans);
        }
    }

    async fn a_training_uses_the_allowance_and_no_credits(platform: Platform) {
        platform.subscribe("ultra-weekly").await;
        platform.run("train", training("30")).await;
        assert_eq!((platform.credits().await, platform.has("trainings").await), ((1_050, 0), (4, 1)));
        platform.deliver("train").await;
        assert_eq!((platform.credits().await, platform.has("trainings").await), ((1_050, 0), (4, 0)));
        platform.days(7).await;
        assert_eq!(platform.has("trainings").await, (5, 0), "five a week");
    }

    async fn a_training_of_40_minutes_keeps_its_hold(platform: Platform) {
        platform.subscribe("pro-weekly").await;
        platform.run("train", training("30")).await;
        platform.seconds(40 * 60).await;
        platform.deliver("train").await;
        assert_eq!(platform.has("trainings").await, (0, 0));
    }

    async fn a_training_that_was_started_is_spent_even_if_it_is_cancelled(platform: Platform) {
        platform.subscribe("ultra-weekly").await;
        platform.reserve("early", training("30")).await.unwrap();
        platform.cancel("early").await;
        assert_eq!(platform.has("trainings").await, (5, 0));
        platform.run("late", training("30")).await;
        platform.cancel("late").await;
        assert_eq!(platform.has("trainings").await, (4, 0));
    }

    async fn a_training_takes_up_to_30_images(platform: Platform) {
        platform.subscribe("max-yearly").await;
        platform.reserve("most", training("30")).await.unwrap();
        let refusal = platform.reserve("more", training("31")).await;
        let refusal = refused(refusal, ErrorReason::LimitExceeded, Code::FailedPrecondition);
        assert_eq!((&*refusal.metadata["maximum"], &*refusal.metadata["requested"]), ("30", "31"));
    }

    async fn on_free_dev_and_video_are_limited(platform: Platform) {
        for (job, operation) in [
            ("dev", image("flux-dev", "hd", "1")),
            ("model", video("motion-pro", "720p", "5")),
            ("uncensored", image("uncensored-one", "sd", "1")),
        ] {
            refused(platform.reserve(job, operation).await, ErrorReason::NotEntitled, Code::FailedPrecondition);
        }
        let long = platform.reserve("long", video("motion", "720p", "6")).await;
        refused(long, ErrorReason::LimitExceeded, Code::FailedPrecondition);
        platform.reserve("a", image("flux-dev", "sd", "1")).await.unwrap();
        platform.reserve("b", video("motion", "720p", "5")).await.unwrap();
    }

    async fn uncensored_models_come_with_pro_and_beta_models_with_ultra(platform: Platform) {
        platform.subscribe("starter-weekly").await;
        for (model, plan) in [("uncensored-one", "pro-weekly"), ("beta-one", "ultra-weekly")] {
            let refusal = platform.reserve(model, image(model, "sd", "1")).await;
            let refusal = refused(refusal, ErrorReason::NotEntitled, Code::FailedPrecondition);
            assert!(refusal.metadata["plans"].starts_with(plan), "{refusal:?}");
            platform.change_plan(plan).await;
            platform.reserve(model, image(model, "sd", "1")).await.unwrap();
        }
    }

    async fn batches_are_of_1_4_8_16_or_any_number_of_images(platform: Platform) {
        for (plan, most) in
            [("free", 1), ("starter-weekly", 4), ("pro-weekly", 8), ("ultra-weekly", 16), ("max-yearly", 10_000)]
        {
            platform.on(plan).await;
            let decision = |count: i64| {
                let batch = image("flux-schnell", "sd", &count.to_string());
                async { platform.estimate(batch).await.decision() }
            };
            assert_eq!(decision(most).await, Decision::Allowed, "{plan}");
            let more = if plan == "max-yearly" { Decision::Allowed } else { Decision::LimitExceeded };
            assert_eq!(decision(most + 1).await, more, "{plan}");
        }
    }

    async fn generation_is_faster_and_parameters_are_more_advanced_on_higher_plans(platform: Platform) {
        let mut shown = Vec::new();
        for plan in ["free", "starter-weekly", "pro-weekly", "ultra-weekly", "max-weekly"] {
            platform.on(plan).await;
            let reserved = platform.reserve(plan, image("flux-schnell", "sd", "1")).await.unwrap();
            shown.push((reserved.queue_priority, reserved.features[..2].join(" ")));
        }
        let expected = [
            (0, "speed.standard parameters.basic"),
            (0, "speed.standard parameters.standard"),
            (10, "speed.priority parameters.advanced"),
            (20, "speed.fastest parameters.full"),
            (100, "speed.instant parameters.full"),
        ];
        assert_eq!(shown, expected.map(|(priority, features)| (priority, features.to_owned())));
    }

    async fn a_low_balance_is_notified_in_every_period(platform: Platform) {
        platform.subscribe("starter-weekly").await;
        for week in ["1", "2"] {
            platform.run(&format!("half-{week}"), image("flux-dev", "sd", "4")).await;
            platform.run(&format!("rest-{week}"), image("flux-dev", "sd", "4")).await;
            let dev = platform.reserve(&format!("free-{week}"), image("flux-schnell", "sd", "2")).await.unwrap();
            assert_eq!(dev.warnings[0].kind(), v1::EventKind::LowBalance);
            platform.deliver(&format!("half-{week}")).await;
            platform.deliver(&format!("rest-{week}")).await;
            platform.cancel(&format!("free-{week}")).await;
            platform.days(7).await;
        }
        let expected = ["LOW_BALANCE 30", "RECOVERED 50", "LOW_BALANCE 30", "RECOVERED 50"];
        assert_eq!(platform.shown().await, expected, "below 20 % of 200");
    }
}
