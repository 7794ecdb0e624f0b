//! The queue of the events that are due in a wallet. It owns their order, and changes nothing.
//!
//! Every unit of work processes them first, so it makes no difference whether a sweeper ran, or when.

use std::collections::BTreeSet;

use crate::due::event::DueEvent;
use crate::due::renew;
use crate::value::grant_key::GrantKey;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Grant;

/// Returns the instant of the earliest event that is due at `now`.
pub fn next_due(wallet: &Wallet, now: Timestamp) -> Option<Timestamp> {
    DueQueue::of(wallet, now).first(wallet).map(|(at, _)| at)
}

/// The events that are due at `now`, in order: by instant, then by kind. An event that an earlier one has made void is
/// dropped when its turn comes.
#[derive(Debug)]
pub(crate) struct DueQueue {
    now: Timestamp,
    events: BTreeSet<(Timestamp, DueEvent)>,
    /// The last event that is loaded, if the wallet has more. No event after it may be carried out.
    horizon: Option<(Timestamp, DueEvent)>,
}

impl DueQueue {
    /// Returns the events of a wallet. Nothing falls due in a frozen one.
    pub(crate) fn of(wallet: &Wallet, now: Timestamp) -> Self {
        let mut queue = Self { now, events: BTreeSet::new(), horizon: None };
        if wallet.frozen {
            return queue;
        }
        queue.horizon = wallet.horizon.clone().map(|last| (last.sweep_at, DueEvent::HoldExpiry(last.id)));
        for hold in wallet.reservations.values().filter(|hold| hold.is_due(now)) {
            queue.events.insert((hold.deadline, DueEvent::HoldExpiry(hold.id.clone())));
        }
        wallet.grants.values().for_each(|grant| queue.add_grant(grant));
        queue.add_subscription(wallet);
        queue.add_auto_top_up(wallet);
        queue
    }

    /// Returns whether all events are known: the wallet has no horizon.
    pub(crate) const fn is_complete(&self) -> bool {
        self.horizon.is_none()
    }

    /// Returns the earliest event that is still due and not beyond the horizon.
    pub(crate) fn first(&mut self, wallet: &Wallet) -> Option<(Timestamp, DueEvent)> {
        while let Some(next) = self.events.first() {
            if self.horizon.as_ref().is_some_and(|horizon| next > horizon) {
                return None;
            }
            if self.is_due(wallet, next) {
                return Some(next.clone());
            }
            self.events.pop_first();
        }
        None
    }

    /// Removes the earliest event.
    pub(crate) fn pop_first(&mut self) {
        self.events.pop_first();
    }

    fn is_due(&self, wallet: &Wallet, (at, event): &(Timestamp, DueEvent)) -> bool {
        let of_grant = |key, is_due: fn(&Grant) -> Option<Timestamp>| {
            wallet.grants.get(key).and_then(is_due).is_some_and(|time| time == *at)
        };
        match event {
            DueEvent::HoldExpiry(id) => {
                wallet.reservations.get(id).is_some_and(|hold| hold.is_due(self.now) && hold.deadline == *at)
            }
            DueEvent::GrantExpiry(key) => of_grant(key, Grant::expiry),
            DueEvent::GrantEffect(key) => of_grant(key, Grant::effect),
            DueEvent::GrantWarning(key) => of_grant(key, Grant::warning),
            DueEvent::Subscription(change) => renew::next_event(wallet, self.now) == Some((*at, *change)),
            DueEvent::AutoTopUp => wallet.profile.auto_top_up_time() == Some(*at),
        }
    }

    fn add_grant(&mut self, grant: &Grant) {
        let now = self.now;
        let mut add = |time: Option<Timestamp>, event: fn(GrantKey) -> DueEvent| {
            self.events.extend(time.filter(|at| *at <= now).map(|at| (at, event(grant.key.clone()))));
        };
        add(grant.expiry(), DueEvent::GrantExpiry);
        add(grant.effect(), DueEvent::GrantEffect);
        add(grant.warning(), DueEvent::GrantWarning);
    }

    fn add_subscription(&mut self, wallet: &Wallet) {
        let next = renew::next_event(wallet, self.now);
        self.events.extend(next.map(|(at, event)| (at, DueEvent::Subscription(event))));
    }

    /// Adds the purchase of the auto top-up that had to wait, if it is due. Called after each instant, because the
    /// balances at its end decide about the purchase.
    pub(crate) fn add_auto_top_up(&mut self, wallet: &Wallet) {
        let due = wallet.profile.auto_top_up_time().filter(|at| *at <= self.now);
        self.events.extend(due.map(|at| (at, DueEvent::AutoTopUp)));
    }

    /// Adds the events that are due after a decision has changed these grants and, if `profile` is true, the profile.
    pub(crate) fn add_changed<'a>(
        &mut self,
        wallet: &Wallet,
        grants: impl Iterator<Item = &'a GrantKey>,
        profile: bool,
    ) {
        for grant in grants.filter_map(|key| wallet.grants.get(key)) {
            self.add_grant(grant);
        }
        if profile {
            self.add_subscription(wallet);
        }
    }
}
