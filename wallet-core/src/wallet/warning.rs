//! Warnings: balances that are low now, with or without a notification.

use crate::ledger::event::EventKind;
use crate::value::ids::UnitId;
use crate::wallet::state::Wallet;

/// A low balance, with or without a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The kind: LOW_BALANCE or EXHAUSTED.
    pub kind: EventKind,
    pub unit: UnitId,
    /// The amount that can be reserved, in minor units.
    pub available: i64,
    /// The lowest threshold that is above it, in minor units; 0 if there is none.
    pub threshold: i64,
}

/// Returns the low balances among these units.
pub fn warnings<'a>(wallet: &Wallet, units: impl Iterator<Item = &'a UnitId>) -> Vec<Warning> {
    let warning = |unit: &UnitId| {
        let available = wallet.balance(unit.as_str()).available;
        let low = wallet.profile.thresholds(unit).into_iter().find(|threshold| available < *threshold);
        let kind = match (available, low) {
            (0, _) => EventKind::Exhausted,
            (_, Some(_)) => EventKind::LowBalance,
            (_, None) => return None,
        };
        Some(Warning { kind, unit: unit.clone(), available, threshold: low.unwrap_or(0) })
    };
    units.filter_map(warning).collect()
}
