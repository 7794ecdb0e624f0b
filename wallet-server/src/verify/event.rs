//! The decoding of notifications, and their comparison with the entry that recorded them.
//!
//! Notifications are part of the entry's hash: one that is missing, changed or forged breaks the chain.

use wallet_core::Timestamp;
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::event::{Event, EventKind};

use crate::store::EventDetails;
use crate::store::tables::events;
use crate::verify::faults::Faults;
use crate::verify::strict;

/// A notification with the columns that are not part of the hash.
#[derive(Debug)]
pub(super) struct RecordedNotification {
    n: i32,
    time: Timestamp,
    pub(super) event: Event,
}

/// Decodes a row.
pub(super) fn read(row: &events::Model) -> Result<RecordedNotification, String> {
    let kind = EventKind::ALL.into_iter().find(|kind| *kind as i16 == row.kind);
    let details: EventDetails = strict::read("details", &row.details)?;
    let event = Event {
        kind: kind.ok_or_else(|| format!("has kind {}, which is unknown", row.kind))?,
        unit: row.unit.parse().map_err(|error| format!("unit {:?} {error}", row.unit))?,
        available: row.available,
        threshold: row.threshold,
        grant: details.grant,
        expire_time: details.expire_time,
        auto_top_up: details.auto_top_up,
    };
    Ok(RecordedNotification { n: row.n, time: Timestamp::from_micros(row.event_time), event })
}

/// Checks the notifications of an entry. `available` returns a unit's balance according to the postings so far.
pub(super) fn check(
    entry: &Entry,
    events: &[RecordedNotification],
    mut available: impl FnMut(&Event) -> i128,
    faults: &mut Faults,
) {
    let at = entry.revision;
    for (n, RecordedNotification { n: number, time, event }) in (0..).zip(events) {
        faults.unless(*number == n, at, || format!("its notification {n} has number {number}"));
        faults.unless(*time == entry.effective_time, at, || {
            format!("is effective at {}, but its notification {n} at {time}", entry.effective_time)
        });
        let is_possible = match event.kind {
            EventKind::LowBalance => event.available < event.threshold && event.grant.is_none(),
            EventKind::Exhausted => event.available == 0 && event.grant.is_none(),
            EventKind::Recovered => has_recovered(event) && event.grant.is_none(),
            EventKind::AutoTopUpDue => {
                event.available < event.threshold && event.grant.is_none() && purchase(event, false)
            }
            EventKind::AutoTopUpFailed => event.grant.is_none() && purchase(event, true),
            EventKind::GrantExpiring => event.expire_time > entry.effective_time && event.grant.is_some(),
        };
        let is_possible = is_possible && event.auto_top_up.is_some() == event.kind.is_about_auto_top_up();
        faults.unless(is_possible, at, || format!("has the impossible notification {event:?}"));
        if event.kind != EventKind::GrantExpiring {
            let folded = available(event);
            faults.unless(folded == i128::from(event.available), at, || {
                format!("notifies that {} {} are available, but {folded} are", event.available, event.unit)
            });
        }
    }
    let expiring = events.iter().filter(|recorded| recorded.event.kind == EventKind::GrantExpiring);
    let grants: Vec<String> =
        expiring.flat_map(|recorded| &recorded.event.grant).map(ToString::to_string).collect();
    let named: &[String] = match entry.kind {
        EntryKind::GrantExpiring => std::slice::from_ref(&entry.reason),
        _ => &[],
    };
    faults.unless(grants == named, at, || {
        format!("notifies that {grants:?} will expire, but its reason names {named:?}")
    });
}

/// Returns whether the notification has a purchase. Only the notification of a failure may have the end of a wait.
fn purchase(event: &Event, failed: bool) -> bool {
    let purchase = event.auto_top_up.as_deref();
    purchase.is_some_and(|purchase| purchase.quantity > 0 && (failed || purchase.retry_time.is_none()))
}

/// Returns whether the balance is a tenth above the threshold, or above 0 if it was exhausted.
fn has_recovered(event: &Event) -> bool {
    let [available, threshold] = [event.available, event.threshold].map(i128::from);
    available > 0 && 10 * available >= 11 * threshold
}
