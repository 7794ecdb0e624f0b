//! The reasons why a read has no result.

use wallet_core::Rejection;

use crate::call_name::in_call;
use crate::causes::Chain;
use crate::store::{FeedEnds, StoreError, StoreErrorKind};

/// The reason why a read has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ReadError {
    /// The rules reject the read, for example because the wallet does not exist.
    #[error("{0}")]
    Rejected(#[from] Rejection),
    /// More is due in the wallet than a read processes before its turn. The read begins again, so callers do not
    /// see this.
    #[error("too much is due in the wallet; try again")]
    Long,
    /// The token does not belong to this list.
    #[error("the page token does not belong to this list")]
    BadPageToken,
    /// The feed has no items after the position: they are deleted, or the position is of another database.
    #[error("the feed has the positions {} to {}", .0.first, .0.last)]
    FeedPosition(FeedEnds),
    /// Too many reads of this kind are running.
    #[error("too many searches and summaries are running")]
    Overloaded,
    /// A row of the wallet cannot be decoded, or an invariant is violated; logged.
    #[error("the wallet cannot be read")]
    Unreadable,
    /// The database is unavailable; logged.
    #[error("the database could not be read")]
    Unavailable,
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        in_call(|| tracing::error!(error = %Chain(&error), "a read failed"));
        match error.kind {
            // A row that no statement can read is refused again, however often a caller repeats the read.
            StoreErrorKind::Unreadable | StoreErrorKind::Refused | StoreErrorKind::InvariantViolated => {
                Self::Unreadable
            }
            StoreErrorKind::Conflict | StoreErrorKind::Unavailable | StoreErrorKind::CommitUnknown => {
                Self::Unavailable
            }
        }
    }
}
