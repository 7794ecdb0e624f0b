//! Replies to commands.

use crate::value::time::Timestamp;
use crate::view::shown::Shown;
use crate::wallet::rejection::Rejection;

/// The reply to a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The answer, or the reason why the command was rejected.
    pub result: Result<Answer, Rejection>,
    /// The revision of the wallet's last entry afterwards.
    pub revision: i64,
    /// The version of the wallet's last write afterwards.
    pub version: i64,
    /// The instant of the decision.
    pub decided_at: Timestamp,
}

impl Reply {
    /// Returns the reply without the hint by which the sweeper finds its reservation. For comparisons: the hint depends on
    /// how often the sweeper ran.
    #[must_use]
    pub fn without_hint(mut self) -> Self {
        if let Ok(answer) = &mut self.result {
            answer.shown.clear_hint();
        }
        self
    }
}

/// The answer to a command that was not rejected.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The view of the command, as the wallet is afterwards.
    pub shown: Shown,
    /// True if an equal command was carried out before.
    pub replayed: bool,
}
