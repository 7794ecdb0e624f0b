//! Entries: the immutable ledger of one wallet, in which each entry is chained to the previous one by its hash.
//!
//! Owns the canonical bytes of an entry. They never change for a given format; golden vectors guard them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ledger::canonical::Canonical;
use crate::ledger::event::{AutoTopUpEvent, Event};
use crate::ledger::in_feed::InFeed;
use crate::ledger::posting::Posting;
use crate::ledger::row_digests::RowDigests;
use crate::value::author::Author;
use crate::value::binary;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{Actor, RequestId, ReservationId, UnitId};
use crate::value::key::WalletKey;
use crate::value::time::Timestamp;

/// The format of the canonical bytes of an entry.
pub const FORMAT: i16 = 1;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The kind of an entry. The numbers are stored and hashed: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// The wallet was created.
    WalletCreated = 1,
    /// The status, the name, a debt limit or a threshold changed.
    WalletUpdated = 2,
    /// Credits were bought.
    ToppedUp = 3,
    /// Credits were granted.
    Granted = 4,
    /// A grant came into effect.
    GrantEffective = 5,
    /// The rest of a grant expired.
    GrantExpired = 6,
    /// A grant was revoked.
    GrantRevoked = 7,
    /// Credits were held for a job.
    Reserved = 8,
    /// A worker started the job.
    Started = 9,
    /// The job was charged.
    Settled = 10,
    /// The job failed.
    Failed = 11,
    /// The job was cancelled.
    Cancelled = 12,
    /// The deadline of a hold passed.
    HoldExpired = 13,
    /// The job was charged after its hold had expired.
    SettledLate = 14,
    /// A subscription began.
    Subscribed = 15,
    /// The plan changed, or will at the end of the period.
    PlanChanged = 16,
    /// The subscription was cancelled: it has ended, or will at the end of the period.
    SubscriptionCancelled = 17,
    /// The cancellation or the pause of the subscription was withdrawn, or its pause was ended.
    SubscriptionResumed = 18,
    /// A period was paid.
    PaymentRecorded = 19,
    /// A new period began, with its allowances.
    PeriodBegan = 20,
    /// An allowance was granted within a period.
    AllowanceGiven = 21,
    /// A period ended and the next was not paid.
    PaymentMissed = 22,
    /// The subscription ended.
    SubscriptionEnded = 23,
    /// A purchase was refunded.
    TopUpRefunded = 24,
    /// A payment was charged back.
    ChargedBack = 25,
    /// A charge, or a part of it, was reversed.
    ChargeReversed = 26,
    /// A subscription ended, and its price or a share of it was refunded.
    SubscriptionRefunded = 27,
    /// A chargeback was withdrawn: the dispute was won.
    ChargebackReversed = 28,
    /// The wallet was closed.
    WalletClosed = 29,
    /// The payment provider has refunded a purchase or a period, or a part of one.
    RefundRecorded = 30,
    /// The subscription was paused: it pauses now, or will at the end of what is paid.
    SubscriptionPaused = 31,
    /// A period ended and the subscription pauses.
    PauseBegan = 32,
    /// The auto top-up was set, or turned off.
    AutoTopUpSet = 33,
    /// The payment of a purchase of the auto top-up was declined.
    AutoTopUpFailed = 34,
    /// The rest of a grant expires in a few days. The reason of the entry is the id of the grant.
    GrantExpiring = 40,
    /// A purchase of the auto top-up that had to wait is due. The reason of the entry is the pack.
    AutoTopUpDue = 41,
}

impl EntryKind {
    pub const ALL: [EntryKind; 36] = [
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
        EntryKind::ChargebackReversed,
        EntryKind::WalletClosed,
        EntryKind::RefundRecorded,
        EntryKind::SubscriptionPaused,
        EntryKind::PauseBegan,
        EntryKind::AutoTopUpSet,
        EntryKind::AutoTopUpFailed,
        EntryKind::GrantExpiring,
        EntryKind::AutoTopUpDue,
    ];
}

