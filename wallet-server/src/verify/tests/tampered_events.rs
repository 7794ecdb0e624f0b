//! What people were told, removed, changed and made up.

use wallet_core::event::EventKind;

use super::rows::{Rows, Tamper, check};
use crate::store::entity::events;
use crate::verify::rows::Row;

/// The same, chained anew by somebody who knows how.
fn chained(rows: &mut Rows, change: fn(&mut events::Model)) {
    change(rows.event(EventKind::LowBalance));
    rows.rehash();
}

#[tokio::test]
async fn an_event_that_is_missing_changed_or_made_up_breaks_the_chain() {
    let changes: &[(&str, Tamper)] = &[
        ("I16: has hash", |r| r.remove(|row| matches!(row, Row::Event(_)))),
        ("I16: has hash", |r| r.event(EventKind::Exhausted).kind = EventKind::LowBalance as i16),
        ("I16: has hash", |r| r.event(EventKind::LowBalance).available -= 1),
        ("I16: has hash", |r| r.event(EventKind::LowBalance).threshold += 1),
        ("I16: has hash", |r| r.event(EventKind::LowBalance).unit = "trainings".to_owned()),
        ("I16: has hash", |r| r.event(EventKind::LowBalance).revision = 2),
        ("has events and no entry", |r| r.event(EventKind::LowBalance).revision = 99),
        ("does not read back: has kind 77", |r| r.event(EventKind::LowBalance).kind = 77),
    ];
    check(changes).await;
}

#[tokio::test]
async fn an_event_tells_what_its_entry_made_so() {
    let changes: &[(&str, Tamper)] = &[
        ("has number 7", |r| chained(r, |row| row.n = 7)),
        (", its event 0 at", |r| chained(r, |row| row.event_time += 1)),
        ("are available, ", |r| chained(r, |row| row.available -= 1)),
        ("tells Event", |r| chained(r, |row| row.threshold = row.available)),
        ("will lapse, its words are []", |r| {
            chained(r, |row| {
                row.kind = EventKind::GrantExpiring as i16;
                row.details = r#"{"grant":"grant:g1","expire_time":9000000000000000}"#.to_owned();
            });
        }),
    ];
    check(changes).await;
}
