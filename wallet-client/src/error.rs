//! What can go wrong, sorted by the only question that matters to a caller: did it happen?

use std::error::Error as _;
use std::time::Duration;

use tonic::{Code, ConnectError, Status};
use tonic_types::StatusExt;

use crate::Refusal;
use crate::v1::{ErrorReason, Reservation, ReservationState};

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server looked at it and said no. Nothing happened, and asking again would not help.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The job was reserved before by an equal call and has ended since; `state` says how. It must not run again.
    #[error("job {} has ended: {}", .0.reservation_id, .0.state().as_str_name())]
    Ended(Box<Reservation>),
    /// It certainly did not happen, and could not for now: overload, rate limit, no database, no connection.
    /// It was tried as often as the [`RetryPolicy`](crate::RetryPolicy) allows.
    #[error("unavailable, not executed: {}", status.message())]
    Unavailable {
        /// The server's reason; `Unspecified` if no server was reached.
        reason: ErrorReason,
        /// When the server asked to be tried again.
        retry_after: Option<Duration>,
        /// The last answer.
        status: Box<Status>,
    },
    /// It may have happened: the answer got lost. The same call with the same ids tells.
    #[error("outcome unknown, the same call with the same ids tells: {}", status.message())]
    OutcomeUnknown {
        /// When the server asked to be tried again.
        retry_after: Option<Duration>,
        /// The last answer.
        status: Box<Status>,
    },
    /// An answer that the wallet does not give: a fault in the server, a proxy, or not a wallet at all.
    #[error("unexpected answer {:?}: {}", .0.code(), .0.message())]
    Unexpected(Box<Status>),
    /// Nobody answered when connecting.
    #[error("cannot connect")]
    Connect(#[source] tonic::transport::Error),
    /// The configuration cannot work. Nothing was sent.
    #[error("configuration: {0}")]
    Config(String),
}

impl Error {
    /// The wallet's reason, if it gave one. `Unspecified` is one that this version of the client does not know.
    pub fn reason(&self) -> Option<ErrorReason> {
        match self {
            Self::Refused(refusal) => Some(refusal.reason),
            Self::Ended(reservation) => reason_of_end(reservation.state()),
            Self::Unavailable { reason, .. } if *reason != ErrorReason::Unspecified => Some(*reason),
            _ => None,
        }
    }

    /// All that the server said about a refusal.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the same call with the same ids may yet succeed. The client has done that already, within its budget.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::OutcomeUnknown { .. })
    }

    /// Whether it may have happened in spite of the error.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown { .. })
    }

    /// When the server asked to be tried again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } | Self::OutcomeUnknown { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn no_answer(limit: Duration) -> Self {
        let status = Status::deadline_exceeded(format!("no answer within {limit:?}"));
        Self::OutcomeUnknown { retry_after: None, status: Box::new(status) }
    }

    pub(crate) fn incomplete(what: &str) -> Self {
        Self::Unexpected(Box::new(Status::internal(format!("answered OK, without {what}"))))
    }

    pub(crate) fn into_outcome_unknown(self) -> Self {
        match self {
            Self::Unavailable { retry_after, status, .. } => Self::OutcomeUnknown { retry_after, status },
            other => other,
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let refusal = Refusal::parse(&status, &details);
        let reason = refusal.as_ref().map_or(ErrorReason::Unspecified, |r| r.reason);
        match (status.code(), reason) {
            (
                _,
                ErrorReason::Overloaded
                | ErrorReason::StoreUnavailable
                | ErrorReason::ReplicaBehind
                | ErrorReason::RateLimited
                | ErrorReason::ClockInDoubt
                | ErrorReason::DeadlinePassed,
            ) => Self::Unavailable { reason, retry_after, status: Box::new(status) },
            (Code::Unavailable, _) if never_connected(&status) => {
                Self::Unavailable { reason, retry_after, status: Box::new(status) }
            }
            // A deadline of ours surfaces as Cancelled, and so does a connection's on the other side.
            (Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded, _) => {
                Self::OutcomeUnknown { retry_after, status: Box::new(status) }
            }
            // What came from a server has no source: this is a connection that broke under the call.
            _ if status.source().is_some() => Self::OutcomeUnknown { retry_after, status: Box::new(status) },
            _ => match refusal {
                Some(refusal) => Self::Refused(Box::new(refusal)),
                None => Self::Unexpected(Box::new(status)),
            },
        }
    }
}

