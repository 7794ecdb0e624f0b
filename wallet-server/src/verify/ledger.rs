//! The ledger as rows come in: told apart by wallet, counted, and digested.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::store::entity::wallets;
use crate::store::pages::Key;
use crate::verify::faults::Faults;
use crate::verify::report::Report;
use crate::verify::rows::{Row, Rows};
use crate::verify::wallet::WalletFold;

/// What is known of the ledger so far.
#[derive(Default)]
pub(super) struct Ledger {
    current: Option<WalletFold>,
    faults: Faults,
    digest: Sha256,
    wallets: u64,
    entries: u64,
    grants: u64,
    reservations: u64,
}

impl Ledger {
    /// Folds all rows, as they come.
    pub(super) fn fold(rows: Rows) -> Self {
        let mut ledger = Self::default();
        rows.for_each(|(key, row)| ledger.take(key, row));
        ledger
    }

    /// Takes the next row.
    pub(super) fn take(&mut self, key: Key, row: Row) {
        self.turn_to(key);
        let Self { current: Some(wallet), faults, .. } = self else { return };
        match row {
            Row::Wallet(row) => {
                self.wallets += 1;
                digest(&mut self.digest, &row);
                wallet.own_row(row);
            }
            Row::Profile(row) => wallet.profile(row, faults),
            Row::Event(row) => wallet.event(&row, faults),
            Row::Entry(row) => {
                self.entries += 1;
                wallet.entry(&row, faults);
            }
            Row::Grant(row) => {
                self.grants += 1;
                wallet.grant(&row, faults);
            }
            Row::Balance(row) => wallet.balance(&row, faults),
            Row::Reservation(row) => {
                self.reservations += 1;
                wallet.reservation(&row, faults);
            }
            Row::Unreadable(table, error) => wallet.unreadable(table, &error, faults),
        }
    }

    /// Ends the last wallet and says what was found.
    pub(super) fn report(mut self, elapsed: Duration) -> Report {
        self.close();
        Report {
            digest: hex::encode(self.digest.finalize()),
            wallets: self.wallets,
            entries: self.entries,
            grants: self.grants,
            reservations: self.reservations,
            faults: self.faults.count,
            first_faults: self.faults.first,
            elapsed,
        }
    }

    fn turn_to(&mut self, key: Key) {
        if self.current.as_ref().is_some_and(|wallet| wallet.key() == key) {
            return;
        }
        self.close();
        self.faults.about(key.1.to_string());
        self.current = Some(WalletFold::new(key));
    }

    fn close(&mut self) {
        if let Some(wallet) = self.current.take() {
            wallet.close(&mut self.faults);
        }
    }
}

fn digest(digest: &mut Sha256, row: &wallets::Model) {
    digest.update(row.wallet_key.as_bytes());
    digest.update(row.revision.to_be_bytes());
    digest.update(&row.head);
}
