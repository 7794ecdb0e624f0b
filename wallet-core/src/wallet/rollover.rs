//! Rollover: the unused credits of a unit that continue in the next window.
//!
//! The rule is per unit: it makes no difference which allowance issued the credits. Credits that have rolled over are a
//! grant of their own, which counts how often they have rolled over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::Rollover;
use crate::value::ids::UnitId;

/// Credits of a subscription that expired unused at the end of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unused {
    pub unit: UnitId,
    /// The number of times that they had rolled over.
    pub rolled: u32,
    /// The amount in minor units, above zero.
    pub amount: i64,
}

/// Returns the unused credits of a unit that roll over, by the number of times that they will then have rolled: always
/// 1 if the rule has no limit. Credits that have rolled less often come first: they can roll over again.
pub(crate) fn carried_over(rule: &Rollover, unit: &UnitId, unused: &[Unused]) -> BTreeMap<u32, i64> {
    let may_roll = |one: &&Unused| one.unit == *unit && (rule.periods == 0 || one.rolled < rule.periods);
    let mut by_times: BTreeMap<u32, i64> = BTreeMap::new();
    for one in unused.iter().filter(may_roll) {
        *by_times.entry(one.rolled).or_default() += one.amount;
    }
    let total = by_times.values().map(|amount| i128::from(*amount)).sum::<i128>();
    let share = (total * i128::from(rule.percent) + 99) / 100;
    let mut left = i64::try_from(share).unwrap_or(i64::MAX).min(rule.cap.unwrap_or(i64::MAX));
    let mut carried: BTreeMap<u32, i64> = BTreeMap::new();
    for (rolled, amount) in by_times {
        let part = amount.min(left);
        left -= part;
        // Without a limit the number makes no difference, and one grant contains them all.
        let times = if rule.periods == 0 { 1 } else { rolled + 1 };
        *carried.entry(times).or_default() += part;
    }
    carried.retain(|_, amount| *amount > 0);
    carried
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rolls(rule: Rollover, unused: &[(u32, i64)]) -> Vec<(u32, i64)> {
        let unit = UnitId::parse("credits").unwrap();
        let unused: Vec<_> = unused
            .iter()
            .map(|(rolled, amount)| Unused { unit: unit.clone(), rolled: *rolled, amount: *amount })
            .collect();
        carried_over(&rule, &unit, &unused).into_iter().collect()
    }

    #[test]
    fn the_cap_the_share_and_the_number_of_times_bound_a_rollover() {
        let rule = Rollover { cap: None, percent: 100, periods: 1 };
        assert_eq!(rolls(rule, &[(0, 30), (1, 20)]), [(1, 30)], "credits roll over once by default");
        assert_eq!(rolls(Rollover { cap: Some(10), ..rule }, &[(0, 30)]), [(1, 10)]);
        assert_eq!(rolls(Rollover { percent: 50, ..rule }, &[(0, 31)]), [(1, 16)], "rounded up");
        assert_eq!(rolls(Rollover { periods: 3, ..rule }, &[(0, 30), (1, 20), (3, 9)]), [(1, 30), (2, 20)]);
        assert_eq!(rolls(Rollover { periods: 0, ..rule }, &[(0, 30), (1, 20)]), [(1, 50)], "without a limit");
        let capped = Rollover { cap: Some(40), periods: 2, ..rule };
        assert_eq!(rolls(capped, &[(0, 30), (1, 20)]), [(1, 30), (2, 10)], "the youngest first");
        assert_eq!(rolls(Rollover { cap: Some(0), ..rule }, &[(0, 30)]), []);
    }
}
