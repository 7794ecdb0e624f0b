//! ProcessDue: processes what is due, as every command does, and nothing else. The command of the sweeper.

use crate::decide::admission_class::AdmissionClass;
use crate::decide::context::Context;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;

/// The command that processes what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessDue;

impl WalletCommand for ProcessDue {
    type View = WalletBalancesView;

    fn admission_class(&self) -> AdmissionClass {
        AdmissionClass::Background
    }

    fn decide(&self, _wallet: &Wallet, _context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        Ok(Verdict::unchanged(WalletSubject))
    }
}
