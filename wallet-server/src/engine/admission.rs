//! Admission: how long commands may wait, by kind and by wallet.
//!
//! A command is refused if it would wait too long at the recent pace of its lane. Commands that finalize jobs are shed
//! last: a lane that is full of Reserves still accepts Settle and Cancel. A busy wallet cannot fill its lane. A second
//! bound limits memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wallet_core::WalletKey;
use wallet_core::decide::AdmissionClass;

use crate::engine::EngineConfig;
use crate::engine::error::EngineError;
use crate::engine::pace::Pace;

/// The percentage of the longest wait that the commands of one wallet may cause.
const WALLET_SHARE: u32 = 50;
/// The bounds of the time after which a refused caller should try again.
const SHORTEST_RETRY: Duration = Duration::from_millis(50);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// The commands waiting in one lane.
#[derive(Debug)]
pub(super) struct Admission {
    longest_wait: Duration,
    waiting_per_lane: usize,
    waiting_per_wallet: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    total: usize,
    by_wallet: HashMap<WalletKey, usize>,
    pace: Pace,
}

/// The place of a command in the queue, released when dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    admission: Arc<Admission>,
    wallet: WalletKey,
}

impl Admission {
    /// Returns the admission of a lane.
    pub(super) fn new(config: &EngineConfig) -> Arc<Self> {
        let pace = Pace::new(config.batch_max);
        Arc::new(Self {
            longest_wait: config.queue_wait,
            waiting_per_lane: config.waiting_per_lane,
            waiting_per_wallet: config.waiting_per_wallet,
            waiting: Mutex::new(Waiting { total: 0, by_wallet: HashMap::new(), pace }),
        })
    }

    /// Takes a place for a command. Fails if it would wait too long for its class, or too many commands wait.
    pub(super) fn admit(
        self: &Arc<Self>,
        wallet: WalletKey,
        class: AdmissionClass,
        now: Instant,
    ) -> Result<Ticket, EngineError> {
        let mut waiting = self.waiting();
        let of_wallet = waiting.by_wallet.get(&wallet).copied().unwrap_or(0);
        let (wait, share) = (waiting.pace.wait(waiting.total, now), share(class));
        let longest = percent(self.longest_wait, share);
        let wait_of_wallet = waiting.pace.time_of(of_wallet);
        let longest_of_wallet = percent(longest, WALLET_SHARE);
        let places = |all: usize| all * share as usize / 100;
        if (waiting.total > 0 && wait >= longest) || waiting.total >= places(self.waiting_per_lane) {
            return Err(overloaded(wait, longest));
        }
        if (of_wallet > 0 && wait_of_wallet >= longest_of_wallet)
            || of_wallet >= places(self.waiting_per_wallet)
        {
            return Err(overloaded(wait_of_wallet, longest_of_wallet));
        }
        waiting.total += 1;
        waiting.by_wallet.insert(wallet, of_wallet + 1);
        waiting.pace.arrived(now);
        Ok(Ticket { admission: self.clone(), wallet })
    }

