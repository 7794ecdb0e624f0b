//! Notifications that were removed, changed or forged.

use wallet_core::event::{AutoTopUpEvent, EventKind};

use super::fixture::Story;
use super::rows::{Rows, Tamper, check, check_rows};
use crate::store::EventDetails;
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
        ("but its notification 0 at", |r| chained(r, |row| row.event_time += 1)),
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

/// Changes the purchase of the first notification of a kind, and rehashes the chain.
fn purchase(rows: &mut Rows, kind: EventKind, change: fn(&mut AutoTopUpEvent)) {
    let row = rows.event(kind);
    let mut details: EventDetails = serde_json::from_str(&row.details).unwrap();
    change(details.auto_top_up.as_mut().unwrap());
    row.details = serde_json::to_string(&details).unwrap();
    rows.rehash();
}

#[tokio::test]
async fn one_auto_top_up_is_under_way_at_a_time() {
    let changes: &[(&str, Tamper)] = &[
        ("I16: has hash", |r| {
            let row = r.event(EventKind::AutoTopUpDue);
            row.details = row.details.replace("brief", "bigger");
        }),
        ("I34: has AutoTopUpDue", |r| {
            purchase(r, EventKind::AutoTopUpDue, |due| due.top_up = "auto-other".parse().unwrap());
        }),
        ("I34: has AutoTopUpFailed of auto-other", |r| {
            purchase(r, EventKind::AutoTopUpFailed, |failed| failed.top_up = "auto-other".parse().unwrap());
        }),
        ("has the impossible notification Event", |r| {
            purchase(r, EventKind::AutoTopUpDue, |due| due.quantity = 0);
        }),
        ("has the impossible notification Event", |r| {
            r.event(EventKind::AutoTopUpDue).kind = EventKind::LowBalance as i16;
            r.rehash();
        }),
        ("is AutoTopUpFailed, but its auto top-up has [AutoTopUpDue]", |r| {
            r.event(EventKind::AutoTopUpFailed).kind = EventKind::AutoTopUpDue as i16;
            r.rehash();
        }),
        ("I34: its profile has", |r| {
            r.remove(|row| matches!(row, Row::Event(row) if row.kind == EventKind::AutoTopUpDue as i16));
        }),
    ];
    check_rows(&Rows::of(&[Story::topped_up("ann")]).await, changes);
}
