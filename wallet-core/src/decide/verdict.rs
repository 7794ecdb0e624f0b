//! The result of deciding a command.

use crate::decide::decision::Decision;
use crate::value::grant_key::GrantKey;
use crate::value::ids::ReservationId;
use crate::wallet::reservation::Reservation;

/// What a command leads to: a decision, or none if it was made before, and what to answer about.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What to do; nothing for a replay.
    pub decision: Option<Decision>,
    /// What the answer shows.
    pub subject: Subject,
    /// Whether an equal command was carried out before.
    pub replayed: bool,
}

/// What an answer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The wallet.
    Wallet,
    /// A reservation.
    Reservation(ReservationId),
    /// Grants.
    Grants(Vec<GrantKey>),
}

impl Verdict {
    /// Do this, then show the subject.
    pub(crate) fn new(decision: Decision, subject: Subject) -> Self {
        Self { decision: Some(decision), subject, replayed: false }
    }

    /// Store this reservation, then show it.
    pub(crate) fn reservation(mut decision: Decision, reservation: Reservation) -> Self {
        let subject = Subject::Reservation(reservation.id.clone());
        decision.reservation = Some(reservation);
        Self::new(decision, subject)
    }

    /// Done before: show it as it is now.
    pub(crate) const fn replay(subject: Subject) -> Self {
        Self { decision: None, subject, replayed: true }
    }

    /// Nothing to do, without its having been done before.
    pub(crate) const fn unchanged(subject: Subject) -> Self {
        Self { decision: None, subject, replayed: false }
    }
}
