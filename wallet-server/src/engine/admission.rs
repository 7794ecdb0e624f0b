//! Admission: how many commands may wait, by kind and by wallet.
//!
//! Commands that finalize jobs are shed last: a lane that is full of Reserves still accepts Settle and Cancel. A
//! busy wallet cannot fill its lane.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wallet_core::WalletKey;
use wallet_core::decide::AdmissionClass;

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

    /// Takes a place for a command. Fails if there is none for its class.
    pub(super) fn admit(
        self: &Arc<Self>,
        wallet: WalletKey,
        class: AdmissionClass,
    ) -> Result<Ticket, EngineError> {
        let mut waiting = self.waiting();
        let of_wallet = waiting.by_wallet.get(&wallet).copied().unwrap_or(0);
        let share = share(class);
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

/// Returns the percentage of the places that commands of this class may take.
const fn share(class: AdmissionClass) -> usize {
    match class {
        AdmissionClass::JobEnd => 100,
        AdmissionClass::Heartbeat => 95,
        AdmissionClass::Standard => 90,
        AdmissionClass::NewJob => 75,
        AdmissionClass::Background => 50,
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
    use wallet_core::{TenantId, WalletId};

    use super::*;

    fn wallet(id: &str) -> WalletKey {
        WalletKey::new(TenantId::DEFAULT, &WalletId::parse(id).unwrap())
    }

    #[test]
    fn settles_are_shed_last_and_due_processing_first() {
        let admission = Admission::new(20, 20);
        let mut tickets: Vec<Ticket> =
            (0..10).map(|_| admission.admit(wallet("a"), AdmissionClass::Background).unwrap()).collect();
        assert_eq!(
            admission.admit(wallet("a"), AdmissionClass::Background).err(),
            Some(EngineError::overloaded())
        );
        assert!(!admission.has_room_for_estimates());
        tickets.extend((0..9).map(|_| admission.admit(wallet("a"), AdmissionClass::Heartbeat).unwrap()));
        assert!(admission.admit(wallet("a"), AdmissionClass::Heartbeat).is_err());
        let last = admission.admit(wallet("a"), AdmissionClass::JobEnd).unwrap();
        assert!(admission.admit(wallet("a"), AdmissionClass::JobEnd).is_err());
        drop((last, tickets));
        assert!(admission.has_room_for_estimates());
        assert!(admission.waiting().by_wallet.is_empty());
    }

    #[test]
    fn one_wallet_cannot_take_all_places() {
        let admission = Admission::new(100, 2);
        let _tickets = [(); 2].map(|()| admission.admit(wallet("a"), AdmissionClass::JobEnd).unwrap());
        assert!(admission.admit(wallet("a"), AdmissionClass::JobEnd).is_err());
        assert!(admission.admit(wallet("b"), AdmissionClass::JobEnd).is_ok());
    }
}
