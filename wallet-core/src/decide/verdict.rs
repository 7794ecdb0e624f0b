//! The result of deciding a command.

use crate::decide::decision::Decision;
use crate::value::grant_key::GrantKey;
use crate::value::ids::ReservationId;
use crate::wallet::reservation::Reservation;

/// The result of deciding a command: a decision, or none if it was carried out before, and the object of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The decision; none for a replay.
    pub decision: Option<Decision>,
    /// The object of the answer.
    pub subject: Subject,
    /// True if an equal command was carried out before.
    pub replayed: bool,
}

/// The object of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Wallet,
    Reservation(ReservationId),
    Grants(Vec<GrantKey>),
}

impl Verdict {
    /// Returns a verdict with this decision and object.
    pub(crate) fn new(decision: Decision, subject: Subject) -> Self {
        Self { decision: Some(decision), subject, replayed: false }
    }

    /// Returns a verdict that stores this reservation and answers with it.
    pub(crate) fn reservation(mut decision: Decision, reservation: Reservation) -> Self {
        let subject = Subject::Reservation(reservation.id.clone());
        decision.reservation = Some(reservation);
        Self::new(decision, subject)
    }

    /// Returns a verdict on a command that was carried out before. The answer shows the object as it is now.
    pub(crate) const fn replay(subject: Subject) -> Self {
        Self { decision: None, subject, replayed: true }
    }

    /// Returns a verdict on a command that changes nothing, although it was not carried out before.
    pub(crate) const fn unchanged(subject: Subject) -> Self {
        Self { decision: None, subject, replayed: false }
    }
}
