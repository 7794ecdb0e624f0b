//! The errors of calls, classified by whether the call took effect.

use std::error::Error as _;
use std::time::Duration;

use tonic::{Code, ConnectError, Status};
use tonic_types::{ErrorDetails, StatusExt};
use wallet_proto::reasons::{DOMAIN, Effect};

use crate::Refusal;
use crate::v1::{ErrorReason, ItemError, Reservation, ReservationState};

/// The error of a call.
///
/// The variants tell whether the call took effect:
///
/// | Variant | Took effect | Retried by the client |
/// |---|---|---|
/// | [`Refused`](Self::Refused), [`Ended`](Self::Ended) | no | no |
/// | [`Unavailable`](Self::Unavailable) | no | yes |
/// | [`OutcomeUnknown`](Self::OutcomeUnknown) | unknown | yes |
/// | [`Unexpected`](Self::Unexpected) | unknown | no |
/// | [`Connect`](Self::Connect), [`Config`](Self::Config) | no, nothing was sent | no |
///
/// # Errors of every call
///
/// Besides the reasons that a method documents, a call can be [`Refused`](Self::Refused) with `INVALID_FIELD` (every invalid
/// field is among the violations), `MALFORMED_MESSAGE` or `MESSAGE_TOO_LARGE`; by a server that authenticates callers, with
/// `KEY_MISSING`, `KEY_MALFORMED`, `KEY_INVALID`, `SCOPE_MISSING`, `TENANT_SUSPENDED`, `WALLET_TOKEN_EXPIRED` or
/// `NOT_FOR_WALLET_TOKEN`; with `WALLET_NOT_FOUND` if the request names a wallet that does not exist; and, if it is a
/// command, with `WALLET_FROZEN` if the wallet is frozen and with `IDEMPOTENCY_MISMATCH` if its id was used before with
/// other content. Every call can fail with the other variants,
/// except `Ended`, which only [`reserve`](crate::WalletClient::reserve) and [`hold`](crate::WalletClient::hold) return.
///
/// # Examples
///
/// ```no_run
/// # use wallet_client::{Error, Hold, RefusalDetail, WalletClient, v1};
/// # async fn example(client: &WalletClient, request: v1::ReserveRequest) -> Result<Option<Hold>, Error> {
/// match client.hold(request, "gpu-7").await {
///     Ok(hold) => Ok(Some(hold)),
///     Err(Error::Refused(refusal)) => {
///         if let Some(RefusalDetail::InsufficientCredits(short)) = &refusal.detail {
///             println!("missing {:?}; packs that cover it: {:?}", short.shortfalls, short.pack_ids);
///         }
///         Ok(None)
///     }
///     Err(Error::Ended(reservation)) => {
///         println!("{} has run before", reservation.reservation_id);
///         Ok(None)
///     }
///     Err(error) => Err(error), // for the queue: deliver the job again
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server decided against the call, and nothing has changed. Repeating the call helps only if the cause is gone.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// An equal Reserve reserved the job before, and the job has ended since; the reservation's state tells how. Do not run
    /// it again.
    #[error("job {} has ended: {}", .0.reservation_id, .0.state().as_str_name())]
    Ended(Box<Reservation>),
    /// The call was not executed: overload, rate limit, no database, no connection. The client has retried as often as the
    /// [`RetryPolicy`](crate::RetryPolicy) allows.
    #[error("unavailable, not executed: {}", status.message())]
    Unavailable {
        /// The server's reason; `Unspecified` if no server was reached.
        reason: ErrorReason,
        /// The delay before another attempt that the server asked for.
        retry_after: Option<Duration>,
        /// The response to the last attempt.
        status: Box<Status>,
    },
    /// The call may have been executed: its response was lost. Repeat the same call with the same ids to learn the outcome.
    #[error("outcome unknown, repeat the call with the same ids to learn it: {}", status.message())]
    OutcomeUnknown {
        /// The delay before another attempt that the server asked for.
        retry_after: Option<Duration>,
        /// The response to the last attempt.
        status: Box<Status>,
    },
    /// A response outside the protocol: a fault in the server, a proxy, or another service at this address.
    #[error("unexpected response {:?}: {}", .0.code(), .0.message())]
    Unexpected(Box<Status>),
    /// No connection was established within the connect timeout.
    #[error("cannot connect")]
    Connect(#[source] tonic::transport::Error),
    /// The configuration is invalid. Nothing was sent.
    #[error("invalid configuration: {0}")]
    Config(String),
}

