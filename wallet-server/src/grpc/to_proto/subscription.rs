//! Converts subscriptions to messages.

use std::collections::{BTreeMap, HashMap};

use wallet_core::Timestamp;
use wallet_core::catalog::{Catalog, Renewal};
use wallet_core::refund::Fraction;
use wallet_core::sold::SoldAllowance;
use wallet_core::subscription::{Pending, Standing, Subscription};
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
        status: status(subscription).into(),
        term: Some(term(sold.term)),
        renewal: renewal(sold.renewal).into(),
        provisional_share: sold.provisional_share.into(),
        anchor_time: instant(subscription.anchor),
        period_start_time: instant(subscription.period_start()),
        period_end_time: instant(subscription.period_end()),
        paid_through_time: instant(subscription.paid_through()),
        next_renewal_time: subscription.next_renewal().and_then(instant),
        dunning_end_time: unpaid.then(|| instant(subscription.dunning_end())).flatten(),
        quantity: count(sold.quantity.into()),
        pause: subscription.pause.map(|pause| v1::SubscriptionPause {
            start_time: instant(subscription.paid_through()),
            until_time: pause.until.and_then(instant),
        }),
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

fn status(subscription: &Subscription) -> v1::SubscriptionStatus {
    match subscription.standing {
        Standing::Active => v1::SubscriptionStatus::Active,
        Standing::PastDue => v1::SubscriptionStatus::PastDue,
        // A period that gives nothing before its payment.
        Standing::Provisional if subscription.sold.renewal == Renewal::OnPayment => {
            v1::SubscriptionStatus::PastDue
        }
        Standing::Provisional => v1::SubscriptionStatus::Provisional,
        Standing::Paused => v1::SubscriptionStatus::Paused,
    }
}

fn pending(pending: Pending<'_>, at: Timestamp) -> subscription::Pending {
    let effective_time = instant(at);
    match pending {
        Pending::End => subscription::Pending::End(v1::SubscriptionEnd { effective_time }),
        Pending::Change(sold) => {
            let (plan_id, quantity) = (sold.plan.clone(), count(sold.quantity.into()));
            subscription::Pending::Change(v1::PlanChange { plan_id, effective_time, quantity })
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
