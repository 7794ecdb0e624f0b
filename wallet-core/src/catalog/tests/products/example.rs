//! The catalog of a server without configuration, and the example of the reference.

use super::*;
use crate::catalog::Phase;

const REFERENCE: &str = include_str!("../../../../../docs/catalog.md");

#[test]
fn the_example_prices_the_readmes_video_at_40_credits() {
    let catalog = parsed(EXAMPLE);
    let video =
        op("video.generate", &[("model", "standard"), ("resolution", "720p")], &[("duration_s", "5")]);
    for tier in [None, Some("free"), Some("pro")] {
        let price = catalog.price(&video, tier).unwrap();
        assert_eq!((price.amounts.get("credits"), price.max_amounts.get("credits")), (40, 48));
    }
    assert!(catalog.default_plan().is_none(), "a first session shows nothing but what was bought");
    let free = catalog.plan("free").unwrap();
    assert_eq!((free.id.as_str(), free.allowances[0].amount), ("free", 50));
}

#[test]
fn a_started_training_is_spent_and_a_started_video_half() {
    let catalog = parsed(EXAMPLE);
    let policies = catalog.price(&op("lora.train", &[], &[]), None).unwrap().policies;
    assert_eq!(policies.cancel_fee_percent(Phase::Held, "trainings"), 0);
    assert_eq!(policies.cancel_fee_percent(Phase::Processing, "trainings"), 100);
    assert_eq!(policies.cancel_fee_percent(Phase::Processing, "credits"), 50);
}

#[test]
fn the_complete_example_of_the_reference_is_a_catalog() {
    let example = REFERENCE.split("```toml complete\n").nth(1).and_then(|rest| rest.split("```").next());
    assert!(!parsed(example.unwrap()).goldens().is_empty());
}
