//! The terms of a sale: those of the plan, and those negotiated for one wallet.
//!
//! The terms (allowances, term, and everything negotiated) are copied at the sale. They never change, except the
//! allowances and the price of a plan with `existing = "FOLLOW"`. Entitlements, limits and the prices of jobs are those
//! of the plan in the current catalog.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Entitlement, Existing, ListPrice, Plan, RefundRule, Renewal, Rollover, Term};
use crate::value::amount::{Amounts, MAX_AMOUNT};
use crate::value::field_violation::FieldViolation;
use crate::value::ids::UnitId;
use crate::wallet::alerts::Alerts;
use crate::wallet::grant::Money;
use crate::wallet::window::Window;

/// The terms of a sale, as they were at the sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    /// The plan's id.
    pub plan: String,
    /// The version of the catalog that it was sold from.
    pub catalog_version: i64,
    /// The number of seats, from 1 on. It multiplies the allowances and the price of the plan.
    #[serde(default = "one_seat", skip_serializing_if = "is_one_seat")]
    pub quantity: u32,
    /// Higher ranks are upgrades.
    pub rank: u32,
    /// The length of a period.
    pub term: Term,
    /// The condition on which a period begins: its boundary or its payment.
    pub renewal: Renewal,
    /// The time that the subscription lasts unpaid, in seconds.
    pub dunning_seconds: u64,
    /// True for a trial: it lasts one period, and a wallet has it once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once: bool,
    /// The terms of the plan that follows a trial; the default plan if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Box<Sold>>,
    /// The part of its credits that a provisional period gives before its payment, in percent; 100 for other renewals.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub provisional_share: u8,
    /// The credits it includes.
    pub allowances: Vec<SoldAllowance>,
    /// Amounts negotiated for this wallet, instead of those of the plan.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub negotiated: Amounts,
    /// Limits negotiated for this wallet; they take precedence over those of the plan.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// Entitlements negotiated for this wallet, instead of those of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entitlements: Option<Vec<Entitlement>>,
    /// The alerts of the plan, updated from the current catalog with every command that is carried out.
    #[serde(default, skip_serializing_if = "Alerts::is_empty")]
    pub alerts: Alerts,
    /// The price of a period, if the plan had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_price: Option<ListPrice>,
    /// The rule by which the price of a period is refunded; that of the term if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundRule>,
}

/// A change of plan to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanChange {
    /// The new terms.
    pub sold: Sold,
    /// The period at whose start they begin.
    pub period: u32,
}

/// Credits that were sold with a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldAllowance {
    pub unit: UnitId,
    /// The amount of each grant, in minor units.
    pub amount: i64,
    /// The time from one grant to the next.
    pub cadence: Term,
    /// The unused credits of the unit that continue in the next window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollover: Option<Rollover>,
    /// The step to which the share of a window that is cut short is rounded up, in minor units.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub increment: i64,
}

const fn whole() -> u8 {
    100
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_whole(percent: &u8) -> bool {
    *percent == 100
}

const fn one_seat() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_one_seat(quantity: &u32) -> bool {
    *quantity == 1
}

const fn one() -> i64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_one(increment: &i64) -> bool {
    *increment == 1
}

impl SoldAllowance {
    /// Returns the amount that is given for a window.
    pub fn share_of(&self, window: &Window) -> i64 {
        window.share(self.amount, self.increment)
    }

    /// Returns the part of it that is given before the payment, rounded up to the increment.
    pub(crate) fn provisional_share_of(&self, window: &Window, percent: u8) -> i64 {
        let whole = i128::from(self.share_of(window));
        let step = i128::from(self.increment);
        let steps = (whole * i128::from(percent) + 100 * step - 1) / (100 * step);
        i64::try_from((steps * step).min(whole)).unwrap_or(i64::MAX)
    }
}

/// The terms negotiated for one wallet, instead of those of its plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// Amounts per unit; a unit that the plan does not include is granted once per term.
    pub allowances: Amounts,
    /// Limits by name.
    pub limits: BTreeMap<String, u64>,
    /// All operations that are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entitlements: Option<Vec<Entitlement>>,
    /// The rank, which decides whether a change is an upgrade.
    pub rank: Option<u32>,
}

impl Overrides {
    /// Returns a violation for each name that the catalog does not know: limits that are not declared, quantities and
    /// attributes that no rule uses. They are most likely misspelt, and would limit nothing.
    pub fn unknown_names(&self, catalog: &Catalog) -> Vec<FieldViolation> {
        let limits = self.limits.keys().filter(|name| !catalog.declares_limit(name));
        let limits = limits.map(|name| {
            let text = "the catalog declares no limit of this name";
            FieldViolation::new(format!("overrides.limits[{name:?}]"), text)
        });
        let entitlements = self.entitlements.iter().flatten().enumerate().flat_map(|(n, entitlement)| {
            catalog.unknown_names(entitlement).into_iter().map(move |name| {
                let text =
                    format!("no rule of these kinds knows {name:?}, and the catalog does not ignore it");
                FieldViolation::new(format!("overrides.entitlements.entitlements[{n}]"), text)
            })
        });
        limits.chain(entitlements).collect()
    }