    /// Returns false if half of the longest wait or half of the places are used up. Estimates are refused then.
    pub(super) fn has_room_for_estimates(&self, now: Instant) -> bool {
        let waiting = self.waiting();
        waiting.total == 0
            || waiting.total < self.waiting_per_lane / 2
                && waiting.pace.wait(waiting.total, now) < percent(self.longest_wait, 50)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the percentage of the wait and of the places that commands of this class may take.
const fn share(class: AdmissionClass) -> u32 {
    match class {
        AdmissionClass::JobEnd => 100,
        AdmissionClass::Heartbeat => 95,
        AdmissionClass::Standard => 90,
        AdmissionClass::NewJob => 75,
        AdmissionClass::Background => 50,
    }
}

fn percent(time: Duration, percent: u32) -> Duration {
    time.saturating_mul(percent) / 100
}

/// Returns the refusal of a command that would wait for `wait` where `longest` is allowed. At the recent pace, half of
/// that is free when the caller tries again.
fn overloaded(wait: Duration, longest: Duration) -> EngineError {
    let retry_after = wait.saturating_sub(longest / 2).clamp(SHORTEST_RETRY, LONGEST_RETRY);
    EngineError::Overloaded { retry_after }
}

impl Ticket {
    /// Records that the batch of this command has decided this many commands, before they are answered.
    pub(super) fn decided(&self, commands: usize, now: Instant) {
        self.admission.waiting().pace.decided(commands, now);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut waiting = self.admission.waiting();
        waiting.total -= 1;
        if waiting.total == 0 {
            waiting.pace.idle();
        }
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

    const MS: Duration = Duration::from_millis(1);

    fn wallet(id: &str) -> WalletKey {
        WalletKey::new(TenantId::DEFAULT, &WalletId::parse(id).unwrap())
    }

    /// Returns an admission that is bounded by places.
    fn of_places(waiting_per_lane: usize, waiting_per_wallet: usize) -> Arc<Admission> {
        let queue_wait = Duration::from_secs(3_600);
        Admission::new(&EngineConfig {
            waiting_per_lane,
            waiting_per_wallet,
            queue_wait,
            ..EngineConfig::default()
        })
    }

    /// Returns an admission that is bounded by a wait of a second.
    fn of_time() -> Arc<Admission> {
        let (waiting_per_lane, waiting_per_wallet) = (100_000, 100_000);
        Admission::new(&EngineConfig { waiting_per_lane, waiting_per_wallet, ..EngineConfig::default() })
    }

    /// Takes places, each for a wallet of its own, until one is refused. Returns the time to try again.
    fn fill(
        admission: &Arc<Admission>,
        class: AdmissionClass,
        now: Instant,
        tickets: &mut Vec<Ticket>,
    ) -> Duration {
        loop {
            match admission.admit(wallet(&format!("w{}", tickets.len())), class, now) {
                Ok(ticket) => tickets.push(ticket),
                Err(EngineError::Overloaded { retry_after }) => return retry_after,
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn settles_are_shed_last_and_due_processing_first() {
        let (admission, now) = (of_places(20, 20), Instant::now());
        let admit = |class| admission.admit(wallet("a"), class, now);
        let mut tickets: Vec<Ticket> = (0..10).map(|_| admit(AdmissionClass::Background).unwrap()).collect();
        assert!(matches!(admit(AdmissionClass::Background), Err(EngineError::Overloaded { .. })));
        assert!(!admission.has_room_for_estimates(now));
        tickets.extend((0..9).map(|_| admit(AdmissionClass::Heartbeat).unwrap()));
        assert!(admit(AdmissionClass::Heartbeat).is_err());
        let last = admit(AdmissionClass::JobEnd).unwrap();
        assert!(admit(AdmissionClass::JobEnd).is_err());
        drop((last, tickets));
        assert!(admission.has_room_for_estimates(now));
        assert!(admission.waiting().by_wallet.is_empty());
    }

    #[test]
    fn one_wallet_cannot_take_all_places() {
        let (admission, now) = (of_places(100, 2), Instant::now());
        let admit = |id| admission.admit(wallet(id), AdmissionClass::JobEnd, now);
        let _tickets = [(); 2].map(|()| admit("a").unwrap());
        assert!(admit("a").is_err());
        assert!(admit("b").is_ok());
    }

    #[test]
    fn a_second_of_work_waits_of_which_each_class_may_use_its_share() {
        let (admission, now, mut tickets) = (of_time(), Instant::now(), Vec::new());
        // 0.5 ms per command, as long as nothing else is known.
        let mut counts = Vec::new();
        for class in [
            AdmissionClass::Background,
            AdmissionClass::NewJob,
            AdmissionClass::Standard,
            AdmissionClass::Heartbeat,
            AdmissionClass::JobEnd,
        ] {
            let retry_after = fill(&admission, class, now, &mut tickets);
            let longest = Duration::from_secs(1) * share(class) / 100;
            assert_eq!(retry_after, longest / 2, "half of {longest:?} is free by then");
            counts.push(tickets.len());
        }
        assert_eq!(counts, [1_000, 1_500, 1_800, 1_900, 2_000]);
        assert!(!admission.has_room_for_estimates(now));
    }

    #[test]
    fn one_wallet_may_cause_half_of_the_wait() {
        let (admission, now) = (of_time(), Instant::now());
        let admit = |id| admission.admit(wallet(id), AdmissionClass::JobEnd, now);
        let mut tickets = Vec::new();
        while let Ok(ticket) = admit("hot") {
            tickets.push(ticket);
        }
        assert_eq!(tickets.len(), 1_000);
        assert!(admit("other").is_ok());
    }

    #[test]
    fn in_a_stall_those_who_wait_keep_their_places_and_new_ones_are_shed() {
        let (admission, started) = (of_time(), Instant::now());
        let admit = |class, at| admission.admit(wallet("a"), class, started + at);
        let first = admit(AdmissionClass::NewJob, Duration::ZERO).unwrap();
        let second = admit(AdmissionClass::NewJob, 10 * MS).unwrap();
        assert!(admit(AdmissionClass::NewJob, 800 * MS).is_err());
        let third = admit(AdmissionClass::JobEnd, 900 * MS).unwrap();
        assert!(admit(AdmissionClass::JobEnd, 1_100 * MS).is_err());
        let Err(EngineError::Overloaded { retry_after }) = admit(AdmissionClass::JobEnd, 4_000 * MS) else {
            panic!("a stall of four seconds");
        };
        assert_eq!(retry_after, 3_500 * MS);
        // The stall ends: the batch decides its commands, and a fast one follows.
        first.decided(1, started + 5_000 * MS);
        drop(first);
        assert!(admit(AdmissionClass::JobEnd, 5_001 * MS).is_err(), "nothing shows yet that it has ended");
        second.decided(1, started + 5_002 * MS);
        drop(second);
        assert!(admit(AdmissionClass::NewJob, 5_003 * MS).is_ok());
        drop(third);
        assert!(admit(AdmissionClass::Background, 9_000 * MS).is_ok());
    }

    #[test]
    fn a_lone_command_is_admitted_whatever_the_bound() {
        let config = EngineConfig { queue_wait: Duration::ZERO, ..EngineConfig::default() };
        let (admission, now) = (Admission::new(&config), Instant::now());
        let only = admission.admit(wallet("a"), AdmissionClass::Background, now).unwrap();
        assert!(admission.admit(wallet("b"), AdmissionClass::JobEnd, now).is_err());
        drop(only);
        assert!(admission.admit(wallet("b"), AdmissionClass::Background, now).is_ok());
    }
}
