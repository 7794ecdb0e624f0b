//! How far the due events of a wallet are known.

use crate::value::ids::ReservationId;
use crate::value::time::Timestamp;

/// The last, by `sweep_at` and id, of the holds that were loaded because they may be due, if there are more.
///
/// No hold is due before its `sweep_at`. So all events up to the expiry of this hold at its `sweep_at` are known, and
/// none of the later ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Horizon {
    /// The time by which the hold is found.
    pub sweep_at: Timestamp,
    /// The id of the hold.
    pub id: ReservationId,
}
