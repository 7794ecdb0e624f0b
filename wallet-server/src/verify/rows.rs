//! Every row of the ledger, wallet by wallet: all tables read side by side in pages, in the order of their keys.
//!
//! A page continues behind the last key of the one before, so no query takes long and none is made per wallet or per
//! entry. Rows whose wallet has no row of its own come along like all others.

use std::iter::Peekable;

use tokio::sync::mpsc;

use crate::store::entity::{
    entries, events, grants, reservations, wallet_balances, wallet_profiles, wallets,
};
use crate::store::pages::{Key, Page, Table};
use crate::store::{ReadTx, StoreError};

/// Pages of a table that may wait to be folded, beside the one being folded and the one being read.
const PAGES_AHEAD: usize = 1;

/// A row of the ledger. A wallet's rows come in this order.
#[derive(Debug, Clone)]
pub(super) enum Row {
    Wallet(wallets::Model),
    Profile(wallet_profiles::Model),
    /// Before the entries that they came with.
    Event(events::Model),
    Entry(entries::Model),
    Grant(grants::Model),
    Balance(wallet_balances::Model),
    Reservation(reservations::Model),
    /// A row of this table with a column that is not what it should be.
    Unreadable(&'static str, String),
}

/// All rows, or those of one wallet: what reads them and what they are taken from, in different threads.
pub(super) fn all(only: Option<Key>) -> (Reading, Rows) {
    let mut rows = Vec::new();
    let tables = tables().map(|table| {
        let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
        rows.push(Pages { pages: receiver, page: None });
        (table, sender)
    });
    (Reading { tables, only }, Rows(rows))
}

/// All tables, in the order in which a wallet's rows come.
pub(super) fn tables() -> [Table<Row>; 7] {
    [
        Table::of::<wallets::Entity>(Row::Wallet, Row::Unreadable),
        Table::of::<wallet_profiles::Entity>(Row::Profile, Row::Unreadable),
        Table::of::<events::Entity>(Row::Event, Row::Unreadable),
        Table::of::<entries::Entity>(Row::Entry, Row::Unreadable),
        Table::of::<grants::Entity>(Row::Grant, Row::Unreadable),
        Table::of::<wallet_balances::Entity>(Row::Balance, Row::Unreadable),
        Table::of::<reservations::Entity>(Row::Reservation, Row::Unreadable),
    ]
}

/// The tables, each with where its pages go.
pub(super) struct Reading {
    tables: [(Table<Row>, mpsc::Sender<Page<Row>>); 7],
    only: Option<Key>,
}

impl Reading {
    /// Reads all tables, each ahead of what is taken of it, to their ends or until nobody takes rows any more.
    pub(super) async fn run(self, snapshot: &ReadTx) -> Result<(), StoreError> {
        // The database reads for one of them while another makes rows of what it was given.
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

/// The rows as they are read, in order; to be taken where it may wait.
pub(super) struct Rows(Vec<Pages>);

impl Iterator for Rows {
    type Item = (Key, Row);

    fn next(&mut self) -> Option<(Key, Row)> {
        let pages = self.0.iter_mut().filter_map(|pages| Some((pages.key()?, pages)));
        // Of equal ones this is the first: a wallet's rows come table by table.
        let (_, pages) = pages.min_by_key(|(key, _)| *key)?;
        pages.page.as_mut()?.next()
    }
}

/// What has been read of a table.
struct Pages {
    pages: mpsc::Receiver<Page<Row>>,
    page: Option<Peekable<Page<Row>>>,
}

impl Pages {
    /// The wallet of the next row.
    fn key(&mut self) -> Option<Key> {
        loop {
            if let Some((key, _)) = self.page.as_mut().and_then(Peekable::peek) {
                return Some(*key);
            }
            self.page = Some(self.pages.blocking_recv()?.peekable());
        }
    }
}
