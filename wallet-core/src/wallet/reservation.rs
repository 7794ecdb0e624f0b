//! Reservations: holds of credits for one job, and the record of the job afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalog::{MAX_HOLD, Policies, PriceLine};
use crate::ledger::posting::Account;
use crate::value::amount::{Amounts, MAX_AMOUNT};
use crate::value::decimal::Decimal;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{Actor, ReservationId, UnitId, WorkerId};
use crate::value::operation::Operation;
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::grant::GrantKey;

/// The lease of an Extend where neither the caller nor Start named one.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(60);
/// The time after its expiry within which a hold can still be settled.
pub const LATE_SETTLE: Duration = Duration::from_secs(72 * 3600);
/// The most grants from which a job takes credits, and the most that its returned credits make: [`GrantKey::n`] numbers
/// them.
pub const MAX_GRANTS_PER_JOB: usize = 1 << u16::BITS;
/// The longest time from Reserve to the end of a reservation: it expires within [`MAX_HOLD`], and is settled late
/// within [`LATE_SETTLE`] after that.
pub const LONGEST_LIFE: Duration = MAX_HOLD.saturating_add(LATE_SETTLE);

/// The state of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// Credits are held for the job.
    Held = 1,
    /// A worker has started.
    Processing = 2,
    Settled = 3,
    /// The job failed.
    Failed = 4,
    /// The job was cancelled.
    Cancelled = 5,
    /// The deadline of the hold passed.
    Expired = 6,
}

impl State {
    pub const ALL: [State; 6] =
        [State::Held, State::Processing, State::Settled, State::Failed, State::Cancelled, State::Expired];

    /// Returns whether credits are held.
    pub const fn is_open(self) -> bool {
        matches!(self, State::Held | State::Processing)
    }

    /// Returns the stable name, for example `PROCESSING`.
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

/// The reason of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancelReason {
    /// The user asked for it: the fee of the price rule applies.
    User,
    /// The platform stopped the job: there is no fee.
    Platform,
}

/// The failure of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The platform's own code.
    pub code: String,
    /// A text for people.
    pub message: String,
}

/// The origin of a reservation's price, so that Settle prices usage in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The version of the catalog.
    pub catalog_version: i64,
    /// The rule that matched.
    pub rule_id: String,
    /// The tier for which it was priced.
    pub tier: Option<String>,
}

/// The terms agreed at Reserve. They never change, and are written once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub operation: Option<Operation>,
    /// The amounts held.
    pub amounts: Amounts,
    /// The most that may be charged; never below `amounts`.
    pub max_amounts: Amounts,
    /// True if any amount may be charged in the units that `max_amounts` does not name.
    pub max_unbounded: bool,
    /// The steps of the price.
    pub lines: Vec<PriceLine>,
    /// The pin of the price; none for explicit amounts.
    pub pin: Option<Pin>,
    /// The policies: lease, overage, fees and grace period.
    pub policies: Policies,
    /// The member who reserved.
    pub actor: Option<Actor>,
    /// The caller's own labels.
    pub labels: BTreeMap<String, String>,
}

/// The part of a hold that one grant or the debt carries: a line of the receipt. Amounts are in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The grant, or the wallet's debt.
    pub account: Account,
    /// The source of the grant; none for debt.
    pub source: Option<Source>,
    pub unit: UnitId,
    /// Held at Reserve.
    pub held: i64,
    pub charged: i64,
    /// Returned, to this grant or to `grace`.
    pub returned: i64,
    /// Expired or revoked with the grant on its return.
    pub forfeited: i64,
    /// The part of `charged` that was reversed later.
    pub reversed: i64,
    /// The grace grant that received the returned credits.
    pub grace: Option<GrantKey>,
}