impl Error {
    /// Returns the server's reason, if it gave one; `Unspecified` if this version of the client does not know it.
    pub fn reason(&self) -> Option<ErrorReason> {
        match self {
            Self::Refused(refusal) => Some(refusal.reason),
            Self::Ended(reservation) => reason_of_end(reservation.state()),
            Self::Unavailable { reason, .. } if *reason != ErrorReason::Unspecified => Some(*reason),
            _ => None,
        }
    }

    /// Returns the refusal, if the server refused the call.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Returns whether the same call with the same ids may still succeed. The client has retried it already, within its
    /// budget.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::OutcomeUnknown { .. })
    }

    /// Returns whether the call may have been executed in spite of the error.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown { .. })
    }

    /// Returns the delay before another attempt that the server asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } | Self::OutcomeUnknown { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn no_answer(limit: Duration) -> Self {
        Self::from(no_response(limit))
    }

    pub(crate) fn incomplete(what: &str) -> Self {
        Self::Unexpected(Box::new(Status::internal(format!("the response lacks {what}"))))
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
        let status = Box::new(status);
        match (reason.spec().map(|spec| spec.effect), refusal) {
            (Some(Effect::Refused), Some(refusal)) => Self::Refused(Box::new(refusal)),
            (Some(Effect::NotExecuted), _) => Self::Unavailable { reason, retry_after, status },
            (Some(Effect::Unknown), _) => Self::OutcomeUnknown { retry_after, status },
            // Without a known reason the code decides.
            (_, refusal) => match status.code() {
                Code::Unavailable if never_connected(&status) => {
                    Self::Unavailable { reason, retry_after, status }
                }
                // tonic reports an expired client deadline as Cancelled, and so does a server that closes the connection.
                Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded => {
                    Self::OutcomeUnknown { retry_after, status }
                }
                // A status from a server has no source: here the connection broke during the call.
                _ if status.source().is_some() => Self::OutcomeUnknown { retry_after, status },
                _ => match refusal {
                    Some(refusal) => Self::Refused(Box::new(refusal)),
                    None => Self::Unexpected(status),
                },
            },
        }
    }
}

/// Converts the error of one item into the error that a call for this item alone would have.
impl From<ItemError> for Error {
    fn from(item: ItemError) -> Self {
        let mut details = ErrorDetails::new();
        if item.reason != 0 {
            // A reason that this version of the client does not know has no name here.
            let known = ErrorReason::try_from(item.reason);
            let name =
                known.map_or_else(|_| format!("REASON_{}", item.reason), |r| r.short_name().to_owned());
            details.set_error_info(name, DOMAIN, item.metadata);
        }
        for violation in item.violations {
            details.add_bad_request_violation(violation.field, violation.description);
        }
        if let Some(delay) = item.retry_delay {
            details.set_retry_info(Duration::try_from(delay).ok());
        }
        let status = Status::with_error_details(Code::from_i32(item.code), item.message, details);
        match item.detail {
            Some(detail) => detail.add_to(&status),
            None => status,
        }
        .into()
    }
}

/// Returns the reason with which a job that ended in this state is refused; `None` if it has not ended.
pub(crate) fn reason_of_end(state: ReservationState) -> Option<ErrorReason> {
    match state {
        ReservationState::Settled => Some(ErrorReason::ReservationSettled),
        ReservationState::Failed => Some(ErrorReason::ReservationFailed),
        ReservationState::Cancelled => Some(ErrorReason::ReservationCancelled),
        ReservationState::Expired => Some(ErrorReason::ReservationExpired),
        ReservationState::Held | ReservationState::Processing | ReservationState::Unspecified => None,
    }
}

