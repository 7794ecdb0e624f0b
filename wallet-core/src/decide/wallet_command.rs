//! The interface of a command to the rest of the system.

use crate::decide::admission_class::AdmissionClass;
use crate::decide::checks::check_wallet;
use crate::decide::context::Context;
use crate::decide::read_set::ReadSet;
use crate::decide::verdict::Verdict;
use crate::value::ids::RequestId;
use crate::view::shown::Shown;
use crate::view::views::View;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;

/// The subject of the reply to a command.
pub type SubjectOf<C> = <<C as WalletCommand>::View as View>::Subject;

/// A command on a wallet. The file of a command contains its fields, its fingerprint and this implementation.
pub trait WalletCommand {
    /// The part of the wallet that the reply shows.
    type View: View + Into<Shown> + TryFrom<Shown>;

    /// Decides the command on a wallet in which nothing is due at `context.now`. Changes nothing.
    ///
    /// # Errors
    ///
    /// The reason why the command is rejected.
    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<SubjectOf<Self>>, Rejection>;

    /// Returns the rows to load besides the wallet's open grants, its due reservations and the earlier request of
    /// the `request_id`.
    fn read_set(&self) -> ReadSet {
        ReadSet::default()
    }

    /// Returns the idempotency key of a command that makes no row of its own.
    fn request_id(&self) -> Option<&RequestId> {
        None
    }

    /// Returns the class by which a busy server refuses the command.
    fn admission_class(&self) -> AdmissionClass {
        AdmissionClass::Standard
    }

    /// Returns the catalog version, besides the current one, that prices the command.
    fn priced_by(&self, _wallet: &Wallet) -> Option<i64> {
        None
    }

    /// Returns whether the command sells a plan of the current catalog.
    fn sells_plan(&self) -> bool {
        false
    }

    /// Returns whether the command is refused if the wallet does not exist or is frozen.
    fn needs_wallet(&self) -> bool {
        true
    }
}

/// Decides a command, after the check of the wallet that all commands but one share.
pub(crate) fn decide<C: WalletCommand>(
    command: &C,
    wallet: &Wallet,
    context: &Context<'_>,
) -> Result<Verdict<SubjectOf<C>>, Rejection> {
    if command.needs_wallet() {
        check_wallet(wallet)?;
    }
    command.decide(wallet, context)
}