impl Allocation {
    /// Returns the allocation of an account at first: nothing is charged or returned.
    pub(crate) fn of(account: Account, source: Option<Source>, unit: &UnitId, held: i64) -> Self {
        Self {
            account,
            source,
            unit: unit.clone(),
            held,
            charged: 0,
            returned: 0,
            forfeited: 0,
            reversed: 0,
            grace: None,
        }
    }

    /// Returns the amount that is still held.
    pub(crate) fn rest(&self) -> i64 {
        (self.held - self.charged - self.returned - self.forfeited).max(0)
    }
}

/// The end of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The time of the end; the deadline for an expiry.
    pub time: Timestamp,
    /// The revision of its entry, which is known once the decision is carried out.
    pub revision: i64,
    /// The fingerprint of the command that ended it; empty for an expiry.
    pub fingerprint: Fingerprint,
    pub bill: Bill,
}

/// The sums of a finished reservation, per unit, and the reason of its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// Charged, fees included.
    pub charged: Amounts,
    /// The part of `charged` that is a fee.
    pub fees: Amounts,
    /// The part of `charged` that was reversed later.
    pub reversed: Amounts,
    /// Returned, to be spent again.
    pub returned: Amounts,
    /// Expired or revoked on its return.
    pub forfeited: Amounts,
    /// The cost of the job that could not be charged.
    pub uncollected: Amounts,
    /// The failure, if the job failed.
    pub failure: Option<Failure>,
    /// The reason, if the job was cancelled.
    pub cancel_reason: Option<CancelReason>,
    /// True if the job was settled after its hold had expired.
    pub late: bool,
    /// The usage, if the job was settled by quantities other than the reserved ones.
    pub usage: Option<Usage>,
}

/// The quantities with which a job was settled, and their price.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The quantities that differ from those of the operation.
    pub quantities: BTreeMap<String, Decimal>,
    /// The lines of their price. Those of a unit add up to what the job cost: charged and uncollected.
    pub lines: Vec<PriceLine>,
}

/// A hold of credits for one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Reservation {
    /// The id that the caller chose for the job.
    pub id: ReservationId,
    pub state: State,
    pub terms: Arc<Terms>,
    /// The fingerprint of the Reserve.
    pub fingerprint: Fingerprint,
    /// The time of the Reserve.
    pub reserve_time: Timestamp,
    /// The revision of its entry, which is known once the decision is carried out.
    pub reserve_revision: i64,
    /// The time of the first Start.
    pub start_time: Option<Timestamp>,
    /// The instant at which the hold expires.
    pub deadline: Timestamp,
    /// The time at which the index of due holds lists an open hold, never later than its deadline. Extend does not
    /// change it, so that a heartbeat changes no index.
    pub sweep_at: Timestamp,
    /// The running attempt; 0 before Start.
    pub attempt: i32,
    /// The worker that runs it.
    pub worker: Option<WorkerId>,
    /// The time by which Extend moves the deadline.
    pub lease: Option<Duration>,
    /// The lines of the receipt.
    pub allocations: Vec<Allocation>,
    pub finish: Option<Finish>,
}

impl Terms {
    /// Returns the most that may be charged in a unit.
    pub fn most(&self, unit: &str) -> i64 {
        match self.max_unbounded && !self.max_amounts.names(unit) {
            true => MAX_AMOUNT,
            false => self.max_amounts.get(unit).max(self.amounts.get(unit)),
        }
    }
}

impl Reservation {
    /// Returns whether the hold is open and its deadline has passed.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state.is_open() && self.deadline <= now
    }

    /// Returns the revision of the entry that made the reservation: of its Reserve, or of the Cancel for a tombstone.
    pub fn first_revision(&self) -> i64 {
        match &self.finish {
            Some(finish) if self.reserve_revision == 0 => finish.revision,
            _ => self.reserve_revision,
        }
    }

    /// Returns the latest instant that the deadline can have.
    pub fn last_deadline(&self) -> Timestamp {
        self.reserve_time.plus(self.terms.policies.max_hold)
    }
}
