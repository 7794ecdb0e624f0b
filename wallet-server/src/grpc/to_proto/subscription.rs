//! Converts subscriptions to messages.

use std::collections::{BTreeMap, HashMap};

use wallet_core::Timestamp;
use wallet_core::catalog::Catalog;
use wallet_core::subscription::{Fraction, Pending, SoldAllowance, Standing, Subscription};
use wallet_proto::v1::{self, subscription};

use super::amount::amount;
use super::balance::count;
use super::entitlement::entitlement;
use super::plan::{renewal, rollover, term};
use super::time::instant;

pub(crate) fn fraction(Fraction { numerator, denominator }: Fraction) -> v1::Fraction {
    v1::Fraction { numerator, denominator }
}

pub(super) fn subscription(catalog: &Catalog, subscription: &Subscription) -> v1::Subscription {
    let sold = &subscription.sold;
    let unpaid = subscription.standing != Standing::Active;
    v1::Subscription {
        plan_id: sold.plan.clone(),
        catalog_version: sold.catalog_version,
        status: status(subscription.standing).into(),
        term: Some(term(sold.term)),
        renewal: renewal(sold.renewal).into(),
        provisional_share: sold.provisional_share.into(),
        anchor_time: instant(subscription.anchor),
        period_start_time: instant(subscription.period_start()),
        period_end_time: instant(subscription.period_end()),
        paid_through_time: instant(subscription.paid_through()),
        next_renewal_time: subscription.next_renewal().and_then(instant),
        dunning_end_time: unpaid.then(|| instant(subscription.dunning_end())).flatten(),
        pending: subscription.pending().map(|(next, at)| pending(next, at)),
        allowances: sold.allowances.iter().map(|included| allowance(catalog, included)).collect(),
        limits: limits(&sold.limits),
        rank: count(sold.rank.into()),
        entitlements: sold.entitlements.as_deref().map(|negotiated| v1::EntitlementSet {
            entitlements: negotiated.iter().map(entitlement).collect(),
        }),
    }
}

/// Renders limits by name.
pub(crate) fn limits(limits: &BTreeMap<String, u64>) -> HashMap<String, i64> {
    limits.iter().map(|(name, limit)| (name.clone(), i64::try_from(*limit).unwrap_or(i64::MAX))).collect()
}

fn status(standing: Standing) -> v1::SubscriptionStatus {
    match standing {
        Standing::Active => v1::SubscriptionStatus::Active,
        Standing::PastDue => v1::SubscriptionStatus::PastDue,
        Standing::Provisional => v1::SubscriptionStatus::Provisional,
    }
}

fn pending(pending: Pending<'_>, at: Timestamp) -> subscription::Pending {
    let effective_time = instant(at);
    match pending {
        Pending::End => subscription::Pending::End(v1::SubscriptionEnd { effective_time }),
        Pending::Change(sold) => {
            subscription::Pending::Change(v1::PlanChange { plan_id: sold.plan.clone(), effective_time })
        }
    }
}

fn allowance(catalog: &Catalog, included: &SoldAllowance) -> v1::Allowance {
    v1::Allowance {
        amount: Some(amount(catalog, &included.unit, included.amount)),
        cadence: Some(term(included.cadence)),
        rollover: included.rollover.map(|rule| rollover(catalog, &included.unit, rule)),
    }
}
