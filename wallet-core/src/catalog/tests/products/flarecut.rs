//! Prices and plans of Flarecut Studio, as its catalog states them.

use super::*;
use crate::catalog::{Overage, Phase, Term};

fn video(duration: &str) -> Operation {
    op("video.generate", &[("model", "blaze"), ("resolution", "720p")], &[("duration_s", duration)])
}

#[test]
fn each_tier_adds_a_set_amount_of_credits_monthly() {
    let catalog = parsed(FLARECUT);
    let mut before = (0, 0);
    for plan in catalog.plans() {
        let [amount] = included(plan, "credits")[..] else { panic!("{}", plan.id) };
        assert_eq!((plan.term, plan.allowances[0].cadence), (Term::MONTH, None), "{}", plan.id);
        assert!((plan.rank, amount) > before, "an upgrade is a higher rank and more credits: {}", plan.id);
        before = (plan.rank, amount);
    }
    assert!(catalog.default_plan().is_none(), "without a subscription nothing is included");
}

#[test]
fn many_models_cost_what_was_estimated_and_advanced_ones_by_their_output() {
    let catalog = parsed(FLARECUT);
    let image = catalog.price(&op("image.generate", &[("model", "ember-pro")], &[]), None).unwrap();
    assert_eq!(image.amounts, image.max_amounts);
    let estimate = catalog.price(&video("10"), None).unwrap();
    assert_eq!((estimate.amounts.get("credits"), estimate.max_amounts.get("credits")), (100, 120));
    for (made, credits) in [("9.2", 92), ("10", 100), ("11", 110)] {
        let price = catalog.price_with_rule(&estimate.rule_id, &video(made)).unwrap();
        assert_eq!(price.amounts.get("credits"), credits, "{made} s");
    }
    assert_eq!(estimate.policies.overage, Overage::ChargeIfAvailable, "the difference is deducted");
}

#[test]
fn an_error_refunds_all_and_a_cancel_while_processing_half() {
    let policies = parsed(FLARECUT).price(&video("10"), None).unwrap().policies;
    assert_eq!(policies.failure_fee_percent("GPU_LOST", "credits"), 0);
    assert_eq!(policies.cancel_fee_percent(Phase::Processing, "credits"), 50);
    assert_eq!(policies.cancel_fee_percent(Phase::Held, "credits"), 0);
}
