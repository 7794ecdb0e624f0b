//! Adds notifications to entries: the one place where a change of a balance becomes an event.
//!
//! The entries of commands and of due events all pass through here.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::auto_top_up::check_auto_top_up;
use crate::ledger::entry::Entry;
use crate::ledger::event::{Event, EventKind};
use crate::ledger::posting::Part;
use crate::value::ids::UnitId;
use crate::wallet::Wallet;

/// Adds the notifications that the entries of one instant cause to the last of these entries. Also adds the digest of
/// the profile if the profile has changed since they were made (`changed`) or changes now. Returns whether it has
/// changed. The entries must not be hashed yet.
pub(crate) fn record_notifications(wallet: &mut Wallet, entries: &mut [Entry], mut changed: bool) -> bool {
    let mut events = Vec::new();
    for (unit, change) in changes(entries) {
        let after = wallet.balance(unit.as_str()).available;
        let before = after.saturating_sub(change);
        let notified = wallet.profile.notified.get(&unit).cloned().unwrap_or_default();
        let Crossed { still, fallen, recovered } =
            crossed(&wallet.profile.thresholds(&unit), &notified, before, after);
        let fallen = fallen.into_iter().map(|threshold| (kind_below(threshold), threshold));
        let recovered = recovered.into_iter().map(|threshold| (EventKind::Recovered, threshold));
        events.extend(
            fallen
                .chain(recovered)
                .map(|(kind, threshold)| Event::about_balance(kind, &unit, after, threshold)),
        );
        if still != notified {
            changed = true;
            match still.is_empty() {
                true => wallet.profile.notified.remove(&unit),
                false => wallet.profile.notified.insert(unit, still),
            };
        }
    }
    let Some(last) = entries.last_mut() else { return false };
    last.events.extend(events);
    changed |= check_auto_top_up(wallet, last);
    if changed {
        last.row_digests.profile(&wallet.profile);
    }
    changed
}

/// Returns the changes of the available amounts, per unit in which they changed.
fn changes(entries: &[Entry]) -> BTreeMap<UnitId, i64> {
    let mut changes: BTreeMap<UnitId, i64> = BTreeMap::new();
    for posting in entries.iter().flat_map(|entry| &entry.postings) {
        let change = match (posting.from, posting.to) {
            (Part::Available, _) => -posting.amount,
            (_, Part::Available) => posting.amount,
            _ => continue,
        };
        let sum = changes.entry(posting.unit.clone()).or_default();
        *sum = sum.saturating_add(change);
    }
    changes
}

/// The threshold that stands for an exhausted balance.
const EXHAUSTED: i64 = 0;

/// The thresholds of a unit that a change of its balance crosses.
#[derive(Debug, PartialEq)]
struct Crossed {
    /// Those that count as notified after the change.
    still: BTreeSet<i64>,
    /// Those that the balance has newly fallen below, the highest first.
    fallen: Vec<i64>,
    /// Those that count as notified and are re-armed, the lowest first.
    recovered: Vec<i64>,
}

/// Returns the thresholds that a change of the balance crosses. Every unit has [`EXHAUSTED`] besides its own.
fn crossed(thresholds: &BTreeSet<i64>, notified: &BTreeSet<i64>, before: i64, after: i64) -> Crossed {
    let own = thresholds.iter().rev().copied().filter(|threshold| *threshold != EXHAUSTED);
    let is_news = |threshold: &i64| {
        let least = least_not_below(*threshold);
        !notified.contains(threshold) && before >= least && after < least
    };
    let fallen: Vec<i64> = own.chain([EXHAUSTED]).filter(is_news).collect();
    // A threshold that was removed counts as never notified.
    let known = |threshold: &i64| *threshold == EXHAUSTED || thresholds.contains(threshold);
    let (recovered, still): (Vec<i64>, Vec<i64>) =
        notified.iter().copied().filter(known).partition(|threshold| after >= re_armed(*threshold));
    Crossed { still: still.into_iter().chain(fallen.iter().copied()).collect(), fallen, recovered }
}

/// Returns the kind of the notification of a balance that has fallen below a threshold.
const fn kind_below(threshold: i64) -> EventKind {
    if threshold == EXHAUSTED { EventKind::Exhausted } else { EventKind::LowBalance }
}

/// Returns the lowest amount that is not below a threshold. A balance of 0 is exhausted.
const fn least_not_below(threshold: i64) -> i64 {
    if threshold == EXHAUSTED { 1 } else { threshold }
}

/// Returns the lowest amount that re-arms a threshold: 10 % above it, or above 0 for [`EXHAUSTED`].
const fn re_armed(threshold: i64) -> i64 {
    let least = least_not_below(threshold);
    least.saturating_add(threshold / 10 + if threshold % 10 > 0 { 1 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_notified_of_once_until_the_balance_is_10_percent_above_it() {
        let set = |of: &[i64]| of.iter().copied().collect::<BTreeSet<_>>();
        for (notified, before, after, still, fallen, recovered) in [
            (vec![], 100, 20, vec![], vec![], vec![]),
            (vec![], 100, 19, vec![20], vec![20], vec![]),
            (vec![20], 19, 21, vec![20], vec![], vec![]),
            (vec![20], 21, 19, vec![20], vec![], vec![]),
            (vec![20], 19, 22, vec![], vec![], vec![20]),
            (vec![], 22, 0, vec![20, 11, 0], vec![20, 11, 0], vec![]),
            (vec![20, 11, 0], 0, 13, vec![20], vec![], vec![0, 11]),
            (vec![20, 11, 0], 0, 12, vec![20, 11], vec![], vec![0]),
            (vec![20, 11, 0], 0, 22, vec![], vec![], vec![0, 11, 20]),
            (vec![], 15, 12, vec![], vec![], vec![]),
            (vec![50, 20], 19, 5, vec![20, 11], vec![11], vec![]),
            (vec![50, 20], 19, 60, vec![], vec![], vec![20]),
            (vec![], 0, 100, vec![], vec![], vec![]),
            (vec![20, 11], 1, 0, vec![20, 11, 0], vec![0], vec![]),
        ] {
            let now = crossed(&set(&[0, 11, 20]), &set(&notified), before, after);
            let expected = Crossed { still: set(&still), fallen, recovered };
            assert_eq!(now, expected, "{notified:?}, {before} to {after}");
        }
    }
}
