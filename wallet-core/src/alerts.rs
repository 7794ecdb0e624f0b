//! Alerts: which balances a wallet calls low, and how early it is told that credits will lapse.
//!
//! A plan's are copied into the wallet and follow the catalog with every command that is carried out; what falls due
//! by itself goes by the copy, so that it makes no difference when anybody looks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Plan, Threshold};
use crate::ids::UnitId;
use crate::subscription::{Pending, Sold};
use crate::time::Timestamp;
use crate::wallet::{Profile, Wallet};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When to warn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// Balances that are called low, per unit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub low: BTreeMap<UnitId, Vec<Threshold>>,
    /// How many days before a grant lapses it is told; 0: it is not.
    #[serde(skip_serializing_if = "is_zero")]
    pub expiry_days: u16,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(days: &u16) -> bool {
    *days == 0
}

impl Alerts {
    /// What a plan says.
    pub fn of(plan: &Plan) -> Self {
        Self { low: plan.thresholds.clone(), expiry_days: plan.expiry_warning_days }
    }

    /// The same with its percentages worked out, for wallets that were not sold the plan.
    fn worked_out(plan: &Plan) -> Self {
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

    /// Whether nobody is ever warned.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// When it is told that a grant will lapse that lives between these instants: never if that is not even as
    /// long as the warning is early.
    pub fn warn_time(&self, begin: Timestamp, expire_time: Timestamp) -> Timestamp {
        let at = expire_time.minus(DAY * u32::from(self.expiry_days));
        if self.expiry_days > 0 && at > begin { at } else { Timestamp::NEVER }
    }
}

impl Threshold {
    /// The least amount that is not low, where so much is given at a time.
    pub fn of(self, given: i64) -> i64 {
        match self {
            Threshold::Amount(amount) => amount,
            Threshold::Percent(percent) => {
                let hundredths = i128::from(given) * i128::from(percent);
                i64::try_from((hundredths + 99) / 100).unwrap_or(i64::MAX)
            }
        }
    }
}

impl Wallet {
    /// When it is told that a grant will lapse which a command issues now.
    pub(crate) fn warn_time(&self, catalog: &Catalog, begin: Timestamp, expire_time: Timestamp) -> Timestamp {
        let of_plan = self.plan_id(catalog).and_then(|id| catalog.plan(id)).map(Alerts::of);
        of_plan.unwrap_or_else(|| self.profile.alerts().clone()).warn_time(begin, expire_time)
    }
}

impl Profile {
    /// When the wallet's plan says to warn.
    pub fn alerts(&self) -> &Alerts {
        self.subscription.as_ref().map_or(&self.alerts, |subscription| &subscription.sold.alerts)
    }

    /// The thresholds of a unit in minor units: the wallet's own, else its plan's. A percentage is of what was sold.
    pub fn thresholds(&self, unit: &UnitId) -> BTreeSet<i64> {
        let Some(thresholds) = self.low_balance.get(unit).or_else(|| self.alerts().low.get(unit)) else {
            return BTreeSet::new();
        };
        let sold = self.subscription.iter().flat_map(|subscription| &subscription.sold.allowances);
        let given = sold.filter(|allowance| allowance.unit == *unit).map(|allowance| allowance.amount).sum();
        thresholds.iter().map(|threshold| threshold.of(given)).collect()
    }

    /// Takes over what the catalog says now of the wallet's plans; whether that is news.
    pub(crate) fn follow(&mut self, catalog: &Catalog) -> bool {
        let alerts = catalog.default_plan().map(Alerts::worked_out).unwrap_or_default();
        let mut news = self.alerts != alerts;
        self.alerts = alerts;
        if let Some(subscription) = &mut self.subscription {
            news |= follow(&mut subscription.sold, catalog);
            if let Some(Pending::Change(sold)) = &mut subscription.pending {
                news |= follow(sold, catalog);
            }
        }
        news
    }
}

fn follow(sold: &mut Sold, catalog: &Catalog) -> bool {
    let alerts = catalog.plan(&sold.plan).map(Alerts::of).filter(|alerts| *alerts != sold.alerts);
    match alerts {
        Some(alerts) => {
            sold.alerts = alerts;
            true
        }
        None => false,
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
