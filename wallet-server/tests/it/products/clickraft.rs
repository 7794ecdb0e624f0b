//! Clickraft: credits from four sources in a fixed order, deducted in advance and refunded after a failure.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, ReservationState, Source};

use super::platform::{ALICE, DAY, charged, op, returned};
use crate::shorthand::refused;

fn image(model: &str) -> v1::Operation {
    op("image.generate", &[("model", model), ("resolution", "720p")])
}

fn video(model: &str, resolution: &str, seconds: &str) -> v1::Operation {
    op("video.generate", &[("model", model), ("resolution", resolution)]).quantity("duration_s", seconds)
}

/// A text that costs this many credits.
fn text(credits: i64) -> v1::Operation {
    op("text.process", &[]).quantity("tokens", (credits * 1_000).to_string())
}

product! {
    "clickraft";

    async fn every_image_video_or_text_costs_credits(platform: Platform) {
        assert_eq!(platform.price(image("canvas")).await, 4);
        assert_eq!(platform.price(video("canvas", "720p", "5")).await, 40);
        assert_eq!(platform.price(text(3)).await, 3);
    }

    async fn credits_are_deducted_before_generation_starts(platform: Platform) {
        platform.subscribe("team").await;
        platform.reserve("job", video("canvas", "720p", "5")).await.unwrap();
        assert_eq!(platform.credits().await, (960, 40));
        let short = platform.reserve("more", video("masterpiece", "4k", "60")).await;
        let short = refused(short, ErrorReason::InsufficientCredits, Code::FailedPrecondition);
        assert_eq!(short.metadata["shortfall"], "2640", "{short:?}");
    }

    async fn a_success_consumes_the_credits(platform: Platform) {
        platform.subscribe("team").await;
        platform.run("job", video("canvas", "720p", "5")).await;
        let settled = platform.deliver("job").await;
        assert_eq!((settled.state(), charged(&settled)), (ReservationState::Settled, 40));
        assert_eq!(platform.credits().await, (960, 0));
    }

    async fn a_failure_for_any_reason_is_refunded_automatically(platform: Platform) {
        platform.subscribe("team").await;
        platform.run("failed", video("canvas", "720p", "5")).await;
        let failed = platform.fail("failed").await;
        assert_eq!((charged(&failed), returned(&failed)), (0, 40));
        // No call reports the end of this job: its worker is gone.
        platform.run("lost", video("canvas", "720p", "5")).await;
        platform.seconds(DAY).await;
        assert_eq!(platform.credits().await, (1_000, 0));
    }

    async fn a_model_of_a_higher_tier_costs_more(platform: Platform) {
        let (draft, best) = (platform.price(image("sketch")).await, platform.price(image("masterpiece")).await);
        assert_eq!((draft, best), (1, 10));
    }

    async fn a_video_costs_more_than_an_image(platform: Platform) {
        let second = platform.price(video("canvas", "720p", "1")).await;
        assert!(second > platform.price(image("canvas")).await);
    }

    async fn a_longer_video_costs_more(platform: Platform) {
        assert_eq!(platform.price(video("canvas", "720p", "5")).await, 40);
        assert_eq!(platform.price(video("canvas", "720p", "10")).await, 80);
    }

    async fn a_higher_resolution_costs_more(platform: Platform) {
        assert_eq!(platform.price(video("canvas", "720p", "5")).await, 40);
        assert_eq!(platform.price(video("canvas", "1080p", "5")).await, 60);
    }

    async fn the_exact_cost_is_shown_before_and_never_exceeded(platform: Platform) {
        platform.subscribe("team").await;
        let estimate = platform.estimate(video("canvas", "1080p", "5")).await;
        assert_eq!(estimate.amounts, estimate.max_amounts);
        platform.run("job", video("canvas", "1080p", "5")).await;
        let settled = platform.deliver_other("job", "duration_s", "8").await;
        assert_eq!(settled.charged, estimate.amounts);
    }

    async fn four_sources_are_consumed_in_their_order(platform: Platform) {
        // The grants are issued in another order than they are spent in.
        platform.give(Source::Referral, 40, Some("2026-02-02T09:00:00Z")).await;
        platform.give(Source::Promotional, 30, Some("2026-02-01T09:00:00Z")).await;
        platform.buy("pack-500").await.unwrap();
        platform.subscribe("team").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 1000, PURCHASED 500, PROMOTIONAL 30, REFERRAL 40");
        for (job, cost, left) in [
            ("a", 990, "SUBSCRIPTION 10, PURCHASED 500, PROMOTIONAL 30, REFERRAL 40"),
            ("b", 20, "PURCHASED 490, PROMOTIONAL 30, REFERRAL 40"),
            ("c", 500, "PROMOTIONAL 20, REFERRAL 40"),
            ("d", 30, "REFERRAL 30"),
            ("e", 30, ""),
        ] {
            platform.run(job, text(cost)).await;
            platform.deliver(job).await;
            assert_eq!(platform.by_source().await, left, "after job {job}");
        }
    }

    async fn the_breakdown_by_account_shows_held_credits_too(platform: Platform) {
        platform.buy("pack-500").await.unwrap();
        platform.subscribe("team").await;
        platform.reserve("job", text(1_200)).await.unwrap();
        let answer = crate::shorthand::balance(&platform.client, ALICE).await;
        let shown: Vec<_> = answer.balances[0]
            .by_source
            .iter()
            .map(|source| {
                let figure = |amount: &Option<v1::Amount>| amount.as_ref().map_or(0, |amount| amount.amount);
                (source.source(), figure(&source.available), figure(&source.held))
            })
            .collect();
        assert_eq!(shown, [(Source::Subscription, 0, 1_000), (Source::Purchased, 300, 200)]);
    }

    async fn the_reset_keeps_purchased_credits_and_rolls_nothing_over(platform: Platform) {
        platform.subscribe("team").await;
        platform.buy("pack-500").await.unwrap();
        platform.run("job", text(1_100)).await;
        platform.deliver("job").await;
        assert_eq!(platform.by_source().await, "PURCHASED 400");
        platform.until("2026-02-28T09:00:00Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 1000, PURCHASED 400", "remaining purchased + new");
        platform.until("2026-03-31T09:00:00Z").await;
        assert_eq!(platform.by_source().await, "SUBSCRIPTION 1000, PURCHASED 400", "the month's rest is gone");
    }

    async fn purchased_credits_never_expire(platform: Platform) {
        platform.buy("pack-500").await.unwrap();
        for _ in 0..10 {
            platform.days(3_650).await;
        }
        assert_eq!(platform.by_source().await, "PURCHASED 500");
    }

    async fn promotional_and_referral_credits_expire_at_their_own_times(platform: Platform) {
        platform.give(Source::Promotional, 30, Some("2026-02-10T00:00:00Z")).await;
        platform.give(Source::Promotional, 5, None).await;
        platform.give(Source::Referral, 40, Some("2026-03-10T00:00:00Z")).await;
        platform.until("2026-02-10T00:00:00Z").await;
        assert_eq!(platform.by_source().await, "PROMOTIONAL 5, REFERRAL 40");
        platform.until("2026-03-10T00:00:00Z").await;
        assert_eq!(platform.by_source().await, "PROMOTIONAL 5");
    }

    async fn an_organisation_shares_its_credits_and_knows_who_spent_them(platform: Platform) {
        platform.subscribe("team").await;
        for member in ["ann", "ben"] {
            let request = v1::ReserveRequest::new(ALICE, member, text(10)).with_actor(member);
            platform.client.reserve(request).await.unwrap();
            platform.deliver(member).await;
        }
        let request = v1::ListReservationsRequest {
            wallet_id: ALICE.into(),
            actor: "ben".into(),
            ..Default::default()
        };
        let bens = platform.client.list_reservations(request).await.unwrap().reservations;
        assert_eq!(bens.iter().map(|job| job.reservation_id.as_str()).collect::<Vec<_>>(), ["ben"]);
        assert_eq!(platform.credits().await, (980, 0));
    }
}
