//! The result of deciding a command.

use crate::decide::decision::Decision;
use crate::value::ids::ReservationId;
use crate::wallet::reservation::Reservation;

/// The result of deciding a command: a decision, or none if it was carried out before, and the subject of the reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<S> {
    /// The decision; none for a replay.
    pub decision: Option<Decision>,
    /// The name of the object that the reply shows.
    pub subject: S,
    /// True if an equal command was carried out before.
    pub replayed: bool,
}

impl<S> Verdict<S> {
    /// Returns a verdict with this decision and subject.
    pub(crate) const fn new(decision: Decision, subject: S) -> Self {
        Self { decision: Some(decision), subject, replayed: false }
    }

    /// Returns a verdict on a command that was carried out before. The reply shows the object as it is now.
    pub(crate) const fn replay(subject: S) -> Self {
        Self { decision: None, subject, replayed: true }
    }

    /// Returns a verdict on a command that changes nothing, although it was not carried out before.
    pub(crate) const fn unchanged(subject: S) -> Self {
        Self { decision: None, subject, replayed: false }
    }
}

impl Verdict<ReservationId> {
    /// Returns a verdict that stores this reservation and replies with it.
    pub(crate) fn reservation(mut decision: Decision, reservation: Reservation) -> Self {
        let subject = reservation.id.clone();
        decision.reservation = Some(reservation);
        Self::new(decision, subject)
    }
}
