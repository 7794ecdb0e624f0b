//! The chain of a wallet's entries: numbered without gaps, each hashed behind the one before, in time.

use wallet_core::entry::{Entry, EntryKind, Hash, genesis};
use wallet_core::{Timestamp, WalletKey};

use crate::store::entity::{entries, wallets};
use crate::verify::faults::Faults;

/// The end of the chain so far.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) revision: i64,
    /// Unknown behind an entry that does not read back at all.
    head: Option<Hash>,
    record_time: Timestamp,
    effective_time: Timestamp,
    /// When the first entry was recorded.
    pub(super) begin: Option<Timestamp>,
}

impl Chain {
    /// Before the first entry.
    pub(super) fn new(wallet: WalletKey) -> Self {
        let (record_time, effective_time) = (Timestamp::EPOCH, Timestamp::EPOCH);
        Self { revision: 0, head: Some(genesis(wallet)), record_time, effective_time, begin: None }
    }

    /// I16 and I18 of the next entry. Goes on from what it says, so that one fault is told once.
    pub(super) fn add(&mut self, entry: &Entry, faults: &mut Faults) {
        let at = entry.revision;
        if let Some(head) = &self.head {
            faults.unless(at == self.revision + 1, at, || format!("I16: follows revision {}", self.revision));
            let hash = entry.hash_after(head);
            faults.unless(hash == entry.hash, at, || {
                format!("I16: has hash {}, {} by its content", hex::encode(entry.hash), hex::encode(hash))
            });
        }
        let Entry { record_time: recorded, effective_time: effective, .. } = entry;
        for (what, time, before) in
            [("recorded", recorded, self.record_time), ("effective", effective, self.effective_time)]
        {
            faults
                .unless(*time >= before, at, || format!("I18: {what} at {time}, the one before at {before}"));
        }
        faults.unless(effective <= recorded, at, || {
            format!("I18: effective at {effective}, which is after it was recorded at {recorded}")
        });
        let first = at == 1;
        faults.unless(first == (entry.kind == EntryKind::WalletCreated), at, || {
            format!("I16: is {:?}; a wallet is created once, by its first entry", entry.kind)
        });
        self.revision = at;
        self.head = Some(entry.hash);
        (self.record_time, self.effective_time) = (*recorded, *effective);
        self.begin = self.begin.or(Some(*recorded));
    }

    /// Goes on behind an entry that says something that is not understood.
    pub(super) fn skip(&mut self, row: &entries::Model) {
        self.revision = row.revision;
        self.head = row.hash.as_slice().try_into().ok();
    }

    /// Goes on behind an entry of which nothing is known.
    pub(super) fn lose(&mut self) {
        self.head = None;
    }

    /// I16: the wallet's row has the end of the chain. I18: and is not older.
    pub(super) fn check(&self, row: &wallets::Model, faults: &mut Faults) {
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
        let last_time = Timestamp::from_micros(row.last_time);
        faults.unless(last_time >= self.record_time, at, || {
            format!("I18: the wallet was last written at {last_time}, its last entry at {}", self.record_time)
        });
    }
}
