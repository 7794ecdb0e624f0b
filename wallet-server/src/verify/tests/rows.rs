//! The rows of a ledger in memory, which tests look up, change and verify.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wallet_core::entry::{Entry, EntryKind, genesis};
use wallet_core::event::{Event, EventKind};
use wallet_core::posting::Posting;
use wallet_core::wallet::Balance;
use wallet_core::{TenantId, UnitId, WalletKey, binary};

use super::commands::top_up;
use super::fixture::{Story, written};
use crate::store::Store;
use crate::store::pages::Key;
use crate::store::tables::{entries, events, grants, reservations, wallet_profiles, wallets};
use crate::verify::ledger::Ledger;
use crate::verify::report::Report;
use crate::verify::rows::Row;
use crate::verify::{entry, event, rows};

/// All rows of a ledger, in order.
#[derive(Debug, Clone)]
pub(super) struct Rows(pub(super) Vec<(Key, Row)>);

impl Rows {
    /// A ledger in which ann has [`Story::rich`], bob one purchase, and eve nothing.
    pub(super) async fn of_ann_bob_and_eve() -> Self {
        let bob = Story::of("bob").and(top_up("b", "credits", 10));
        Self::of(&[Story::rich("ann"), bob, Story::of("eve")]).await
    }

    pub(super) async fn of(stories: &[Story]) -> Self {
        let (_folder, url) = written(stories).await;
        let snapshot = Store::open_read_only(&url).await.unwrap().snapshot().await.unwrap();
        let (reading, rows) = rows::all(None);
        let taken = tokio::task::spawn_blocking(move || rows.collect());
        reading.run(&snapshot).await.unwrap();
        Self(taken.await.unwrap())
    }

    pub(super) fn verified(self) -> Report {
        let mut ledger = Ledger::default();
        self.0.into_iter().for_each(|(key, row)| ledger.take(key, row));
        ledger.end(true).unwrap();
        ledger.report(Duration::from_secs(1))
    }

    /// Returns the first row of ann's for which `is` returns a value.
    fn find<T>(&mut self, mut is: impl FnMut(&mut Row) -> Option<&mut T>) -> &mut T {
        let rows = self.0.iter_mut().filter(|(key, _)| *key == ann());
        rows.filter_map(|(_, row)| is(row)).next().expect("there is such a row")
    }

    pub(super) fn wallet(&mut self) -> &mut wallets::Model {
        self.find(|row| if let Row::Wallet(row) = row { Some(row) } else { None })
    }

    pub(super) fn profile(&mut self) -> &mut wallet_profiles::Model {
        self.find(|row| if let Row::Profile(row) = row { Some(row) } else { None })
    }

    pub(super) fn grant(&mut self, id: &str) -> &mut grants::Model {
        self.find(
            |row| if let Row::Grant(row) = row { Some(row).filter(|row| row.origin_id == id) } else { None },
        )
    }

    /// Changes the balance of a unit.
    pub(super) fn balance(&mut self, unit: &str, change: impl FnOnce(&mut Balance)) {
        self.balances(|balances| change(balances.get_mut(unit).unwrap()));
    }

    pub(super) fn balances(&mut self, change: impl FnOnce(&mut BTreeMap<UnitId, Balance>)) {
        let row = self.wallet();
        let mut balances = wallets::balances(row).unwrap();
        change(&mut balances);
        row.balances = binary::encode(&balances);
    }

    pub(super) fn reservation(&mut self, id: &str) -> &mut reservations::Model {
        let is = |row: &&mut reservations::Model| row.reservation_id == id;
        self.find(|row| if let Row::Reservation(row) = row { Some(row).filter(is) } else { None })
    }

    /// Returns the first entry of a kind.
    pub(super) fn entry(&mut self, kind: EntryKind) -> &mut entries::Model {
        self.entry_of(kind, "")
    }

    /// Returns ann's entries.
    pub(super) fn entries(&mut self) -> impl Iterator<Item = &mut entries::Model> {
        let rows = self.0.iter_mut().filter(|(key, _)| *key == ann());
        rows.filter_map(|(_, row)| if let Row::Entry(row) = row { Some(row) } else { None })
    }

    /// Returns the first event of a kind.
    pub(super) fn event(&mut self, kind: EventKind) -> &mut events::Model {
        let is = |row: &&mut events::Model| row.kind == kind as i16;
        self.find(|row| if let Row::Event(row) = row { Some(row).filter(is) } else { None })
    }

    /// Returns the first entry of a kind about a reservation, or about any if the id is empty.
    pub(super) fn entry_of(&mut self, kind: EntryKind, reservation: &str) -> &mut entries::Model {
        let about = |row: &entries::Model| reservation.is_empty() || row.reservation_id == reservation;
        let is = |row: &&mut entries::Model| row.kind == kind as i16 && about(row);
        self.find(|row| if let Row::Entry(row) = row { Some(row).filter(is) } else { None })
    }

    /// Rehashes the chain of ann's entries, as a forger would.
    pub(super) fn rehash(&mut self) {
        let mut head = genesis(WalletKey::from_uuid(ann().1));
        let mut events: BTreeMap<i64, Vec<Event>> = BTreeMap::new();
        for (_, row) in self.0.iter_mut().filter(|(key, _)| *key == ann()) {
            match row {
                Row::Event(row) => {
                    events.entry(row.revision).or_default().push(event::read(row).unwrap().event);
                }
                Row::Entry(row) => {
                    let events = events.remove(&row.revision).unwrap_or_default();
                    head = Entry { events, ..entry::read(row).unwrap() }.hash_after(&head);
                    row.hash = head.to_vec();
                }
                _ => {}
            }
        }
        self.wallet().head = head.to_vec();
    }

    pub(super) fn remove(&mut self, is: impl Fn(&Row) -> bool) {
        let before = self.0.len();
        self.0.retain(|(key, row)| *key != ann() || !is(row));
        assert!(self.0.len() < before, "there is such a row");
    }
}

/// Changes the postings of an entry.
pub(super) fn repost(row: &mut entries::Model, change: impl FnOnce(&mut Vec<Posting>)) {
    alter(&mut row.postings, change);
}

/// Changes a value in its binary form.
pub(super) fn alter<T>(column: &mut Vec<u8>, change: impl FnOnce(&mut T))
where
    T: Serialize + DeserializeOwned + Default + PartialEq,
{
    let mut value = binary::decode_sparse(column).unwrap();
    change(&mut value);
    *column = binary::encode_sparse(&value);
}

pub(super) fn ann() -> Key {
    let key = WalletKey::new(TenantId::DEFAULT, &"ann".parse().unwrap());
    (key.bucket(), key.uuid())
}

/// A change of the rows.
pub(super) type Tamper = fn(&mut Rows);

/// Checks that each change causes a fault of ann's wallet with this text.
pub(super) async fn check(table: &[(&str, Tamper)]) {
    check_rows(&Rows::of_ann_bob_and_eve().await, table);
}

/// Checks that each change of this ledger causes a fault of ann's wallet with this text.
pub(super) fn check_rows(sound: &Rows, table: &[(&str, Tamper)]) {
    for (expected, tamper) in table {
        let mut rows = sound.clone();
        tamper(&mut rows);
        let report = rows.verified();
        let found = |fault: &String| fault.starts_with("wallet ann (") && fault.contains(expected);
        assert!(report.first_faults.iter().any(found), "{expected:?} is not in\n{report}");
        assert!(!report.is_clean());
    }
}
