//! Reservations: holds of credits for one job, and everything a job's life leaves behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::amount::Amounts;
use crate::catalog::{Policies, PriceLine};
use crate::fingerprint::Fingerprint;
use crate::grant::GrantKey;
use crate::ids::{Actor, ReservationId, UnitId, WorkerId};
use crate::operation::Operation;
use crate::posting::Account;
use crate::source::Source;
use crate::time::Timestamp;

/// No hold lives longer than this after Reserve, however often it is extended.
pub const MAX_HOLD: Duration = Duration::from_secs(24 * 3600);
/// How far Extend moves the deadline where neither the caller nor Start named a lease.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(60);
/// How long after its expiry a hold can still be settled.
pub const LATE_SETTLE: Duration = Duration::from_secs(72 * 3600);
/// No reservation finishes later than this after Reserve: it expires within the one, and is settled late within the
/// other.
pub const LONGEST_LIFE: Duration = MAX_HOLD.saturating_add(LATE_SETTLE);

/// The state of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// Credits are set aside.
    Held = 1,
    /// A worker has started.
    Processing = 2,
    /// Charged.
    Settled = 3,
    /// The job failed.
    Failed = 4,
    /// Stopped before it finished.
    Cancelled = 5,
    /// The deadline passed.
    Expired = 6,
}

impl State {
    /// All states.
    pub const ALL: [State; 6] =
        [State::Held, State::Processing, State::Settled, State::Failed, State::Cancelled, State::Expired];

    /// Whether credits are set aside.
    pub const fn is_open(self) -> bool {
        matches!(self, State::Held | State::Processing)
    }

    /// The stable name: `PROCESSING`.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Held => "HELD",
            State::Processing => "PROCESSING",
            State::Settled => "SETTLED",
            State::Failed => "FAILED",
            State::Cancelled => "CANCELLED",
            State::Expired => "EXPIRED",
        }
    }
}

/// Why a reservation is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancelReason {
    /// The user changed their mind: the price rule's fee applies.
    User,
    /// The platform stopped the job: no fee.
    Platform,
}

/// Why a job failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The platform's own code.
    pub code: String,
    /// For people.
    pub message: String,
}

/// What fixed a reservation's price, so that usage can be priced the same way at Settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The catalog's version.
    pub catalog_version: i64,
    /// The rule that matched.
    pub rule_id: String,
    /// The tier it was priced for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
}

/// What was agreed at Reserve. Never changes; written once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// What is generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// What was set aside.
    pub amounts: Amounts,
    /// The most that may be charged; never below `amounts`.
    pub max_amounts: Amounts,
    /// How the price came about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<PriceLine>,
    /// What priced it; absent for explicit amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// Lease, overage and fees.
    pub policies: Policies,
    /// The member who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The caller's own words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What a reservation took from one grant, and what became of it: a line of the receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The grant, or the wallet's debt.
    #[serde(rename = "a")]
    pub account: Account,
    /// The grant's source; none for debt.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The unit.
    #[serde(rename = "u")]
    pub unit: UnitId,
    /// Set aside at Reserve.
    #[serde(rename = "h", default, skip_serializing_if = "is_zero")]
    pub held: i64,
    /// Consumed.
    #[serde(rename = "c", default, skip_serializing_if = "is_zero")]
    pub charged: i64,
    /// Went back, to this grant or to `grace`.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub returned: i64,
    /// Went back and was lost with the grant.
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    pub lapsed: i64,
    /// What of `charged` was given back later, as goodwill.
    #[serde(rename = "v", default, skip_serializing_if = "is_zero")]
    pub reversed: i64,
    /// The grace grant that took what went back.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<GrantKey>,
}

impl Allocation {
    /// What is held and of which nothing has become yet.
    pub(crate) fn rest(&self) -> i64 {
        (self.held - self.charged - self.returned - self.lapsed).max(0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// How a reservation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// When; for an expiry the deadline.
    pub time: Timestamp,
    /// The entry that recorded it; filled in when the decision is applied.
    pub revision: i64,
    /// What the finalizer said; empty for an expiry.
    pub fingerprint: Fingerprint,
    /// The sums.
    pub bill: Bill,
}

/// The sums of a finished reservation, per unit, and what was said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bill {
    /// Consumed, fees included.
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub charged: Amounts,
    /// The part of `charged` that is a fee.
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub fees: Amounts,
    /// What of `charged` was given back later, as goodwill.
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub reversed: Amounts,
    /// Went back to be spent again.
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub returned: Amounts,
    /// Went back and was lost.
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub lapsed: Amounts,
    /// What the job cost beyond what could be charged.
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub uncollected: Amounts,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<CancelReason>,
    /// Whether it was settled after its hold had expired.
    pub late: bool,
}

/// A hold of credits for one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Reservation {
    /// The caller's job id.
    pub id: ReservationId,
    /// Where it stands.
    pub state: State,
    /// What was agreed.
    pub terms: Arc<Terms>,
    /// What Reserve said.
    pub fingerprint: Fingerprint,
    /// When it was reserved.
    pub reserve_time: Timestamp,
    /// The entry that recorded it; filled in when the decision is applied.
    pub reserve_revision: i64,
    /// When a worker first started.
    pub start_time: Option<Timestamp>,
    /// When the hold lapses by itself.
    pub deadline: Timestamp,
    /// Never later than the deadline of an open hold: what the index of due holds is made of. Extend leaves it
    /// alone, so that a heartbeat touches no index.
    pub sweep_at: Timestamp,
    /// The running attempt; 0 before Start.
    pub attempt: i32,
    /// Who runs it.
    pub worker: Option<WorkerId>,
    /// How far Extend moves the deadline.
    pub lease: Option<Duration>,
    /// What it took from which grants.
    pub allocations: Vec<Allocation>,
    /// How it ended.
    pub finish: Option<Finish>,
}

impl Reservation {
    /// Whether credits are set aside and the deadline has passed.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state.is_open() && self.deadline <= now
    }

    /// No deadline lies beyond this instant.
    pub fn last_deadline(&self) -> Timestamp {
        self.reserve_time.plus(MAX_HOLD)
    }
}
