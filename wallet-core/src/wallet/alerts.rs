//! Alerts: the thresholds below which a balance is low, and the number of days by which a notification precedes an
//! expiry.
//!
//! The alerts of a plan are copied into the wallet, and updated from the catalog with every command that is carried
//! out. Due events use the copy, so that it makes no difference when they are processed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalog::{Plan, Threshold};
use crate::value::ids::UnitId;
use crate::value::stored::is_default;
use crate::value::time::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The alerts of a wallet or a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// The thresholds below which a balance is low, per unit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub low: BTreeMap<UnitId, Vec<Threshold>>,
    /// The number of days by which the notification of an expiry precedes it; 0 for no notification.
    #[serde(skip_serializing_if = "is_default")]
    pub expiry_days: u16,
}

impl Alerts {
    /// Returns the alerts of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self { low: plan.thresholds.clone(), expiry_days: plan.expiry_warning_days }
    }

    /// Returns the alerts of a plan with its percentages resolved, for wallets that were not sold the plan.
    pub(crate) fn with_resolved_percentages(plan: &Plan) -> Self {
        let given = |unit: &UnitId| {
            let of_unit = plan.allowances.iter().filter(|allowance| allowance.unit == *unit);
            of_unit.map(|allowance| allowance.amount).sum()
        };
        let amounts = |(unit, thresholds): (&UnitId, &Vec<Threshold>)| {
            let amounts = thresholds.iter().map(|threshold| Threshold::Amount(threshold.of(given(unit))));
            (unit.clone(), amounts.collect())
        };
        Self { low: plan.thresholds.iter().map(amounts).collect(), expiry_days: plan.expiry_warning_days }
    }

    /// Returns whether no alert is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the instant of the notification that a grant with this lifetime will expire: never if that instant is
    /// not after `begin`.
    pub fn warn_time(&self, begin: Timestamp, expire_time: Timestamp) -> Timestamp {
        let at = expire_time.minus(DAY * u32::from(self.expiry_days));
        if self.expiry_days > 0 && at > begin { at } else { Timestamp::NEVER }
    }
}

impl Threshold {
    /// Returns the lowest amount that is not low, in minor units. A percentage is one of `given`.
    pub fn of(self, given: i64) -> i64 {
        match self {
            Threshold::Amount(amount) => amount,
            // Divides before it multiplies, so that no product exceeds the range.
            Threshold::Percent(percent) => {
                let percent = i64::from(percent);
                given / 100 * percent + (given % 100 * percent + 99) / 100
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_the_least_amount_that_is_not_below_it() {
        for (percent, given, expected) in
            [(20, 30, 6), (25, 50, 13), (25, 52, 13), (20, 1, 1), (0, 100, 0), (100, 7, 7), (20, 0, 0)]
        {
            assert_eq!(Threshold::Percent(percent).of(given), expected, "{percent} % of {given}");
        }
        assert_eq!(Threshold::Amount(10).of(1_000), 10);
    }

    #[test]
    fn a_grant_that_lives_no_longer_than_the_warning_is_early_is_not_warned_of() {
        let day = |n: u32| Timestamp::EPOCH.plus(DAY * n);
        let alerts = Alerts { expiry_days: 3, ..Alerts::default() };
        assert_eq!(alerts.warn_time(day(0), day(30)), day(27));
        assert_eq!(alerts.warn_time(day(0), day(3)), Timestamp::NEVER);
        assert_eq!(alerts.warn_time(day(0), Timestamp::NEVER), Timestamp::NEVER);
        assert_eq!(Alerts::default().warn_time(day(0), day(30)), Timestamp::NEVER);
    }
}
