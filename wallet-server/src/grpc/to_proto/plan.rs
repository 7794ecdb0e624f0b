//! Converts plans to messages.

use std::collections::HashMap;

use wallet_core::UnitId;
use wallet_core::catalog::{
    Allowance, Catalog, Existing, Limit, Plan, RefundRule, Renewal, Rollover, Term, TermUnit,
};
use wallet_proto::v1;

use super::amount::amount;
use super::balance::count;
use super::catalog::{list_price, refund};

pub(crate) fn plan(catalog: &Catalog, plan: &Plan) -> v1::Plan {
    v1::Plan {
        plan_id: plan.id.clone(),
        tier: plan.tier.clone(),
        rank: count(plan.rank.into()),
        term: Some(term(plan.term)),
        allowances: plan.allowances.iter().map(|included| allowance(catalog, plan, included)).collect(),
        limits: limits(plan),
        existing: existing(plan.existing).into(),
        per_seat_limits: plan.per_seat.iter().cloned().collect(),
        features: plan.features.clone(),
        queue_priority: plan.queue_priority,
        name: plan.name.clone(),
        list_price: plan.list_price.as_ref().map(list_price),
        renewal: renewal(plan.renewal).into(),
        refund: Some(refund(plan.refund.unwrap_or(RefundRule::of_term(plan.term)))),
        provisional_share: plan.provisional_share.into(),
        once: plan.once,
        then_plan_id: plan.then.clone().unwrap_or_default(),
    }
}

pub(crate) fn existing(existing: Existing) -> v1::ExistingTerms {
    match existing {
        Existing::Keep => v1::ExistingTerms::Keep,
        Existing::Follow => v1::ExistingTerms::Follow,
    }
}

/// Renders the limits by name, except unlimited ones.
fn limits(plan: &Plan) -> HashMap<String, i64> {
    let bounded = |(name, limit): (&String, &Limit)| match limit {
        Limit::AtMost(most) => Some((name.clone(), i64::try_from(*most).unwrap_or(i64::MAX))),
        Limit::Unlimited => None,
    };
    plan.limits.iter().filter_map(bounded).collect()
}

fn allowance(catalog: &Catalog, plan: &Plan, included: &Allowance) -> v1::Allowance {
    v1::Allowance {
        amount: Some(amount(catalog, &included.unit, included.amount)),
        cadence: Some(term(included.cadence.unwrap_or(plan.term))),
        rollover: included.rollover.map(|rule| rollover(catalog, &included.unit, rule)),
    }
}

pub(super) fn rollover(catalog: &Catalog, unit: &UnitId, rule: Rollover) -> v1::Rollover {
    v1::Rollover {
        cap: rule.cap.map(|cap| amount(catalog, unit, cap)),
        percent: rule.percent.into(),
        periods: count(rule.periods.into()),
    }
}

pub(super) fn term(term: Term) -> v1::Term {
    let unit = match term.unit() {
        TermUnit::Day => v1::TermUnit::Day,
        TermUnit::Week => v1::TermUnit::Week,
        TermUnit::Month => v1::TermUnit::Month,
        TermUnit::Year => v1::TermUnit::Year,
        TermUnit::Once => v1::TermUnit::Once,
    };
    v1::Term::new(unit, count(term.count().into()))
}

pub(super) fn renewal(renewal: Renewal) -> v1::Renewal {
    match renewal {
        Renewal::Automatic => v1::Renewal::Automatic,
        Renewal::OnPayment => v1::Renewal::OnPayment,
        Renewal::Provisional => v1::Renewal::Provisional,
    }
}
