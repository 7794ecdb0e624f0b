//! Prices and plans of KreatorFlow, as its catalog states them.

use super::*;
use crate::catalog::{Limit, PackExpiry, Term};

fn image(model: &str, quality: &str, complexity: &str) -> Operation {
    op("image.generate", &[("model", model), ("quality", quality), ("complexity", complexity)], &[])
}

fn video(model: &str, resolution: &str, duration: &str) -> Operation {
    op("video.generate", &[("model", model), ("resolution", resolution)], &[("duration_s", duration)])
}

#[test]
fn images_cost_what_the_ladder_says_on_every_tier() {
    let catalog = parsed(KREATORFLOW);
    for tier in ["free", "creator", "pro", "max"] {
        for (quality, range) in [("standard", [1, 2]), ("high", [3, 4]), ("ultra", [5, 8])] {
            let prices = ["simple", "complex"].map(|c| credits(&catalog, tier, &image("core", quality, c)));
            assert_eq!(prices, range, "{quality} on {tier}");
        }
    }
}

#[test]
fn videos_cost_what_the_ladder_says() {
    let catalog = parsed(KREATORFLOW);
    for seconds in 1..=60 {
        let cost =
            |model, resolution| credits(&catalog, "max", &video(model, resolution, &seconds.to_string()));
        match seconds {
            ..=10 => assert!((5..=10).contains(&cost("core", "720p")), "short clip of {seconds} s"),
            11..=20 => assert!((10..=20).contains(&cost("core", "1080p")), "standard video of {seconds} s"),
            _ => {}
        }
        assert!(cost("premium", "720p") >= 20 && cost("core", "4k") >= 20, "premium, {seconds} s");
    }
}

#[test]
fn the_displayed_price_is_the_maximum_charge() {
    let catalog = parsed(KREATORFLOW);
    for operation in [image("core", "ultra", "complex"), video("premium", "4k", "30")] {
        let price = catalog.price(&operation, Some("max")).unwrap();
        assert_eq!(price.amounts, price.max_amounts);
    }
}

#[test]
fn free_starts_with_credits_and_every_other_tier_has_more_each_month() {
    let catalog = parsed(KREATORFLOW);
    let free = catalog.default_plan().unwrap();
    assert_eq!((free.id.as_str(), free.term), ("free", Term::ONCE));
    let mut before = included(free, "credits")[0];
    for tier in ["creator", "pro", "max"] {
        let (monthly, annual) =
            (catalog.plan(tier).unwrap(), catalog.plan(&format!("{tier}-annual")).unwrap());
        assert_eq!((monthly.term, annual.term), (Term::MONTH, Term::YEAR));
        assert_eq!(
            annual.allowances[0].cadence,
            Some(Term::MONTH),
            "credits are monthly on {tier}-annual too"
        );
        assert_eq!(included(monthly, "credits"), included(annual, "credits"));
        assert_eq!((&monthly.tier, monthly.rank), (&annual.tier, annual.rank));
        assert!(included(monthly, "credits")[0] > before, "{tier}");
        before = included(monthly, "credits")[0];
    }
}

#[test]
fn higher_tiers_wait_less_and_may_do_more() {
    let catalog = parsed(KREATORFLOW);
    let plans = ["free", "creator", "pro", "max"];
    let priorities = plans.map(|id| catalog.plan(id).unwrap().queue_priority);
    assert!(priorities.is_sorted_by(|a, b| a < b), "{priorities:?}");
    let characters = plans.map(|id| catalog.plan(id).unwrap().limit("character_models", 1));
    assert_eq!(characters, [Limit::AtMost(0), Limit::AtMost(1), Limit::AtMost(5), Limit::Unlimited]);

    for (operation, expected) in [
        (image("core", "standard", "simple"), ["ALLOWED"; 4]),
        (image("core", "ultra", "simple"), ["NOT_ENTITLED", "ALLOWED", "ALLOWED", "ALLOWED"]),
        (image("premium", "ultra", "simple"), ["NOT_ENTITLED", "NOT_ENTITLED", "ALLOWED", "ALLOWED"]),
        (video("core", "720p", "15"), ["LIMIT_EXCEEDED", "ALLOWED", "ALLOWED", "ALLOWED"]),
        (video("core", "1080p", "5"), ["NOT_ENTITLED", "ALLOWED", "ALLOWED", "ALLOWED"]),
        (video("premium", "1080p", "60"), ["NOT_ENTITLED", "NOT_ENTITLED", "LIMIT_EXCEEDED", "ALLOWED"]),
        (video("core", "4k", "5"), ["NOT_ENTITLED", "NOT_ENTITLED", "NOT_ENTITLED", "ALLOWED"]),
    ] {
        assert_eq!(plans.map(|plan| verdict(&catalog, plan, &operation)), expected, "{operation:?}");
    }
    for tier in ["creator", "pro", "max"] {
        let annual = catalog.plan(&format!("{tier}-annual")).unwrap();
        let monthly = catalog.plan(tier).unwrap();
        assert_eq!(
            (&annual.entitlements, &annual.features, &annual.limits, annual.queue_priority),
            (&monthly.entitlements, &monthly.features, &monthly.limits, monthly.queue_priority),
            "{tier}"
        );
    }
}

#[test]
fn every_plan_warns_before_the_balance_is_zero() {
    assert!(parsed(KREATORFLOW).plans().iter().all(|plan| warns_before_zero(plan, "credits")));
}

#[test]
fn packs_of_50_200_and_500_are_for_every_tier_and_kept() {
    let catalog = parsed(KREATORFLOW);
    let packs: Vec<_> =
        catalog.packs().iter().map(|pack| (pack.name.as_str(), pack.amounts.get("credits"))).collect();
    assert_eq!(packs, [("Starter Pack", 50), ("Creator Pack", 200), ("Pro Pack", 500)]);
    assert!(catalog.packs().iter().all(|pack| pack.plans.is_none() && pack.expiry == PackExpiry::NEVER));
}
