//! The ledger as its rows are read: divided by wallet, counted and digested.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::store::pages::{Key, NO_KEY};
use crate::store::tables::wallets;
use crate::verify::checkpoint::{CheckpointReader, CheckpointWriter};
use crate::verify::control::ControlPlane;
use crate::verify::error::VerifyError;
use crate::verify::faults::Faults;
use crate::verify::feed::Feed;
use crate::verify::report::Report;
use crate::verify::rows::{Row, Rows};
use crate::verify::wallet::WalletFold;

/// The verification of a ledger so far.
#[derive(Default)]
pub(super) struct Ledger {
    current: Option<WalletFold>,
    /// `None` if only one wallet is verified.
    pub(super) control_plane: Option<ControlPlane>,
    /// The feed, whose items are compared with the entries. `None` if only one wallet is verified.
    pub(super) feed: Option<Feed>,
    pub(super) faults: Faults,
    /// The checkpoint that it must continue.
    pub(super) checkpoint_reader: Option<CheckpointReader>,
    /// The checkpoint that is written.
    pub(super) checkpoint_writer: Option<CheckpointWriter>,
    digest: Sha256,
    wallets: u64,
    entries: u64,
    grants: u64,
    reservations: u64,
}

impl Ledger {
    /// Takes all rows in order.
    pub(super) fn fold(mut self, rows: Rows) -> Self {
        rows.for_each(|(key, row)| self.take(key, row));
        self
    }

    pub(super) fn take(&mut self, key: Key, row: Row) {
        if let (NO_KEY, Row::Unreadable(table, error)) = (key, &row) {
            let fault = format!("a row of {table} has an unreadable key: {error}");
            return self.faults.add_of_the_database(&fault);
        }
        self.begin_wallet(key);
        let Self { current: Some(wallet), faults, control_plane, .. } = self else { return };
        let control_plane = control_plane.as_ref();
        match row {
            Row::Wallet(row) => {
                self.wallets += 1;
                digest(&mut self.digest, &row);
                if let Some(writer) = &mut self.checkpoint_writer {
                    writer.add(&row);
                }
                wallet.own_row(row);
            }
            Row::Profile(row) => wallet.profile(row, control_plane, faults),
            Row::Event(row) => wallet.event(&row, faults),
            Row::Entry(row) => {
                self.entries += 1;
                wallet.entry(&row, faults);
                if let Some(reader) = &mut self.checkpoint_reader {
                    reader.entry(&row, faults);
                }
            }
            Row::Grant(row) => {
                self.grants += 1;
                wallet.grant(&row, faults);
            }
            Row::Hold(row) => wallet.hold(row),
            Row::Reservation(row) => {
                self.reservations += 1;
                wallet.reservation(&row, control_plane, faults);
            }
            Row::Unreadable(table, error) => wallet.unreadable(table, &error, faults),
        }
    }

    /// Ends the last wallet and the checkpoints. `is_whole`: all rows were read; otherwise no checkpoint is written. An
    /// error means that the new checkpoint could not be written.
    pub(super) fn end(&mut self, is_whole: bool) -> Result<(), VerifyError> {
        self.close();
        if let Some(feed) = &mut self.feed {
            feed.end(&mut self.faults);
        }
        if let Some(reader) = &mut self.checkpoint_reader {
            reader.end(&mut self.faults);
        }
        self.checkpoint_writer
            .take()
            .map_or(Ok(()), |writer| writer.finish(is_whole && self.faults.count == 0))
    }

    /// Returns the report.
    pub(super) fn report(self, elapsed: Duration) -> Report {
        Report {
            digest: hex::encode(self.digest.finalize()),
            wallets: self.wallets,
            entries: self.entries,
            grants: self.grants,
            reservations: self.reservations,
            faults: self.faults.count,
            first_faults: self.faults.first,
            notes: self.faults.notes,
            first_notes: self.faults.first_notes,
            against: self.checkpoint_reader.map(|reader| reader.size),
            elapsed,
        }
    }

    fn begin_wallet(&mut self, key: Key) {
        if self.current.as_ref().is_some_and(|wallet| wallet.key() == key) {
            return;
        }
        self.close();
        self.faults.about(&key.1.to_string());
        if let Some(reader) = &mut self.checkpoint_reader {
            reader.advance_to(key, &mut self.faults);
        }
        let items = self.feed.as_ref().map(|feed| feed.fold(key.1));
        self.current = Some(WalletFold { items, ..WalletFold::new(key) });
    }

    fn close(&mut self) {
        if let Some(mut wallet) = self.current.take() {
            if let (Some(feed), Some(items)) = (&mut self.feed, wallet.items.take()) {
                feed.close(wallet.uuid, wallet.tenant, items, &mut self.faults);
            }
            wallet.close(&mut self.faults);
            if let Some(reader) = &mut self.checkpoint_reader {
                reader.leave(&mut self.faults);
            }
        }
    }
}

fn digest(digest: &mut Sha256, row: &wallets::Model) {
    digest.update(row.wallet_key.as_bytes());
    digest.update(row.revision.to_be_bytes());
    digest.update(&row.head);
}
