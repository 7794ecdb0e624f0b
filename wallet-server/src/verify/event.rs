//! Events as their rows say them, and what they claim compared with the entry they came with.
//!
//! They are part of the entry's hash: one that is missing, changed or made up breaks the chain.

use wallet_core::Timestamp;
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::event::{Event, EventKind};

use crate::store::EventDetails;
use crate::store::entity::events;
use crate::verify::faults::Faults;
use crate::verify::strict;

/// An event with what its row says besides.
#[derive(Debug)]
pub(super) struct EventFold {
    n: i32,
    time: Timestamp,
    pub(super) event: Event,
}

/// Reads a row.
pub(super) fn read(row: &events::Model) -> Result<EventFold, String> {
    let kind = EventKind::ALL.into_iter().find(|kind| *kind as i16 == row.kind);
    let details: EventDetails = strict::read("details", &row.details)?;
    let event = Event {
        kind: kind.ok_or_else(|| format!("has kind {}, which is not known", row.kind))?,
        unit: row.unit.parse().map_err(|error| format!("unit {:?} {error}", row.unit))?,
        available: row.available,
        threshold: row.threshold,
        grant: details.grant,
        expire_time: details.expire_time,
    };
    Ok(EventFold { n: row.n, time: Timestamp::from_micros(row.event_time), event })
}

/// What the events of an entry claim is so: `available` tells a unit's balance by the postings so far.
pub(super) fn check(
    entry: &Entry,
    events: &[EventFold],
    mut available: impl FnMut(&Event) -> i128,
    faults: &mut Faults,
) {
    let at = entry.revision;
    for (n, EventFold { n: number, time, event }) in (0..).zip(events) {
        faults.unless(*number == n, at, || format!("its event {n} has number {number}"));
        faults.unless(*time == entry.effective_time, at, || {
            format!("is effective at {}, its event {n} at {time}", entry.effective_time)
        });
        let is_so = match event.kind {
            EventKind::LowBalance => event.available < event.threshold && event.grant.is_none(),
            EventKind::Exhausted => event.available == 0 && event.grant.is_none(),
            EventKind::GrantExpiring => event.expire_time > entry.effective_time && event.grant.is_some(),
        };
        faults.unless(is_so, at, || format!("tells {event:?}"));
        if event.kind != EventKind::GrantExpiring {
            let folded = available(event);
            faults.unless(folded == i128::from(event.available), at, || {
                format!("tells that {} {} are available, {folded} are", event.available, event.unit)
            });
        }
    }
    let expiring = events.iter().filter(|told| told.event.kind == EventKind::GrantExpiring);
    let grants: Vec<String> = expiring.flat_map(|told| &told.event.grant).map(ToString::to_string).collect();
    let said: &[String] = match entry.kind {
        EntryKind::GrantExpiring => std::slice::from_ref(&entry.reason),
        _ => &[],
    };
    faults.unless(grants == said, at, || format!("tells that {grants:?} will lapse, its words are {said:?}"));
}
