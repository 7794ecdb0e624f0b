//! Warnings: balances that are low now, with or without a notification.

use crate::ledger::event::EventKind;
use crate::value::ids::UnitId;
use crate::wallet::state::Wallet;

/// Something that is so, whether or not it is news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// LOW_BALANCE or EXHAUSTED.
    pub kind: EventKind,
    /// Of which unit.
    pub unit: UnitId,
    /// What can be reserved, in minor units.
    pub available: i64,
    /// The lowest threshold that it is below, in minor units; 0 if there is none.
    pub threshold: i64,
}

/// What is low of these units now.
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
