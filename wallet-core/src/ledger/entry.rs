//! Entries: the immutable ledger of one wallet, each line chained to the one before by its hash.
//!
//! Owns the canonical bytes of an entry. They never change for a given format; golden vectors guard them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ledger::canonical::Canonical;
use crate::ledger::event::Event;
use crate::ledger::posting::{Account, Posting};
use crate::ledger::row_digests::RowDigests;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{Actor, RequestId, ReservationId, UnitId};
use crate::value::key::WalletKey;
use crate::value::time::Timestamp;

/// The format of the canonical bytes below.
pub const FORMAT: i16 = 1;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// What an entry records. The numbers are stored and hashed: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// The wallet was made.
    WalletCreated = 1,
    /// Status, name or debt limit changed.
    WalletUpdated = 2,
    /// Credits were bought.
    ToppedUp = 3,
    /// Credits were given.
    Granted = 4,
    /// A grant came into effect.
    GrantEffective = 5,
    /// What was left of a grant lapsed.
    GrantExpired = 6,
    /// A grant was taken back.
    GrantRevoked = 7,
    /// Credits were set aside for a job.
    Reserved = 8,
    /// A worker started the job.
    Started = 9,
    /// The job was charged.
    Settled = 10,
    /// The job failed.
    Failed = 11,
    /// The job was cancelled.
    Cancelled = 12,
    /// The hold's deadline passed.
    HoldExpired = 13,
    /// The job was charged after its hold had expired.
    SettledLate = 14,
    /// A subscription began.
    Subscribed = 15,
    /// Something else is sold from now on, or will be at the end of the period.
    PlanChanged = 16,
    /// The subscription will end, or has.
    SubscriptionCancelled = 17,
    /// The subscription goes on after all.
    SubscriptionResumed = 18,
    /// A period was paid.
    PaymentRecorded = 19,
    /// A new period began and gave its allowances.
    PeriodBegan = 20,
    /// An allowance was given within a period.
    AllowanceGiven = 21,
    /// A period ended and the next was not paid.
    PaymentMissed = 22,
    /// The subscription ended.
    SubscriptionEnded = 23,
    /// A purchase goes back for the money.
    TopUpRefunded = 24,
    /// A payment was charged back.
    ChargedBack = 25,
    /// What a job was charged was given back.
    ChargeReversed = 26,
    /// A subscription ended, and a share of its price goes back.
    SubscriptionRefunded = 27,
    /// What is left of a grant lapses in a few days; its id is the reason.
    GrantExpiring = 40,
}

impl EntryKind {
    /// All kinds.
    pub const ALL: [EntryKind; 28] = [
        EntryKind::WalletCreated,
        EntryKind::WalletUpdated,
        EntryKind::ToppedUp,
        EntryKind::Granted,
        EntryKind::GrantEffective,
        EntryKind::GrantExpired,
        EntryKind::GrantRevoked,
        EntryKind::Reserved,
        EntryKind::Started,
        EntryKind::Settled,
        EntryKind::Failed,
        EntryKind::Cancelled,
        EntryKind::HoldExpired,
        EntryKind::SettledLate,
        EntryKind::Subscribed,
        EntryKind::PlanChanged,
        EntryKind::SubscriptionCancelled,
        EntryKind::SubscriptionResumed,
        EntryKind::PaymentRecorded,
        EntryKind::PeriodBegan,
        EntryKind::AllowanceGiven,
        EntryKind::PaymentMissed,
        EntryKind::SubscriptionEnded,
        EntryKind::TopUpRefunded,
        EntryKind::ChargedBack,
        EntryKind::ChargeReversed,
        EntryKind::SubscriptionRefunded,
        EntryKind::GrantExpiring,
    ];
}

/// What the wallet had of one unit after an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryBalance {
    /// The unit.
    #[serde(rename = "u")]
    pub unit: UnitId,
    /// Can be reserved.
    #[serde(rename = "a")]
    pub available: i64,
    /// Set aside.
    #[serde(rename = "h")]
    pub held: i64,
    /// Owed.
    #[serde(rename = "d")]
    pub debt: i64,
}

/// One line of a wallet's ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 1, 2, 3... within the wallet.
    pub revision: i64,
    /// What it records.
    pub kind: EntryKind,
    /// When it took effect.
    pub effective_time: Timestamp,
    /// When it was written.
    pub record_time: Timestamp,
    /// The reservation it is about.
    pub reservation: Option<ReservationId>,
    /// The idempotency key of a command that made no row of its own.
    pub request: Option<RequestId>,
    /// What that command said; empty without a request.
    pub fingerprint: Fingerprint,
    /// The member who acted.
    pub actor: Option<Actor>,
    /// The reason that the platform gave.
    pub reason: String,
    /// What it says of rows besides what moved.
    pub row_digests: RowDigests,
    /// What moved.
    pub postings: Vec<Posting>,
    /// The units that moved, as they were afterwards.
    pub balances: Vec<EntryBalance>,
    /// What people are told because of it.
    pub events: Vec<Event>,
    /// [`Entry::hash_after`] the entry before.
    pub hash: Hash,
}

/// What the first entry of a wallet is chained to: the wallet itself, so that entries fit into no other.
pub fn genesis(wallet: WalletKey) -> Hash {
    let mut bytes = Canonical::new("credit-wallet");
    bytes.bytes(wallet.uuid().as_bytes());
    Sha256::digest(bytes.into_bytes()).into()
}

impl Entry {
    /// The hash of this entry behind the entry whose hash is `previous`. Ignores [`Entry::hash`] itself.
    pub fn hash_after(&self, previous: &Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(previous);
        hasher.update(FORMAT.to_be_bytes());
        hasher.update(self.canonical());
        hasher.finalize().into()
    }

    /// Behind everything else, and only where there are any.
    fn canonical_events(&self, out: &mut Canonical) {
        out.count(self.events.len());
        for event in &self.events {
            out.int(i64::from(event.kind as u8));
            out.text(event.unit.as_str());
            out.int(event.available);
            out.int(event.threshold);
            out.text(&event.grant.as_ref().map(ToString::to_string).unwrap_or_default());
            out.int(event.expire_time.as_micros());
        }
    }

    fn canonical(&self) -> Vec<u8> {
        let mut out = Canonical::new("entry");
        out.int(self.revision);
        out.int(i64::from(self.kind as u8));
        out.int(self.effective_time.as_micros());
        out.int(self.record_time.as_micros());
        out.text(self.reservation.as_ref().map_or("", |id| id.as_str()));
        out.text(self.request.as_ref().map_or("", |id| id.as_str()));
        out.text(&self.fingerprint.to_string());
        out.text(self.actor.as_ref().map_or("", |id| id.as_str()));
        out.text(&self.reason);
        out.text(&self.row_digests.to_string());
        out.count(self.postings.len());
        for posting in &self.postings {
            out.text(posting.unit.as_str());
            match &posting.account {
                Account::Grant(key) => out.text(&key.to_string()),
                Account::Debt => out.text(""),
            }
            out.int(i64::from(posting.from as u8));
            out.int(i64::from(posting.to as u8));
            out.int(posting.amount);
        }
        out.count(self.balances.len());
        for balance in &self.balances {
            out.text(balance.unit.as_str());
            out.int(balance.available);
            out.int(balance.held);
            out.int(balance.debt);
        }
        if !self.events.is_empty() {
            self.canonical_events(&mut out);
        }
        out.into_bytes()
    }
}
