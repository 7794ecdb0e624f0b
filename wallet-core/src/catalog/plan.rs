//! Plans: what a subscription includes, allows and promises. Data only.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entitlement::{Allowed, Entitlement, allows};
use crate::value::ids::UnitId;
use crate::value::operation::Operation;
use crate::value::period::Term;

/// What people subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What price rules know it by; several plans (weekly, yearly) may share a tier.
    pub tier: String,
    /// Higher ranks are upgrades.
    pub rank: u32,
    /// How long one period lasts.
    pub term: Term,
    /// Whether a new period begins by itself.
    pub renewal: Renewal,
    /// How long a subscription whose payment is missing lives on.
    pub dunning: Duration,
    /// The credits it includes.
    pub allowances: Vec<Allowance>,
    /// The operations it allows; `None` allows all, an empty list none.
    pub entitlements: Option<Vec<Entitlement>>,
    /// Limits by name; `concurrency` counts open reservations.
    pub limits: BTreeMap<String, Limit>,
    /// Names that mean something to the platform, handed to workers.
    pub features: Vec<String>,
    /// Handed to workers; higher is served earlier.
    pub queue_priority: i32,
    /// When to warn of a low balance, per unit.
    pub thresholds: BTreeMap<UnitId, Vec<Threshold>>,
    /// How many days before a grant lapses people are told; 0: they are not.
    pub expiry_warning_days: u16,
    /// What a period costs.
    pub list_price: Option<ListPrice>,
}

/// Whether a new period begins by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Renewal {
    /// At the boundary.
    #[default]
    Automatic,
    /// When its payment is recorded.
    OnPayment,
}

/// Credits that a plan includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Its id, unique within the plan.
    pub id: String,
    /// The unit.
    pub unit: UnitId,
    /// How much per cadence, in minor units, above zero.
    pub amount: i64,
    /// How often, if more often than once per term.
    pub cadence: Option<Term>,
    /// How much of the unused rest, at most, moves on to the next period, in minor units; 0 for none.
    pub rollover_cap: i64,
}

/// The name of the limit that counts open reservations.
pub const CONCURRENCY: &str = "concurrency";

/// A bound on a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// At most so many.
    AtMost(u64),
    /// As many as one likes.
    Unlimited,
}

/// A balance that is called low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// Less than this amount in minor units.
    Amount(i64),
    /// Less than this percentage of what the plan gives of the unit at a time.
    Percent(u8),
}

/// What something costs in money; the wallet shows it and moves no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPrice {
    /// Three capital letters: `EUR`.
    pub currency: String,
    /// In the currency's minor units.
    pub minor_units: i64,
}

impl Plan {
    /// What it says of an operation.
    pub fn allows(&self, operation: &Operation) -> Allowed {
        allows(self.entitlements.as_deref(), operation)
    }

    /// The limit of this name; what is not named is not limited.
    pub fn limit(&self, name: &str) -> Limit {
        self.limits.get(name).copied().unwrap_or(Limit::Unlimited)
    }
}