    /// Returns a unit of which the plan has several allowances, and their number, so that it is not clear which of them
    /// the negotiated amount replaces.
    pub(crate) fn ambiguous_unit(&self, plan: &Plan) -> Option<(&UnitId, usize)> {
        let times =
            |unit: &UnitId| plan.allowances.iter().filter(|allowance| allowance.unit == *unit).count();
        self.allowances.units().map(|unit| (unit, times(unit))).find(|(_, times)| *times > 1)
    }
}

/// Returns the amount for a number of seats, at most 2^63 - 1. [`Sold::too_large`] finds credits above [`MAX_AMOUNT`].
const fn times(amount: i64, seats: i64) -> i64 {
    amount.saturating_mul(seats)
}

impl Sold {
    /// Returns the terms of a plan of this catalog for one seat.
    pub fn of_plan(catalog: &Catalog, plan: &Plan) -> Self {
        Self::of(catalog, plan, &Overrides::default(), 1)
    }

    /// Returns the terms of a plan of this catalog for a number of seats, with those negotiated.
    pub fn of(catalog: &Catalog, plan: &Plan, overrides: &Overrides, quantity: u32) -> Self {
        let seats = i64::from(quantity);
        let mut allowances: Vec<SoldAllowance> = plan
            .allowances
            .iter()
            .map(|allowance| SoldAllowance {
                unit: allowance.unit.clone(),
                amount: times(allowance.amount, seats),
                cadence: allowance.cadence.unwrap_or(plan.term),
                rollover: allowance
                    .rollover
                    .map(|rule| Rollover { cap: rule.cap.map(|cap| times(cap, seats)), ..rule }),
                increment: catalog.increment(&allowance.unit),
            })
            .collect();
        for (unit, amount) in overrides.allowances.iter() {
            match allowances.iter_mut().find(|allowance| allowance.unit == *unit) {
                Some(allowance) => allowance.amount = amount,
                None => allowances.push(SoldAllowance {
                    unit: unit.clone(),
                    amount,
                    cadence: plan.term,
                    rollover: None,
                    increment: catalog.increment(unit),
                }),
            }
        }
        let then = plan.then.as_deref().and_then(|id| catalog.plan(id));
        Self {
            plan: plan.id.clone(),
            catalog_version: catalog.version,
            quantity,
            rank: overrides.rank.unwrap_or(plan.rank),
            term: plan.term,
            renewal: plan.renewal,
            dunning_seconds: plan.dunning.as_secs(),
            provisional_share: plan.provisional_share,
            once: plan.once,
            then: then.map(|plan| Box::new(Self::of(catalog, plan, &Overrides::default(), quantity))),
            allowances,
            negotiated: overrides.allowances.clone(),
            limits: overrides.limits.clone(),
            entitlements: overrides.entitlements.clone(),
            alerts: Alerts::of(plan),
            list_price: plan
                .list_price
                .as_ref()
                .map(|price| ListPrice { minor_units: times(price.minor_units, seats), ..price.clone() }),
            refund: plan.refund,
        }
    }

    /// Returns an allowance of more than [`MAX_AMOUNT`], here or in the plan that follows a trial. Such terms are
    /// neither sold nor followed.
    pub(crate) fn too_large(&self) -> Option<&SoldAllowance> {
        let mut sales = std::iter::successors(Some(self), |sold| sold.then.as_deref());
        sales.find_map(|sold| sold.allowances.iter().find(|allowance| allowance.amount > MAX_AMOUNT))
    }

    /// Returns the terms negotiated for the wallet, with the rank of the sale.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            allowances: self.negotiated.clone(),
            limits: self.limits.clone(),
            entitlements: self.entitlements.clone(),
            rank: Some(self.rank),
        }
    }

    /// Returns the terms of the next period, if the plan in this catalog changes them for its present subscribers. Only
    /// allowances and price change: the rest stays as sold. A plan changes nothing if it now has another term, several
    /// allowances of a negotiated unit, or more than [`MAX_AMOUNT`] for these seats.
    pub(crate) fn following(&self, catalog: &Catalog) -> Option<Self> {
        let follows = |plan: &&Plan| plan.existing == Existing::Follow && plan.term == self.term;
        let plan = catalog.plan(&self.plan).filter(follows)?;
        let overrides = Overrides { allowances: self.negotiated.clone(), ..Overrides::default() };
        if overrides.ambiguous_unit(plan).is_some() {
            return None;
        }
        let Self { allowances, list_price, .. } = Self::of(catalog, plan, &overrides, self.quantity);
        let is_new = (&allowances, &list_price) != (&self.allowances, &self.list_price);
        let new = || Self { allowances, list_price, catalog_version: catalog.version, ..self.clone() };
        is_new.then(new).filter(|sold| sold.too_large().is_none())
    }

    /// Returns whether other terms are those of the same sale: plan, term, seats, credits and price.
    pub(crate) fn is_same_sale(&self, other: &Self) -> bool {
        (&self.plan, self.term, self.quantity) == (&other.plan, other.term, other.quantity)
            && (&self.allowances, &self.list_price) == (&other.allowances, &other.list_price)
    }

    /// Returns the list price as money.
    pub(crate) fn listed_money(&self) -> Option<Money> {
        let price = self.list_price.as_ref()?;
        Some(Money { currency: price.currency.clone(), minor_units: price.minor_units })
    }
}
