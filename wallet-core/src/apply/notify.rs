//! Adds notifications to entries: the one place where a change of a balance becomes an event.
//!
//! Every entry passes here, of a command and of a due event alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::entry::Entry;
use crate::ledger::event::{Event, EventKind};
use crate::ledger::posting::Part;
use crate::value::ids::UnitId;
use crate::wallet::Wallet;

/// Adds to the last of the entries of one instant the notifications that they cause, and the digest of the profile if
/// that has changed: since they were made (`changed`), or by the notifications. Returns whether it has. The entries
/// must not be hashed yet.
pub(crate) fn record_notifications(wallet: &mut Wallet, entries: &mut [Entry], mut changed: bool) -> bool {
    let mut events = Vec::new();
    for (unit, change) in changes(entries) {
        let after = wallet.balance(unit.as_str()).available;
        let before = after.saturating_sub(change);
        let notified = wallet.profile.notified.get(&unit).cloned().unwrap_or_default();
        let (still_notified, news) = crossed(&wallet.profile.thresholds(&unit), &notified, before, after);
        let low = |threshold| Event::about_balance(EventKind::LowBalance, &unit, after, threshold);
        events.extend(news.into_iter().map(low));
        if before > 0 && after == 0 {
            events.push(Event::about_balance(EventKind::Exhausted, &unit, 0, 0));
        }
        if still_notified != notified {
            changed = true;
            match still_notified.is_empty() {
                true => wallet.profile.notified.remove(&unit),
                false => wallet.profile.notified.insert(unit, still_notified),
            };
        }
    }
    let Some(last) = entries.last_mut() else { return false };
    if changed {
        last.row_digests.profile(&wallet.profile);
    }
    last.events.extend(events);
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

/// Returns the thresholds that count as notified afterwards, and the new ones among them, the highest first.
fn crossed(
    thresholds: &BTreeSet<i64>,
    notified: &BTreeSet<i64>,
    before: i64,
    after: i64,
) -> (BTreeSet<i64>, Vec<i64>) {
    let is_news =
        |threshold: &i64| !notified.contains(threshold) && before >= *threshold && after < *threshold;
    let news: Vec<i64> = thresholds.iter().rev().copied().filter(is_news).collect();
    let still = notified
        .iter()
        .copied()
        .filter(|notified| thresholds.contains(notified) && after < re_armed(*notified));
    (still.chain(news.iter().copied()).collect(), news)
}

/// Returns the amount from which on a threshold is notified of again: 10 % above it.
const fn re_armed(threshold: i64) -> i64 {
    threshold.saturating_add(threshold / 10 + if threshold % 10 > 0 { 1 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_notified_of_once_until_the_balance_is_10_percent_above_it() {
        let set = |of: &[i64]| of.iter().copied().collect::<BTreeSet<_>>();
        for (notified, before, after, still, news) in [
            (vec![], 100, 20, vec![], vec![]),
            (vec![], 100, 19, vec![20], vec![20]),
            (vec![20], 19, 21, vec![20], vec![]),
            (vec![20], 21, 19, vec![20], vec![]),
            (vec![20], 19, 22, vec![], vec![]),
            (vec![], 22, 0, vec![20, 11], vec![20, 11]),
            (vec![20, 11], 0, 13, vec![20], vec![]),
            (vec![20, 11], 0, 12, vec![20, 11], vec![]),
            (vec![], 15, 12, vec![], vec![]),
            (vec![50, 20], 19, 5, vec![20, 11], vec![11]),
        ] {
            let (now, notified_now) = crossed(&set(&[11, 20]), &set(&notified), before, after);
            assert_eq!((now, notified_now), (set(&still), news), "{notified:?}, {before} to {after}");
        }
    }
}
