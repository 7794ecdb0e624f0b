//! Prices and plans of Flikly, as its catalog states them.

use super::*;
use crate::catalog::{PackExpiry, Span, Term};

const PLANS: [&str; 5] = ["free", "creator", "pro", "team", "custom"];

fn video(media: &str, model: &str, resolution: &str, duration: &str) -> Operation {
    let attributes = [("media", media), ("model", model), ("resolution", resolution)];
    op("video.generate", &attributes, &[("duration_s", duration)])
}

#[test]
fn plans_include_5_once_and_30_100_and_250_per_billing_month() {
    let catalog = parsed(FLIKLY);
    let plans: Vec<_> =
        catalog.plans().iter().map(|plan| (plan.id.as_str(), plan.term, included(plan, "credits"))).collect();
    assert_eq!(
        plans,
        [
            ("free", Term::ONCE, vec![5]),
            ("creator", Term::MONTH, vec![30]),
            ("pro", Term::MONTH, vec![100]),
            ("team", Term::MONTH, vec![250]),
            ("custom", Term::MONTH, vec![]),
        ]
    );
    assert_eq!(catalog.default_plan().unwrap().id, "free");
    assert!(catalog.plans().iter().flat_map(|plan| &plan.allowances).all(|of| of.rollover.is_none()));
    assert!(
        catalog.plans().is_sorted_by(|a, b| a.rank < b.rank),
        "each plan is an upgrade of the previous one"
    );
}

#[test]
fn add_ons_last_12_months_or_as_long_as_the_subscription_and_are_for_paid_plans() {
    let catalog = parsed(FLIKLY);
    assert!(!catalog.packs().is_empty());
    for pack in catalog.packs() {
        let expiry = PackExpiry { after: Some(Span::Months(12)), with_subscription: true };
        assert_eq!(pack.expiry, expiry, "{}", pack.id);
        assert_eq!(pack.plans.as_ref().unwrap(), &PLANS[1..], "{}", pack.id);
    }
}

#[test]
fn models_quality_and_length_are_gated_by_plan() {
    let catalog = parsed(FLIKLY);
    for (operation, expected) in [
        (video("text", "pika", "720p", "5"), ["ALLOWED"; 5]),
        (video("image", "pika", "720p", "5"), ["ALLOWED"; 5]),
        (video("text", "pika", "720p", "10"), ["LIMIT_EXCEEDED", "ALLOWED", "ALLOWED", "ALLOWED", "ALLOWED"]),
        (video("text", "luma", "1080p", "5"), ["NOT_ENTITLED", "ALLOWED", "ALLOWED", "ALLOWED", "ALLOWED"]),
        (
            video("text", "runway", "1080p", "5"),
            ["NOT_ENTITLED", "NOT_ENTITLED", "ALLOWED", "ALLOWED", "ALLOWED"],
        ),
        (
            video("text", "runway", "4k", "5"),
            ["NOT_ENTITLED", "NOT_ENTITLED", "NOT_ENTITLED", "ALLOWED", "ALLOWED"],
        ),
    ] {
        assert_eq!(PLANS.map(|plan| verdict(&catalog, plan, &operation)), expected, "{operation:?}");
    }
}

#[test]
fn usage_varies_by_workflow_model_duration_resolution_media_and_plan() {
    let catalog = parsed(FLIKLY);
    let cost = |operation: &Operation| credits(&catalog, "team", operation);
    let draft = cost(&video("text", "pika", "720p", "5"));
    for heavier in [
        video("text", "luma", "720p", "5"),
        video("text", "pika", "720p", "6"),
        video("text", "pika", "1080p", "5"),
        video("image", "pika", "720p", "5"),
    ] {
        assert!(cost(&heavier) > draft, "{heavier:?}");
    }
    let ten_minutes = |kind| op(kind, &[], &[("duration_s", "600")]);
    assert_eq!(cost(&ten_minutes("video.split")), 1);
    let captions = PLANS.map(|tier| credits(&catalog, tier, &ten_minutes("video.caption")));
    assert_eq!(captions, [1, 1, 0, 0, 0]);
}
