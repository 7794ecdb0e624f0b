//! Admission: how many commands may wait, by kind and by wallet.
//!
//! Commands that finalize jobs are shed last: a lane that is full of Reserves still accepts Settle and Cancel. A
//! busy wallet cannot fill its lane.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wallet_core::{Command, WalletKey};

use crate::engine::error::EngineError;

/// The commands waiting in one lane.
#[derive(Debug)]
pub(super) struct Admission {
    queue: usize,
    wallet_queue: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    total: usize,
    by_wallet: HashMap<WalletKey, usize>,
}

/// The place of a command in the queue, released when dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    admission: Arc<Admission>,
    wallet: WalletKey,
}

impl Admission {
    /// Returns the admission of a lane, with room for `queue` commands in total and `wallet_queue` of one wallet.
    pub(super) fn new(queue: usize, wallet_queue: usize) -> Arc<Self> {
        Arc::new(Self { queue, wallet_queue, waiting: Mutex::default() })
    }

    /// Takes a place for a command. Fails if there is none for its kind.
    pub(super) fn admit(
        self: &Arc<Self>,
        wallet: WalletKey,
        command: &Command,
    ) -> Result<Ticket, EngineError> {
        let mut waiting = self.waiting();
        let of_wallet = waiting.by_wallet.get(&wallet).copied().unwrap_or(0);
        let share = share(command);
        if waiting.total >= self.queue * share / 100 || of_wallet >= self.wallet_queue * share / 100 {
            return Err(EngineError::overloaded());
        }
        waiting.total += 1;
        waiting.by_wallet.insert(wallet, of_wallet + 1);
        Ok(Ticket { admission: self.clone(), wallet })
    }

    /// Returns false if half of the places are taken. Estimates are refused then.
    pub(super) fn has_room_for_estimates(&self) -> bool {
        self.waiting().total < self.queue / 2
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the percentage of the places that commands of this kind may take.
const fn share(command: &Command) -> usize {
    match command {
        Command::Settle(_) | Command::Cancel(_) => 100,
        Command::Extend(_) => 95,
        Command::Start(_)
        | Command::CreateWallet(_)
        | Command::UpdateWallet(_)
        | Command::TopUp(_)
        | Command::Grant(_)
        | Command::RevokeGrant(_)
        | Command::RefundTopUp(_)
        | Command::RecordChargeback(_)
        | Command::ReverseCharge(_)
        | Command::RefundSubscription(_)
        | Command::Subscribe(_)
        | Command::ChangePlan(_)
        | Command::CancelSubscription(_)
        | Command::ResumeSubscription(_)
        | Command::RecordPayment(_) => 90,
        Command::Reserve(_) => 75,
        Command::ProcessDue => 50,
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut waiting = self.admission.waiting();
        waiting.total -= 1;
        if let Entry::Occupied(mut count) = waiting.by_wallet.entry(self.wallet) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wallet_core::decide::{Extend, Settle};
    use wallet_core::{ReservationId, TenantId, WalletId};

    use super::*;

    fn wallet(id: &str) -> WalletKey {
        WalletKey::new(TenantId::DEFAULT, &WalletId::parse(id).unwrap())
    }

    fn settle() -> Command {
        Command::Settle(Settle {
            id: ReservationId::parse("job").unwrap(),
            attempt: None,
            outcome: wallet_core::decide::Outcome::Succeeded(wallet_core::decide::Cost::AsReserved),
            accept_late: false,
        })
    }

    fn extend() -> Command {
        Command::Extend(Extend { id: ReservationId::parse("job").unwrap(), attempt: None, lease: None })
    }

    #[test]
    fn settles_are_shed_last_and_due_processing_first() {
        let admission = Admission::new(20, 20);
        let mut tickets: Vec<Ticket> =
            (0..10).map(|_| admission.admit(wallet("a"), &Command::ProcessDue).unwrap()).collect();
        assert_eq!(admission.admit(wallet("a"), &Command::ProcessDue).err(), Some(EngineError::overloaded()));
        assert!(!admission.has_room_for_estimates());
        tickets.extend((0..9).map(|_| admission.admit(wallet("a"), &extend()).unwrap()));
        assert!(admission.admit(wallet("a"), &extend()).is_err());
        let last = admission.admit(wallet("a"), &settle()).unwrap();
        assert!(admission.admit(wallet("a"), &settle()).is_err());
        drop((last, tickets));
        assert!(admission.has_room_for_estimates());
        assert!(admission.waiting().by_wallet.is_empty());
    }

    #[test]
    fn one_wallet_cannot_take_all_places() {
        let admission = Admission::new(100, 2);
        let _tickets = [(); 2].map(|()| admission.admit(wallet("a"), &settle()).unwrap());
        assert!(admission.admit(wallet("a"), &settle()).is_err());
        assert!(admission.admit(wallet("b"), &settle()).is_ok());
    }
}
