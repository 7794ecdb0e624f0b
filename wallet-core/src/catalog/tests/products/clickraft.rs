//! Prices and plans of Clickraft, as its catalog states them.

use super::*;
use crate::catalog::{PackExpiry, Phase, Term};
use crate::value::source::Source;

fn image(model: &str, resolution: &str) -> Operation {
    op("image.generate", &[("model", model), ("resolution", resolution)], &[])
}

fn video(model: &str, resolution: &str, duration: &str) -> Operation {
    op("video.generate", &[("model", model), ("resolution", resolution)], &[("duration_s", duration)])
}

#[test]
fn four_accounts_are_consumed_in_the_order_of_the_table() {
    let catalog = parsed(CLICKRAFT);
    let order =
        [Source::Grace, Source::Subscription, Source::Purchased, Source::Promotional, Source::Referral];
    assert!(order.is_sorted_by(|a, b| catalog.spend_rank(*a) < catalog.spend_rank(*b)));
}

#[test]
fn subscription_credits_are_monthly_and_do_not_roll_over() {
    for plan in parsed(CLICKRAFT).plans() {
        assert_eq!((plan.term, plan.allowances[0].rollover), (Term::MONTH, None), "{}", plan.id);
    }
}

#[test]
fn purchased_credits_never_expire_and_every_wallet_may_buy_them() {
    let catalog = parsed(CLICKRAFT);
    assert!(!catalog.packs().is_empty());
    assert!(catalog.packs().iter().all(|pack| pack.expiry == PackExpiry::NEVER && pack.plans.is_none()));
}

#[test]
fn model_output_type_duration_and_resolution_make_the_price() {
    let catalog = parsed(CLICKRAFT);
    let dearer = |cheap: &Operation, dear: &Operation| {
        let (cheap, dear) = (credits(&catalog, "team", cheap), credits(&catalog, "team", dear));
        assert!(0 < cheap && cheap < dear, "{cheap} {dear}");
    };
    for model in ["sketch", "canvas", "masterpiece"] {
        dearer(&image(model, "720p"), &video(model, "720p", "1"));
        dearer(&video(model, "720p", "5"), &video(model, "720p", "10"));
        dearer(&video(model, "720p", "5"), &video(model, "1080p", "5"));
        dearer(&image(model, "720p"), &image(model, "1080p"));
    }
    for [lower, higher] in [["sketch", "canvas"], ["canvas", "masterpiece"]] {
        dearer(&image(lower, "720p"), &image(higher, "720p"));
        dearer(&video(lower, "1080p", "5"), &video(higher, "1080p", "5"));
    }
}

#[test]
fn text_processing_costs_credits_too() {
    let catalog = parsed(CLICKRAFT);
    assert_eq!(credits(&catalog, "team", &op("text.process", &[], &[("tokens", "1")])), 1);
}

#[test]
fn only_successful_results_are_paid_for_and_never_more_than_was_shown() {
    let price = parsed(CLICKRAFT).price(&video("canvas", "1080p", "5"), None).unwrap();
    assert_eq!(price.amounts, price.max_amounts);
    assert_eq!(price.policies.failure_fee_percent("MODEL_ERROR", "credits"), 0);
    for phase in [Phase::Held, Phase::Processing] {
        assert_eq!(price.policies.cancel_fee_percent(phase, "credits"), 0);
    }
}