/// Returns the status of a call without a response within its limit.
pub(crate) fn no_response(limit: Duration) -> Status {
    Status::deadline_exceeded(format!("no response within {limit:?}"))
}

/// Returns whether an error is that of a connection that was not established.
pub(crate) fn never_connected(status: &Status) -> bool {
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

    use wallet_proto::reasons::REASONS;

    use super::*;

    fn refused(code: Code, reason: &str, retry_after: Option<Duration>) -> Error {
        let mut details = ErrorDetails::with_error_info(reason, "wallet.v1", HashMap::new());
        if retry_after.is_some() {
            details.set_retry_info(retry_after);
        }
        Status::with_error_details(code, "refused", details).into()
    }

    fn class(error: &Error) -> &'static str {
        match error {
            Error::Refused(_) | Error::Ended(_) => "refused",
            Error::Unavailable { .. } => "unavailable",
            Error::OutcomeUnknown { .. } => "unknown",
            Error::Unexpected(_) => "unexpected",
            Error::Connect(_) | Error::Config(_) => "never sent",
        }
    }

    #[test]
    fn each_code_and_reason_is_classified() {
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
            let error = refused(code, reason, None);
            assert_eq!(class(&error), expected, "{code:?} {reason}");
            assert_eq!(
                error.is_retryable(),
                matches!(expected, "unavailable" | "unknown"),
                "{code:?} {reason}"
            );
        }
    }

    #[test]
    fn every_reason_is_classified_by_its_effect() {
        for spec in REASONS {
            let expected = match spec.effect {
                Effect::Refused => "refused",
                Effect::NotExecuted => "unavailable",
                Effect::Unknown => "unknown",
            };
            for code in spec.codes {
                let error = refused(*code, spec.reason.short_name(), None);
                assert_eq!(class(&error), expected, "{code:?} {:?}", spec.reason);
            }
        }
    }

    #[test]
    fn the_error_of_an_item_is_that_of_a_call_for_the_item_alone() {
        let delay = Duration::from_millis(200);
        for spec in REASONS {
            for code in spec.codes {
                let alone = refused(*code, spec.reason.short_name(), Some(delay));
                let item = ItemError {
                    code: (*code).into(),
                    reason: spec.reason.into(),
                    message: "refused".to_owned(),
                    retry_delay: Some(prost_types::Duration::try_from(delay).unwrap()),
                    ..ItemError::default()
                };
                assert_eq!(format!("{:?}", Error::from(item)), format!("{alone:?}"));
            }
        }
        let item = |reason, code: Code| ItemError { reason, code: code.into(), ..ItemError::default() };
        assert_eq!(class(&item(0, Code::Internal).into()), "unexpected");
        assert_eq!(class(&item(9_999, Code::FailedPrecondition).into()), "refused");
        assert_eq!(class(&item(9_999, Code::Unavailable).into()), "unknown");
    }

    #[test]
    fn a_status_without_a_known_reason_is_classified_by_its_code() {
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
            assert_eq!(class(&Status::new(code, "bare").into()), expected, "{code:?}");
        }
        let foreign = ErrorDetails::with_error_info("OVERLOADED", "elsewhere.v1", HashMap::new());
        let foreign = Status::with_error_details(Code::Aborted, "foreign", foreign);
        assert_eq!(class(&foreign.into()), "unexpected");
    }

    #[test]
    fn only_an_established_connection_that_breaks_is_an_unknown_outcome() {
        let broken = Status::from_error("connection reset".into());
        assert_eq!((broken.code(), class(&broken.into())), (Code::Unknown, "unknown"));
        let refused = Status::from_error(Box::new(ConnectError("connection refused".into())));
        assert_eq!((refused.code(), class(&refused.into())), (Code::Unavailable, "unavailable"));
    }

    #[test]
    fn the_delay_that_the_server_asks_for_is_returned() {
        let delay = Duration::from_millis(250);
        let error = refused(Code::Unavailable, "OVERLOADED", Some(delay));
        assert_eq!(error.retry_after(), Some(delay));
        assert_eq!(error.reason(), Some(ErrorReason::Overloaded));
    }
}