/// The balance of one unit after an entry, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryBalance {
    pub unit: UnitId,
    /// The amount that can be reserved.
    pub available: i64,
    /// The amount held.
    pub held: i64,
    /// The amount owed.
    pub debt: i64,
}

/// One entry of a wallet's ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number of the entry within its wallet: 1, 2, 3...
    pub revision: i64,
    pub kind: EntryKind,
    /// The instant at which it took effect.
    pub effective_time: Timestamp,
    /// The instant at which it was written.
    pub record_time: Timestamp,
    /// The reservation that it concerns.
    pub reservation: Option<ReservationId>,
    /// The idempotency key of a command that made no row of its own.
    pub request: Option<RequestId>,
    /// The fingerprint of that command; empty without a request.
    pub fingerprint: Fingerprint,
    /// The member who acted.
    pub actor: Option<Actor>,
    /// The principal that gave the command, and its call. The call is not hashed.
    pub author: Author,
    /// The reason that the platform gave.
    pub reason: String,
    /// The digests of the rows that it changes.
    pub row_digests: RowDigests,
    /// The movements of credits.
    pub postings: Vec<Posting>,
    /// The balances afterwards of the units that moved.
    pub balances: Vec<EntryBalance>,
    /// The notifications that it causes.
    pub events: Vec<Event>,
    /// Those of its items that were recorded in the feed. Not hashed. None until the entry is sealed.
    pub in_feed: InFeed,
    /// [`Entry::hash_after`] the previous entry. Zeros until the entry is sealed by its unit of work.
    pub hash: Hash,
}

/// Returns the hash to which the first entry of a wallet is chained. It depends on the wallet, so that no entry fits
/// into the chain of another one.
pub fn genesis(wallet: WalletKey) -> Hash {
    let mut bytes = Canonical::new("credit-wallet");
    bytes.bytes(wallet.uuid().as_bytes());
    Sha256::digest(bytes.into_bytes()).into()
}

impl Entry {
    /// Returns the hash of this entry after one whose hash is `previous`. Ignores [`Entry::hash`] itself.
    pub fn hash_after(&self, previous: &Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(previous);
        hasher.update(FORMAT.to_be_bytes());
        hasher.update(self.canonical());
        hasher.finalize().into()
    }

    /// Returns the canonical bytes: numbers, texts, and the stored bytes of the parts that have a binary form. The
    /// events and the purchases of the auto top-up that they are about come last; an entry without them has no bytes
    /// for them. The id of the call, which only searches use, and the items in the feed, with which the feed itself is
    /// compared, are left out.
    fn canonical(&self) -> Vec<u8> {
        let mut out = Canonical::new("entry");
        out.int(self.revision);
        out.int(i64::from(self.kind as u8));
        out.int(self.effective_time.as_micros());
        out.int(self.record_time.as_micros());
        out.text(self.reservation.as_ref().map_or("", |id| id.as_str()));
        out.text(self.request.as_ref().map_or("", |id| id.as_str()));
        out.text(self.actor.as_ref().map_or("", |id| id.as_str()));
        out.text(self.author.principal.as_str());
        out.text(&self.reason);
        out.bytes(&binary::encode_sparse(&self.fingerprint));
        out.bytes(&binary::encode_sparse(&self.row_digests));
        out.bytes(&binary::encode_sparse(&self.postings));
        out.bytes(&binary::encode_sparse(&self.balances));
        if !self.events.is_empty() {
            out.bytes(&binary::encode(&self.events));
        }
        let purchases: Vec<&AutoTopUpEvent> =
            self.events.iter().filter_map(|event| event.auto_top_up.as_deref()).collect();
        if !purchases.is_empty() {
            out.bytes(&binary::encode(&purchases));
        }
        out.into_bytes()
    }
}
