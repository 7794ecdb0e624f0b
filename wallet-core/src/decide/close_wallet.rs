//! CloseWallet: ends a wallet for good. Its credits are revoked and its subscription ends; it can still be read, and its
//! ids stay in use. Running jobs and debt come first.

use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::grant::{Clawback, Parts};
use crate::wallet::rejection::Rejection;
use crate::wallet::{Wallet, WalletStatus};

/// The command that closes a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseWallet {
    /// The idempotency key.
    pub request: RequestId,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for CloseWallet {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = Fingerprint::default();
        if replay_of_request(wallet, &self.request, EntryKind::WalletClosed, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        if wallet.status == WalletStatus::Closed {
            return Err(Rejection::WalletClosed);
        }
        if wallet.open_reservations > 0 {
            return Err(Rejection::OpenReservations(wallet.open_reservations));
        }
        if let Some((unit, balance)) = wallet.balances.iter().find(|(_, balance)| balance.debt > 0) {
            return Err(Rejection::InDebt { unit: unit.clone(), debt: balance.debt });
        }
        let mut decision = Decision::of(EntryKind::WalletClosed, context.now).because(&self.reason);
        for grant in wallet.grants.values().filter(|grant| grant.is_open()) {
            let Parts { available, pending, .. } = grant.parts;
            for (part, amount) in [(Part::Available, available), (Part::Pending, pending)] {
                decision.move_in_grant(&grant.key, &grant.unit, part, Part::Revoked, amount);
            }
            decision.clawback.push((grant.key.clone(), Clawback::Revoked));
        }
        let mut change = Change { status: WalletStatus::Closed, ..Change::none(wallet) };
        change.profile.replace_subscription(None);
        decision.change = Some(change);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
