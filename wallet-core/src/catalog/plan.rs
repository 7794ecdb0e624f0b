//! Plans: the allowances, entitlements and limits of a subscription. Data only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entitlement::{Allowed, Entitlement, allows};
use super::refund::RefundRule;
use crate::value::ids::UnitId;
use crate::value::operation::Operation;
use crate::value::term::Term;

/// A plan that wallets subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub id: String,
    /// The display name.
    pub name: String,
    /// The name by which price rules know the plan. Several plans (weekly, yearly) may share a tier.
    pub tier: String,
    /// The rank: a change to a higher rank is an upgrade.
    pub rank: u32,
    /// The length of a period.
    pub term: Term,
    /// The condition on which a new period begins.
    pub renewal: Renewal,
    /// The time that a subscription continues after a missed payment.
    pub dunning: Duration,
    /// The part of its credits that a provisional period gives before its payment, in percent.
    pub provisional_share: u8,
    /// True for a trial: a wallet has the plan once in its life, for one period.
    pub once: bool,
    /// The plan that follows a trial; the default plan if absent.
    pub then: Option<String>,
    /// The terms of subscribers to whom an earlier version of the plan was sold.
    pub existing: Existing,
    /// The credits that the plan includes.
    pub allowances: Vec<Allowance>,
    /// The operations that the plan allows: `None` allows all, an empty list none.
    pub entitlements: Option<Vec<Entitlement>>,
    /// The limits by name. `concurrency` limits open reservations.
    pub limits: BTreeMap<String, Limit>,
    /// The limits that are multiplied by the number of seats.
    pub per_seat: BTreeSet<String>,
    /// Names that have a meaning for the platform. Passed on to workers.
    pub features: Vec<String>,
    /// Passed on to workers; higher numbers are served earlier.
    pub queue_priority: i32,
    /// The thresholds of low balances, per unit.
    pub thresholds: BTreeMap<UnitId, Vec<Threshold>>,
    /// The number of days by which an expiry warning precedes the expiry of a grant. 0 for no warning.
    pub expiry_warning_days: u16,
    /// The price of a period.
    pub list_price: Option<ListPrice>,
    /// The rule by which the price of a period is refunded; that of the term if none.
    pub refund: Option<RefundRule>,
}

/// The condition on which a new period begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Renewal {
    /// At the boundary, without a payment.
    #[default]
    Automatic,
    /// Once its payment is recorded.
    OnPayment,
    /// At the boundary, without a payment, but only for the dunning time.
    Provisional,
}

/// The terms of subscribers after a change of their plan in the catalog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Existing {
    /// They keep those of the sale.
    #[default]
    Keep,
    /// Each new period has the allowances and the price of the current catalog.
    Follow,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The id, unique in the plan.
    pub id: String,
    pub unit: UnitId,
    /// The amount for each window, in minor units, above zero.
    pub amount: i64,
    /// The interval at which the allowance is given, if shorter than the term.
    pub cadence: Option<Term>,
    /// The unused credits of the unit that continue in the next window; none if absent. At most one allowance of a unit
    /// has a rollover: it is a rule about the unit.
    pub rollover: Option<Rollover>,
}

/// The part of a unit's unused credits that continues in the next window of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollover {
    /// The most that rolls over, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<i64>,
    /// The share of the unused credits that rolls over, in percent, rounded up to a minor unit.
    pub percent: u8,
    /// The number of times that a credit rolls over; 0 for no limit.
    pub periods: u32,
}

/// The name of the limit on open reservations.
pub const CONCURRENCY: &str = "concurrency";

/// A limit on a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// At most this many.
    AtMost(u64),
    Unlimited,
}

/// The threshold of a low balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// The balance is low below this amount in minor units.
    Amount(i64),
    /// The balance is low below this percentage of the plan's allowances in the unit.
    Percent(u8),
}

/// A price in money. The wallet shows it and moves no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPrice {
    /// The ISO 4217 code: `EUR`.
    pub currency: String,
    /// The price in the currency's minor units.
    pub minor_units: i64,
}

impl Plan {
    /// Returns whether a new sale has other terms than one of this earlier version.
    pub fn sells_otherwise(&self, before: &Plan) -> bool {
        let terms = |plan: &Plan| {
            (plan.term, plan.renewal, plan.dunning, plan.provisional_share, plan.once, plan.then.clone())
        };
        (terms(self), &self.allowances, &self.list_price, self.refund)
            != (terms(before), &before.allowances, &before.list_price, before.refund)
    }

    /// Returns whether the plan allows an operation.
    pub fn allows(&self, operation: &Operation) -> Allowed {
        allows(self.entitlements.as_deref(), operation)
    }

    /// Returns the limit of this name for a number of seats, [`Limit::Unlimited`] if the plan has none.
    pub fn limit(&self, name: &str, seats: u32) -> Limit {
        match self.limits.get(name) {
            // A limit beyond 64 bits does not limit anything.
            Some(Limit::AtMost(most)) if self.per_seat.contains(name) => {
                most.checked_mul(u64::from(seats)).map_or(Limit::Unlimited, Limit::AtMost)
            }
            Some(limit) => *limit,
            None => Limit::Unlimited,
        }
    }
}
