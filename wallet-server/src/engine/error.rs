//! The reasons why a command gets no decision.

use std::time::Duration;

use thiserror::Error;

/// The reason why a command got no decision. Each variant states whether the command was executed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum EngineError {
    /// Too many commands are waiting: certainly not executed.
    #[error("too many commands are waiting")]
    Overloaded {
        /// The time after which the caller should try again.
        retry_after: Duration,
    },
    /// The connection was lost during COMMIT and the database stays unavailable: executed or not.
    #[error("outcome unknown: repeat the same call with the same ids to learn it")]
    OutcomeUnknown,
    /// The database did not respond, or the wallet stayed locked, until the retries were used up: certainly not
    /// executed.
    #[error("the database did not respond in time, or the wallet stayed locked; nothing was executed")]
    Unavailable,
    /// The reference clock jumped and is not trusted yet: certainly not executed.
    #[error("the server's clock is in doubt; nothing was executed")]
    ClockInDoubt,
    /// The caller's deadline passed before the command's turn came: certainly not executed.
    #[error("the deadline passed before execution began")]
    DeadlinePassed,
    /// A row of the wallet cannot be decoded; logged where it was found. Certainly not executed.
    #[error("a row of the wallet is unreadable; nothing was executed")]
    Unreadable,
    /// A defect of the server; logged where it was found. Certainly not executed.
    #[error("internal error; nothing was executed")]
    Internal,
}