/// The reason with which a job that ended like this is refused; `None` if it has not ended.
pub(crate) fn reason_of_end(state: ReservationState) -> Option<ErrorReason> {
    match state {
        ReservationState::Settled => Some(ErrorReason::ReservationSettled),
        ReservationState::Failed => Some(ErrorReason::ReservationFailed),
        ReservationState::Cancelled => Some(ErrorReason::ReservationCancelled),
        ReservationState::Expired => Some(ErrorReason::ReservationExpired),
        ReservationState::Held | ReservationState::Processing | ReservationState::Unspecified => None,
    }
}

fn never_connected(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn said(code: Code, reason: &str, retry_after: Option<Duration>) -> Error {
        let mut details = ErrorDetails::with_error_info(reason, "wallet.v1", HashMap::new());
        if retry_after.is_some() {
            details.set_retry_info(retry_after);
        }
        Status::with_error_details(code, "said so", details).into()
    }

    fn sorted(error: &Error) -> &'static str {
        match error {
            Error::Refused(_) | Error::Ended(_) => "refused",
            Error::Unavailable { .. } => "unavailable",
            Error::OutcomeUnknown { .. } => "unknown",
            Error::Unexpected(_) => "unexpected",
            Error::Connect(_) | Error::Config(_) => "never sent",
        }
    }

    #[test]
    fn each_code_and_reason_is_tried_again_or_not() {
        let rows = [
            (Code::Unavailable, "OVERLOADED", "unavailable"),
            (Code::Unavailable, "STORE_UNAVAILABLE", "unavailable"),
            (Code::Unavailable, "REPLICA_BEHIND", "unavailable"),
            (Code::Unavailable, "CLOCK_IN_DOUBT", "unavailable"),
            (Code::Unavailable, "OUTCOME_UNKNOWN", "unknown"),
            (Code::Unavailable, "OF_A_LATER_VERSION", "unknown"),
            (Code::ResourceExhausted, "RATE_LIMITED", "unavailable"),
            (Code::ResourceExhausted, "CONCURRENCY_LIMIT", "refused"),
            (Code::DeadlineExceeded, "DEADLINE_PASSED", "unavailable"),
            (Code::Aborted, "QUOTE_EXPIRED", "refused"),
            (Code::Aborted, "PRICE_ABOVE_LIMIT", "refused"),
            (Code::Aborted, "STALE_ATTEMPT", "refused"),
            (Code::FailedPrecondition, "INSUFFICIENT_CREDITS", "refused"),
            (Code::FailedPrecondition, "RESERVATION_EXPIRED", "refused"),
            (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH", "refused"),
            (Code::InvalidArgument, "INVALID_FIELD", "refused"),
            (Code::NotFound, "WALLET_NOT_FOUND", "refused"),
            (Code::FailedPrecondition, "OF_A_LATER_VERSION", "refused"),
        ];
        for (code, reason, expected) in rows {
            let error = said(code, reason, None);
            assert_eq!(sorted(&error), expected, "{code:?} {reason}");
            assert_eq!(
                error.is_retryable(),
                matches!(expected, "unavailable" | "unknown"),
                "{code:?} {reason}"
            );
        }
    }

    #[test]
    fn an_answer_without_a_reason_of_ours_is_sorted_by_its_code() {
        let rows = [
            (Code::Unavailable, "unknown"),
            (Code::Cancelled, "unknown"),
            (Code::DeadlineExceeded, "unknown"),
            (Code::Internal, "unexpected"),
            (Code::Unknown, "unexpected"),
            (Code::Unimplemented, "unexpected"),
            (Code::Unauthenticated, "unexpected"),
            (Code::PermissionDenied, "unexpected"),
            (Code::ResourceExhausted, "unexpected"),
            (Code::Aborted, "unexpected"),
        ];
        for (code, expected) in rows {
            assert_eq!(sorted(&Status::new(code, "bare").into()), expected, "{code:?}");
        }
        let foreign = ErrorDetails::with_error_info("OVERLOADED", "elsewhere.v1", HashMap::new());
        let foreign = Status::with_error_details(Code::Aborted, "not ours", foreign);
        assert_eq!(sorted(&foreign.into()), "unexpected");
    }

    #[test]
    fn a_broken_connection_is_unknown_and_one_that_never_was_is_not() {
        let broken = Status::from_error("connection reset".into());
        assert_eq!((broken.code(), sorted(&broken.into())), (Code::Unknown, "unknown"));
        let refused = Status::from_error(Box::new(ConnectError("connection refused".into())));
        assert_eq!((refused.code(), sorted(&refused.into())), (Code::Unavailable, "unavailable"));
    }

    #[test]
    fn the_delay_that_the_server_asks_for_is_kept() {
        let delay = Duration::from_millis(250);
        let error = said(Code::Unavailable, "OVERLOADED", Some(delay));
        assert_eq!(error.retry_after(), Some(delay));
        assert_eq!(error.reason(), Some(ErrorReason::Overloaded));
    }
}
