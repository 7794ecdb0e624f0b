//! Amounts: whole numbers of a unit's minor units, and sets of them over several units.
//!
//! Never a float. All arithmetic is checked; nothing above [`MAX_AMOUNT`] ever enters the ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::value::ids::UnitId;

/// The largest amount of one unit that a command may name, in minor units (10^15).
pub const MAX_AMOUNT: i64 = 1_000_000_000_000_000;

/// Amounts of several units, at most one per unit, in minor units. Never negative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amounts(BTreeMap<UnitId, i64>);

impl Amounts {
    /// No units at all.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// `amount` of one unit.
    pub fn of(unit: &UnitId, amount: i64) -> Self {
        let mut amounts = Self::none();
        amounts.set(unit, amount);
        amounts
    }

    /// The amount of `unit`, 0 if the unit is not named.
    pub fn get(&self, unit: &str) -> i64 {
        self.0.get(unit).copied().unwrap_or(0)
    }

    /// Names `unit` with `amount`, 0 included; says whether the unit was new.
    pub fn set(&mut self, unit: &UnitId, amount: i64) -> bool {
        debug_assert!(amount >= 0, "amounts are never negative");
        self.0.insert(unit.clone(), amount).is_none()
    }

    /// Adds to what is there. The ledger's ceilings keep every sum far below `i64::MAX`; should a defect
    /// break them, the sum stays at the ceiling and the row's own check refuses it.
    pub fn add(&mut self, unit: &UnitId, amount: i64) {
        let sum = self.get(unit.as_str()).saturating_add(amount);
        self.set(unit, sum);
    }

    /// The units named and their amounts, ordered by unit.
    pub fn iter(&self) -> impl Iterator<Item = (&UnitId, i64)> {
        self.0.iter().map(|(unit, amount)| (unit, *amount))
    }

    /// The units named, ordered.
    pub fn units(&self) -> impl Iterator<Item = &UnitId> {
        self.0.keys()
    }

    /// Whether `unit` is named, even with 0.
    pub fn names(&self, unit: &str) -> bool {
        self.0.contains_key(unit)
    }

    /// Whether no unit is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every named amount is 0.
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
