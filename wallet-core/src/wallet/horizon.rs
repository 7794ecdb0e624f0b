//! How far the due events of a wallet are known.

use crate::value::ids::ReservationId;
use crate::value::time::Timestamp;

/// The last, by `sweep_at` and id, of the holds that were loaded because they may be due, if not all were loaded.
///
/// No hold is due before its `sweep_at`. So all events up to the expiry of this hold at its `sweep_at` are known, and
/// later ones may be missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Horizon {
    /// The time by which the sweeper finds the hold.
    pub sweep_at: Timestamp,
    /// The id of the hold.
    pub id: ReservationId,
}
