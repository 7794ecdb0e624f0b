//! A command in a lane, and the only place that answers its caller.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Span;
use wallet_core::{Author, Command, Rejection, Reply, TenantId, WalletId, WalletKey};

use crate::call_name::CallName;
use crate::engine::admission::{Admission, Ticket};
use crate::engine::error::EngineError;
use crate::traces::CallSpan;

/// The result for a caller: a decision, or the reason why there is none.
pub(super) type Answer = Result<Reply, EngineError>;

/// A command that a caller submits to its lane.
#[derive(Debug)]
pub(crate) struct CommandRequest {
    pub(crate) tenant: TenantId,
    pub(crate) wallet: WalletId,
    pub(crate) command: Command,
    pub(crate) author: Author,
    /// The command is not executed if this has passed when its turn comes.
    pub(crate) deadline: Option<Instant>,
}

/// A command in a lane's queue.
#[derive(Debug)]
pub(super) struct QueuedCommand {
    pub(super) tenant: TenantId,
    pub(super) key: WalletKey,
    pub(super) wallet: WalletId,
    pub(super) command: Command,
    /// The author of its entry.
    pub(super) author: Author,
    /// The command is not executed after this time.
    pub(super) deadline: Option<Instant>,
    /// True if a COMMIT that contains the command was sent and its outcome is unknown. From then on no answer may
    /// mean "not executed".
    pub(super) in_doubt: bool,
    pub(super) caller: oneshot::Sender<Answer>,
    /// The name of the call, which has its request id. `None` for commands of the server itself.
    pub(super) call: Option<CallName>,
    pub(super) ticket: Ticket,
    pub(super) queued_at: Instant,
}

impl QueuedCommand {
    /// Takes a place in the queue of a lane for a command. Returns it with the receiver of its answer.
    pub(super) fn admit(
        request: CommandRequest,
        key: WalletKey,
        admission: &Arc<Admission>,
    ) -> Result<(Self, oneshot::Receiver<Answer>), EngineError> {
        let CommandRequest { tenant, wallet, command, author, deadline } = request;
        let queued_at = Instant::now();
        let ticket = admission.admit(key, command.admission_class(), queued_at)?;
        let (caller, answered) = oneshot::channel();
        let (call, in_doubt) = (CallName::current(), false);
        let queued = Self {
            tenant,
            key,
            wallet,
            command,
            author,
            deadline,
            in_doubt,
            caller,
            call,
            ticket,
            queued_at,
        };
        Ok((queued, answered))
    }

    /// Returns true if the caller's deadline has passed.
    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Returns the span of the call in its trace, if the call is traced.
    pub(super) fn trace(&self) -> Option<&CallSpan> {
        self.call.as_ref()?.trace()
    }

    /// Returns the span of log lines about this command. It has the wallet and the kind of command, and is within the
    /// span of the call.
    pub(super) fn span(&self) -> Span {
        let kind = self.command.name();
        let call = self.call.as_ref().map_or_else(Span::none, CallName::span);
        tracing::error_span!(parent: &call, "command", wallet = %self.wallet, kind)
    }

    /// Answers the caller. A caller that has gone away learns the outcome by repeating the same call with the same
    /// ids.
    pub(super) fn answer(self, answer: Answer) {
        let answer = if self.in_doubt { without_denial(answer) } else { answer };
        let _ = self.caller.send(answer);
    }
}

/// Returns true if a command is refused because its wallet is frozen, or because a row of it is unreadable.
pub(super) fn is_frozen(answer: &Answer) -> bool {
    match answer {
        Ok(reply) => matches!(reply.result, Err(Rejection::WalletFrozen)),
        Err(error) => matches!(error, EngineError::Unreadable),
    }
}

/// Converts the answer to a command whose COMMIT has an unknown outcome. A decision that was made since then is
/// kept, because it saw the effect of that COMMIT. Any other answer could deny an execution.
fn without_denial(answer: Answer) -> Answer {
    match answer {
        Err(_) => Err(EngineError::OutcomeUnknown),
        Ok(reply) if is_blind(&reply) => Err(EngineError::OutcomeUnknown),
        decided => decided,
    }
}

/// Returns true if the decision was made without knowledge of the wallet's history: the wallet is frozen, or it has
/// no row to lock while the COMMIT that creates it may still be in progress.
fn is_blind(reply: &Reply) -> bool {
    matches!(reply.result, Err(Rejection::WalletFrozen | Rejection::WalletNotFound))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wallet_core::Timestamp;
    use wallet_core::reservation::State;

    use super::*;

    fn refused(rejection: Rejection) -> Answer {
        let (revision, version, decided_at) = (1, 1, Timestamp::EPOCH);
        Ok(Reply { revision, version, decided_at, result: Err(rejection) })
    }

    #[test]
    fn a_command_in_doubt_is_never_reported_as_not_executed() {
        let retry_after = Duration::from_millis(1);
        for error in [
            EngineError::Overloaded { retry_after },
            EngineError::OutcomeUnknown,
            EngineError::Unavailable,
            EngineError::ClockInDoubt,
            EngineError::DeadlinePassed,
            EngineError::Unreadable,
            EngineError::Internal,
        ] {
            assert_eq!(without_denial(Err(error)), Err(EngineError::OutcomeUnknown));
        }
        for blind in [Rejection::WalletFrozen, Rejection::WalletNotFound] {
            assert_eq!(without_denial(refused(blind)), Err(EngineError::OutcomeUnknown));
        }
        let decided = refused(Rejection::ReservationFinished(State::Settled));
        assert_eq!(without_denial(decided.clone()), decided);
    }
}
