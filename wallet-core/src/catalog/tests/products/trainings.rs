//! The studio with weekly and yearly plans and trainings.

use super::*;
use crate::catalog::{Phase, Term};

const TIERS: [&str; 5] = ["free", "starter", "pro", "ultra", "max"];
const PLANS: [&str; 9] = [
    "free",
    "starter-weekly",
    "starter-yearly",
    "pro-weekly",
    "pro-yearly",
    "ultra-weekly",
    "ultra-yearly",
    "max-weekly",
    "max-yearly",
];

fn image(model: &str, resolution: &str, count: &str) -> Operation {
    op("image.generate", &[("model", model), ("resolution", resolution)], &[("count", count)])
}

fn video(model: &str, resolution: &str, duration: &str) -> Operation {
    op("video.generate", &[("model", model), ("resolution", resolution)], &[("duration_s", duration)])
}

/// Checks whether Free, Starter, Pro, Ultra and Max allow an operation, weekly and yearly plans alike.
fn check(operation: &Operation, expected: [&str; 5]) {
    let catalog = parsed(TRAININGS);
    for (tier, expected) in TIERS.iter().zip(expected) {
        for plan in catalog.plans().iter().filter(|plan| plan.tier == *tier) {
            assert_eq!(verdict(&catalog, &plan.id, operation), expected, "{operation:?} on {}", plan.id);
        }
    }
}

#[test]
fn plans_include_the_credits_and_trainings_of_the_table() {
    let catalog = parsed(TRAININGS);
    let table = [
        (Term::ONCE, 50, None),
        (Term::WEEK, 200, None),
        (Term::YEAR, 10_400, Some(2)),
        (Term::WEEK, 450, Some(1)),
        (Term::YEAR, 23_400, Some(12)),
        (Term::WEEK, 1_000, Some(5)),
        (Term::YEAR, 52_000, Some(50)),
        (Term::WEEK, 2_000, Some(10)),
        (Term::YEAR, 104_000, Some(100)),
    ];
    assert_eq!(catalog.plans().len(), table.len());
    for (id, (term, credits, trainings)) in PLANS.into_iter().zip(table) {
        let plan = catalog.plan(id).unwrap();
        assert_eq!((plan.term, included(plan, "credits")), (term, vec![credits]), "{id}");
        assert_eq!(included(plan, "trainings"), Vec::from_iter(trainings), "{id}");
        let upfront = |of: &Allowance| of.cadence.is_none() && of.rollover.is_none();
        assert!(plan.allowances.iter().all(upfront), "{id}: all at once, and nothing rolls over");
        assert!(warns_before_zero(plan, "credits"), "{id}");
    }
    assert_eq!(catalog.default_plan().unwrap().id, "free");
    assert!(catalog.packs().is_empty(), "out of credits: upgrade, or wait for the next period");
}

#[test]
fn plans_that_include_trainings_allow_them_with_up_to_30_images() {
    let catalog = parsed(TRAININGS);
    for id in PLANS {
        let has = !included(catalog.plan(id).unwrap(), "trainings").is_empty();
        let verdicts =
            ["30", "31"].map(|images| verdict(&catalog, id, &op("lora.train", &[], &[("images", images)])));
        let expected = if has { ["ALLOWED", "LIMIT_EXCEEDED"] } else { ["NOT_ENTITLED"; 2] };
        assert_eq!(verdicts, expected, "{id}");
    }
}

#[test]
fn a_training_uses_the_training_allowance_and_is_spent_once_started() {
    let catalog = parsed(TRAININGS);
    let price = catalog.price(&op("lora.train", &[], &[("images", "30")]), Some("pro")).unwrap();
    assert_eq!((price.amounts.get("trainings"), price.amounts.names("credits")), (1, false));
    assert_eq!(price.policies.cancel_fee_percent(Phase::Held, "trainings"), 0);
    assert_eq!(price.policies.cancel_fee_percent(Phase::Processing, "trainings"), 100);
    assert!(price.policies.ttl.as_secs() > 40 * 60, "it takes up to 40 minutes");
}

#[test]
fn images_cost_10_to_200_and_videos_20_to_800_on_every_plan() {
    let catalog = parsed(TRAININGS);
    for tier in TIERS {
        let cost = |operation| credits(&catalog, tier, &operation);
        let models = ["flux-schnell", "flux-dev", "uncensored-one", "beta-one"];
        let images = models.map(|model| ["sd", "hd", "4k"].map(|size| cost(image(model, size, "1"))));
        let range = |all: &[i64]| (all.iter().min().copied(), all.iter().max().copied());
        assert_eq!(range(images.as_flattened()), (Some(10), Some(200)), "{tier}");

        let videos = ["motion", "motion-pro"].map(|model| {
            [("720p", "1"), ("720p", "20"), ("1080p", "20"), ("1080p", "60")]
                .map(|(resolution, duration)| cost(video(model, resolution, duration)))
        });
        assert_eq!(range(videos.as_flattened()), (Some(20), Some(800)), "{tier}");
    }
}

#[test]
fn batches_are_1_4_8_16_images_and_unlimited() {
    for (count, allowed_from) in [("1", 0), ("2", 1), ("4", 1), ("5", 2), ("8", 2), ("9", 3), ("16", 3)] {
        let expected = [0, 1, 2, 3, 4].map(|n| if n < allowed_from { "LIMIT_EXCEEDED" } else { "ALLOWED" });
        check(&image("flux-schnell", "sd", count), expected);
    }
    let over = "LIMIT_EXCEEDED";
    check(&image("flux-schnell", "sd", "1000"), [over, over, over, over, "ALLOWED"]);
}

#[test]
fn models_are_available_by_plan_and_limited_means_a_cap() {
    let (yes, no) = ("ALLOWED", "NOT_ENTITLED");
    check(&image("flux-schnell", "4k", "1"), [yes; 5]);
    check(&image("flux-dev", "sd", "1"), [yes; 5]);
    check(&image("flux-dev", "hd", "1"), [no, yes, yes, yes, yes]);
    check(&image("uncensored-two", "sd", "1"), [no, no, yes, yes, yes]);
    check(&image("beta-two", "sd", "1"), [no, no, no, yes, yes]);
    check(&video("motion", "720p", "5"), [yes; 5]);
    check(&video("motion", "720p", "10"), ["LIMIT_EXCEEDED", yes, yes, yes, yes]);
    check(&video("motion-pro", "1080p", "20"), [no, yes, yes, yes, yes]);
}

#[test]
fn faster_plans_come_first_and_starter_gains_priority_with_the_year() {
    let catalog = parsed(TRAININGS);
    let priorities = PLANS.map(|id| catalog.plan(id).unwrap().queue_priority);
    assert_eq!(priorities, [0, 0, 10, 10, 10, 20, 20, 100, 100]);
}

#[test]
fn a_year_saves_more_than_two_months_and_is_the_same_tier() {
    let catalog = parsed(TRAININGS);
    for tier in &TIERS[1..] {
        let [weekly, yearly] =
            ["weekly", "yearly"].map(|term| catalog.plan(&format!("{tier}-{term}")).unwrap());
        let price = |plan: &Plan| plan.list_price.as_ref().unwrap().minor_units;
        assert!(price(yearly) * 12 <= price(weekly) * 52 * 10, "{tier}");
        assert_eq!((&weekly.tier, weekly.rank), (&yearly.tier, yearly.rank));
        assert_eq!(included(yearly, "credits")[0], included(weekly, "credits")[0] * 52);
    }
}
