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
    /// How many writes had no entry, by the last one that was read.
    silent: i64,
}

/// What the open holds leave room for: writes that no entry tells of.
#[derive(Debug, Default)]
pub(super) struct Heartbeats {
    /// The last deadline of an open hold.
    pub(super) deadline: Option<Timestamp>,
    /// By how many microseconds all open holds were extended, each heartbeat by one at least.
    pub(super) extended: i128,
}

/// Freezing and thawing a wallet are writes without an entry as well, and rare.
const FREEZES: i128 = 16;

impl Chain {
    /// Before the first entry.
    pub(super) fn new(wallet: WalletKey) -> Self {
        let (record_time, effective_time) = (Timestamp::EPOCH, Timestamp::EPOCH);
        let head = Some(genesis(wallet));
        Self { revision: 0, head, record_time, effective_time, begin: None, silent: 0 }
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
        let silent = entry.facts.silent;
        faults.unless(silent >= self.silent, at, || {
            format!("I16: counts {silent} writes without an entry, the entry before {}", self.silent)
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

    /// Goes on behind an entry that says something that is not understood.
    pub(super) fn skip(&mut self, row: &entries::Model) {
        self.revision = row.revision;
        self.head = row.hash.as_slice().try_into().ok();
        self.record_time = self.record_time.max(Timestamp::from_micros(row.record_time));
    }

    /// When the last entry took effect.
    pub(super) const fn effective_time(&self) -> Timestamp {
        self.effective_time
    }

    /// Goes on behind an entry of which nothing is known.
    pub(super) fn lose(&mut self) {
        self.head = None;
    }

    /// I16: the wallet's row has the end of the chain. I18: and is not older. Only heartbeats are written without an
    /// entry, each before the deadline of a hold that is still open.
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
                "I16: the wallet has version {}: {silent} writes had no entry, {least} to {most} by its entries and holds",
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
                "I18: the wallet was last written at {last_time}, by its entries and holds not after {latest}"
            )
        });
    }
}
