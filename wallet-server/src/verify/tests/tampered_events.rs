//! Notifications that were removed, changed or forged.

use wallet_core::event::EventKind;

use super::rows::{Rows, Tamper, check};
use crate::store::tables::events;
use crate::verify::rows::Row;

/// Changes a notification and rehashes the chain, as a forger would.
fn chained(rows: &mut Rows, change: fn(&mut events::Model)) {
    change(rows.event(EventKind::LowBalance));
    rows.rehash();
}

#[tokio::test]
async fn an_event_that_is_missing_changed_or_forged_breaks_the_chain() {
    let changes: &[(&str, Tamper)] = &[
        ("I16: has hash", |r| r.remove(|row| matches!(row, Row::Event(_)))),
        ("I16: has hash", |r| r.event(EventKind::Exhausted).kind = EventKind::LowBalance as i16),
        ("I16: has hash", |r| r.event(EventKind::LowBalance).available -= 1),
        ("I16: has hash", |r| r.event(EventKind::LowBalance).threshold += 1),
        ("I16: has hash", |r| r.event(EventKind::LowBalance).unit = "trainings".to_owned()),
        ("I16: has hash", |r| r.event(EventKind::LowBalance).revision = 2),
        ("has notifications but no entry", |r| r.event(EventKind::LowBalance).revision = 99),
        ("is unreadable: has kind 77", |r| r.event(EventKind::LowBalance).kind = 77),
    ];
    check(changes).await;
}

#[tokio::test]
async fn an_event_matches_the_entry_that_caused_it() {
    let changes: &[(&str, Tamper)] = &[
        ("has number 7", |r| chained(r, |row| row.n = 7)),
        ("but its event 0 at", |r| chained(r, |row| row.event_time += 1)),
        ("are available, ", |r| chained(r, |row| row.available -= 1)),
        ("has the impossible notification Event", |r| chained(r, |row| row.threshold = row.available)),
        ("has the impossible notification Event", |r| {
            chained(r, |row| row.kind = EventKind::Recovered as i16);
        }),
        ("will expire, but its reason names []", |r| {
            chained(r, |row| {
                row.kind = EventKind::GrantExpiring as i16;
                row.details = r#"{"grant":"grant:g1","expire_time":9000000000000000}"#.to_owned();
            });
        }),
    ];
    check(changes).await;
}
