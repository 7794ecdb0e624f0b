//! Why a command got no decision.

use std::time::Duration;

use thiserror::Error;

/// Why a command got no decision. What the caller may conclude is in the name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum EngineError {
    /// Too much is waiting: certainly not executed.
    #[error("too many commands are waiting")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The connection was lost while committing and the database stays away: executed or not.
    #[error("the outcome is not known; the same call with the same ids tells")]
    OutcomeUnknown,
    /// The database or this wallet's row could not be had in time: certainly not executed.
    #[error("the database could not be had in time; nothing was executed")]
    Unavailable,
    /// The clock that this server follows leapt and is not believed: certainly not executed.
    #[error("the server's clock is in doubt; nothing was executed")]
    ClockInDoubt,
    /// The caller's deadline had passed when its turn came: certainly not executed.
    #[error("the deadline passed before execution began")]
    DeadlinePassed,
    /// A row of the wallet does not read back, logged where it was found: certainly not executed.
    #[error("a row of the wallet is unreadable; nothing was executed")]
    Unreadable,
    /// A defect of ours, logged where it was found: certainly not executed.
    #[error("internal error; nothing was executed")]
    Internal,
}

impl EngineError {
    /// Come back soon.
    pub(crate) const fn overloaded() -> Self {
        Self::Overloaded { retry_after: Duration::from_millis(200) }
    }
}
