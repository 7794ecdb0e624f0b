//! The chain of a wallet's entries: revisions without gaps, hashes that include the previous one, and times that never
//! decrease.

use wallet_core::entry::{Entry, EntryKind, Hash, genesis};
use wallet_core::{Timestamp, WalletKey};

use crate::store::tables::{entries, wallets};
use crate::verify::faults::Faults;

/// The end of the chain so far.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) revision: i64,
    /// The hash of the last entry. `None` after a row that is unreadable.
    head: Option<Hash>,
    record_time: Timestamp,
    effective_time: Timestamp,
    /// The record time of the first entry.
    pub(super) begin: Option<Timestamp>,
    /// The number of writes without an entry, according to the last entry.
    silent: i64,
}

/// Bounds of the writes without an entry, from the open holds.
#[derive(Debug, Default)]
pub(super) struct Heartbeats {
    /// The latest deadline of an open hold.
    pub(super) deadline: Option<Timestamp>,
    /// The sum of the extensions of all open holds, in microseconds. Each heartbeat adds at least one.
    pub(super) extended: i128,
}

/// The most writes that freeze or unfreeze a wallet. They have no entry either, and are rare.
const FREEZES: i128 = 16;

impl Chain {
    /// Returns the chain before the first entry.
    pub(super) fn new(wallet: WalletKey) -> Self {
        let (record_time, effective_time) = (Timestamp::EPOCH, Timestamp::EPOCH);
        let head = Some(genesis(wallet));
        Self { revision: 0, head, record_time, effective_time, begin: None, silent: 0 }
    }

    /// Checks I16 and I18 for the next entry. The chain continues from the stored hash, so that a fault is reported
    /// once.
    pub(super) fn add(&mut self, entry: &Entry, faults: &mut Faults) {
        let at = entry.revision;
        if let Some(head) = &self.head {
            faults.unless(at == self.revision + 1, at, || format!("I16: follows revision {}", self.revision));
            let hash = entry.hash_after(head);
            faults.unless(hash == entry.hash, at, || {
                format!(
                    "I16: has hash {}, but its content has hash {}",
                    hex::encode(entry.hash),
                    hex::encode(hash)
                )
            });
        }
        let Entry { record_time: recorded, effective_time: effective, .. } = entry;
        for (what, time, before) in
            [("recorded", recorded, self.record_time), ("effective", effective, self.effective_time)]
        {
            faults.unless(*time >= before, at, || {
                format!("I18: {what} at {time}, but the previous entry at {before}")
            });
        }
        faults.unless(effective <= recorded, at, || {
            format!("I18: effective at {effective}, which is after it was recorded at {recorded}")
        });
        let silent = entry.row_digests.silent;
        faults.unless(silent >= self.silent, at, || {
            format!("I16: counts {silent} writes without an entry, but the previous entry {}", self.silent)
        });
        self.silent = silent;
        let first = at == 1;
        faults.unless(first == (entry.kind == EntryKind::WalletCreated), at, || {
            format!("I16: is {:?}; a wallet is created once, by its first entry", entry.kind)
        });
        self.revision = at;
        self.head = Some(entry.hash);
        (self.record_time, self.effective_time) = (*recorded, *effective);
        self.begin = self.begin.or(Some(*recorded));
    }

    /// Continues after an entry whose hash is readable but whose content is not.
    pub(super) fn skip(&mut self, row: &entries::Model) {
        self.revision = row.revision;
        self.head = row.hash.as_slice().try_into().ok();
        self.record_time = self.record_time.max(Timestamp::from_micros(row.record_time));
    }

    /// Returns the effective time of the last entry.
    pub(super) const fn effective_time(&self) -> Timestamp {
        self.effective_time
    }

    /// Continues after an unreadable row: the next link cannot be checked.
    pub(super) fn forget_head(&mut self) {
        self.head = None;
    }

    /// Checks I16 and I18 for the wallet's row: it has the revision and hash of the last entry and is not older. Since
    /// then only heartbeats, each before the deadline of a hold that is still open, and freezes were written.
    pub(super) fn check(&self, row: &wallets::Model, heartbeats: &Heartbeats, faults: &mut Faults) {
        let at = self.revision;
        if let Some(head) = self.head {
            faults.unless(row.revision == at, at, || {
                format!("I16: the wallet has revision {}, its last entry {at}", row.revision)
            });
            faults.unless(row.head == head, at, || {
                format!(
                    "I16: the wallet has head {}, its last entry {}",
                    hex::encode(&row.head),
                    hex::encode(head)
                )
            });
        }
        faults.unless(row.version >= row.revision, at, || {
            format!("I16: the wallet has version {}, less than revision {}", row.version, row.revision)
        });
        let silent = i128::from(row.version) - i128::from(row.revision);
        let [least, most] = [0, FREEZES + heartbeats.extended].map(|more| i128::from(self.silent) + more);
        let known = self.head.is_some() && row.version >= row.revision;
        faults.unless(!known || (least..=most).contains(&silent), at, || {
            format!(
                "I16: the wallet has version {}: {silent} writes had no entry, but {least} to {most} according to its entries and holds",
                row.version
            )
        });
        let last_time = Timestamp::from_micros(row.last_time);
        faults.unless(last_time >= self.record_time, at, || {
            format!("I18: the wallet was last written at {last_time}, its last entry at {}", self.record_time)
        });
        let latest = heartbeats.deadline.map_or(self.record_time, |deadline| self.record_time.max(deadline));
        faults.unless(self.head.is_none() || last_time <= latest, at, || {
            format!(
                "I18: the wallet was last written at {last_time}, but not after {latest} according to its entries and holds"
            )
        });
    }
}
