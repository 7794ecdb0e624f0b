//! Amounts: whole numbers of a unit's minor units, and sets of amounts in several units.
//!
//! Amounts are never floats. No amount above [`MAX_AMOUNT`] enters the ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::value::ids::UnitId;

/// The largest amount of one unit in a command, in minor units (10^15).
pub const MAX_AMOUNT: i64 = 1_000_000_000_000_000;

/// Amounts of several units, at most one for each unit, in minor units. Never negative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amounts(BTreeMap<UnitId, i64>);

impl Amounts {
    /// Returns a set without any unit.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Returns a set with `amount` minor units of one unit.
    pub fn of(unit: &UnitId, amount: i64) -> Self {
        let mut amounts = Self::none();
        amounts.set(unit, amount);
        amounts
    }

    /// Returns the amount of `unit` in minor units, or 0 if the set does not contain the unit.
    pub fn get(&self, unit: &str) -> i64 {
        self.0.get(unit).copied().unwrap_or(0)
    }

    /// Sets the amount of `unit` in minor units; 0 is kept too. Returns whether the unit is new.
    pub fn set(&mut self, unit: &UnitId, amount: i64) -> bool {
        debug_assert!(amount >= 0, "amounts are never negative");
        self.0.insert(unit.clone(), amount).is_none()
    }

    /// Adds `amount` minor units to the amount of `unit`. The bounds of the ledger keep every sum far below
    /// `i64::MAX`. If a defect breaks them, the sum saturates, and the entry no longer adds up.
    pub fn add(&mut self, unit: &UnitId, amount: i64) {
        let sum = self.get(unit.as_str()).saturating_add(amount);
        self.set(unit, sum);
    }

    /// Returns the amounts above 0. Units without one are not named.
    pub fn above_zero(&self) -> Self {
        self.iter().filter(|(_, amount)| *amount > 0).map(|(unit, amount)| (unit.clone(), amount)).collect()
    }

    /// Returns the units and their amounts in minor units, ordered by unit.
    pub fn iter(&self) -> impl Iterator<Item = (&UnitId, i64)> {
        self.0.iter().map(|(unit, amount)| (unit, *amount))
    }

    /// Returns the units in order.
    pub fn units(&self) -> impl Iterator<Item = &UnitId> {
        self.0.keys()
    }

    /// Returns whether the set contains `unit`, even with amount 0.
    pub fn names(&self, unit: &str) -> bool {
        self.0.contains_key(unit)
    }

    /// Returns whether the set contains no unit.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether every amount is 0.
    pub fn is_zero(&self) -> bool {
        self.0.values().all(|amount| *amount == 0)
    }
}

impl FromIterator<(UnitId, i64)> for Amounts {
    fn from_iter<I: IntoIterator<Item = (UnitId, i64)>>(pairs: I) -> Self {
        let mut amounts = Self::none();
        for (unit, amount) in pairs {
            amounts.add(&unit, amount);
        }
        amounts
    }
}
