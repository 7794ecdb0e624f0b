//! Reads every row of the ledger, wallet by wallet: all tables in parallel, in pages, in the order of their keys.
//!
//! A page begins after the last key of the previous one, so no query takes long and no query is made per wallet or per
//! entry. Rows of a wallet that has no row in `wallets` are read like all others.

use std::iter::Peekable;

use tokio::sync::mpsc;

use crate::store::pages::{Key, Page, Table};
use crate::store::tables::{entries, events, grants, holds, reservations, wallet_profiles, wallets};
use crate::store::{ReadTx, StoreError};

/// The pages of a table that may wait to be folded, besides the one being folded and the one being read.
const PAGES_AHEAD: usize = 1;

/// A row of the ledger. A wallet's rows come in this order.
#[derive(Debug, Clone)]
pub(super) enum Row {
    Wallet(wallets::Model),
    Profile(wallet_profiles::Model),
    /// The notifications of a wallet come before its entries.
    Event(events::Model),
    Entry(entries::Model),
    Grant(grants::Model),
    /// The holds of a wallet come before its reservations.
    Hold(holds::Model),
    Reservation(reservations::Model),
    /// A row of this table with an unreadable column, and the error.
    Unreadable(&'static str, String),
}

/// Returns the reader of all rows, or of those of one wallet, and the iterator over them, which runs in another
/// thread.
pub(super) fn all(only: Option<Key>) -> (Reading, Rows) {
    let mut rows = Vec::new();
    let tables = tables().map(|table| {
        let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
        rows.push(Pages { pages: receiver, page: None });
        (table, sender)
    });
    (Reading { tables, only }, Rows(rows))
}

/// Returns all tables in the order in which the rows of a wallet are read.
pub(super) fn tables() -> [Table<Row>; 7] {
    [
        Table::of::<wallets::Entity>(Row::Wallet, Row::Unreadable),
        Table::of::<wallet_profiles::Entity>(Row::Profile, Row::Unreadable),
        Table::of::<events::Entity>(Row::Event, Row::Unreadable),
        Table::of::<entries::Entity>(Row::Entry, Row::Unreadable),
        Table::of::<grants::Entity>(Row::Grant, Row::Unreadable),
        Table::of::<holds::Entity>(Row::Hold, Row::Unreadable),
        Table::of::<reservations::Entity>(Row::Reservation, Row::Unreadable),
    ]
}

/// The reader of the tables: each with the channel for its pages.
pub(super) struct Reading {
    tables: [(Table<Row>, mpsc::Sender<Page<Row>>); 7],
    only: Option<Key>,
}

impl Reading {
    /// Reads all tables to their ends, each [`PAGES_AHEAD`] of the iterator, or until the iterator is dropped.
    pub(super) async fn run(self, snapshot: &ReadTx) -> Result<(), StoreError> {
        // The database reads for one table while another decodes its rows.
        let [a, b, c, d, e, f, g] = self.tables.map(|table| read(snapshot, self.only, table));
        tokio::try_join!(a, b, c, d, e, f, g).map(|_| ())
    }
}

async fn read(
    snapshot: &ReadTx,
    only: Option<Key>,
    (table, pages): (Table<Row>, mpsc::Sender<Page<Row>>),
) -> Result<(), StoreError> {
    let mut behind = Vec::new();
    loop {
        let page = table.page(snapshot, only, &behind).await?;
        let is_last = page.is_last;
        behind.clone_from(&page.last_key);
        if pages.send(page).await.is_err() || is_last {
            return Ok(());
        }
    }
}

/// The iterator over all rows in order. It blocks while it waits for a page.
pub(super) struct Rows(Vec<Pages>);

impl Iterator for Rows {
    type Item = (Key, Row);

    fn next(&mut self) -> Option<(Key, Row)> {
        let pages = self.0.iter_mut().filter_map(|pages| Some((pages.key()?, pages)));
        // `min_by_key` returns the first of equal keys: the rows of a wallet come table by table.
        let (_, pages) = pages.min_by_key(|(key, _)| *key)?;
        pages.page.as_mut()?.next()
    }
}

/// The pages of one table.
struct Pages {
    pages: mpsc::Receiver<Page<Row>>,
    page: Option<Peekable<Page<Row>>>,
}

impl Pages {
    /// Returns the wallet key of the next row.
    fn key(&mut self) -> Option<Key> {
        loop {
            if let Some((key, _)) = self.page.as_mut().and_then(Peekable::peek) {
                return Some(*key);
            }
            self.page = Some(self.pages.blocking_recv()?.peekable());
        }
    }
}
