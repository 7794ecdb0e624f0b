//! Due events: expiries of holds and grants, the periods of a subscription, grants that come into effect, notifications
//! of expiries, and purchases of the auto top-up that had to wait.
//!
//! Owns the order of due events and the decision of each, effective at the instant at which it was due. Every unit of
//! work processes them first, so it makes no difference whether a sweeper ran, or when. Changes nothing.

use std::collections::BTreeSet;

use crate::decide::decision::Decision;
use crate::decide::finalize::Finalization;
use crate::due::renew;
use crate::ledger::entry::EntryKind;
use crate::ledger::event::{Event, EventKind};
use crate::ledger::posting::Part;
use crate::value::fingerprint::Fingerprint;
use crate::value::grant_key::GrantKey;
use crate::value::ids::ReservationId;
use crate::value::time::Timestamp;
use crate::wallet::grant::Grant;
use crate::wallet::reservation::{Finish, State};
use crate::wallet::{UNNUMBERED, Wallet};

/// Returns the instant of the earliest event that is due at `now`.
pub fn next_due(wallet: &Wallet, now: Timestamp) -> Option<Timestamp> {
    Queue::of(wallet, now).first(wallet).map(|(at, _)| at)
}

/// A due event. Events of the same instant are carried out in the order of the variants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    HoldExpiry(ReservationId),
    GrantExpiry(GrantKey),
    Subscription(renew::Event),
    GrantEffect(GrantKey),
    GrantWarning(GrantKey),
    AutoTopUp,
}

/// The events that are due at `now`, in order. An event that an earlier one has made void is dropped when its turn
/// comes.
pub(crate) struct Queue {
    now: Timestamp,
    due: BTreeSet<(Timestamp, Due)>,
    horizon: Option<(Timestamp, Due)>,
    /// True if the wallet has no horizon, so that all due events are known.
    pub(crate) is_complete: bool,
}

impl Queue {
    pub(crate) fn of(wallet: &Wallet, now: Timestamp) -> Self {
        let mut queue = Self { now, due: BTreeSet::new(), horizon: None, is_complete: true };
        if wallet.frozen {
            return queue;
        }
        queue.is_complete = wallet.horizon.is_none();
        queue.horizon = wallet.horizon.clone().map(|last| (last.sweep_at, Due::HoldExpiry(last.id)));
        let holds = wallet.reservations.values().filter(|reservation| reservation.is_due(now));
        queue
            .due
            .extend(holds.map(|reservation| (reservation.deadline, Due::HoldExpiry(reservation.id.clone()))));
        wallet.grants.values().for_each(|grant| queue.add_grant(grant));
        queue.add_subscription(wallet);
        queue.add_auto_top_up(wallet);
        queue
    }

    /// Returns the earliest event that is still due and not beyond the horizon.
    pub(crate) fn first(&mut self, wallet: &Wallet) -> Option<(Timestamp, Due)> {
        while let Some(next) = self.due.first() {
            if self.horizon.as_ref().is_some_and(|horizon| next > horizon) {
                return None;
            }
            if self.is_due(wallet, next) {
                return Some(next.clone());
            }
            self.due.pop_first();
        }
        None
    }

    /// Removes the earliest event.
    pub(crate) fn pop_first(&mut self) -> Option<(Timestamp, Due)> {
        self.due.pop_first()
    }

    fn is_due(&self, wallet: &Wallet, (at, due): &(Timestamp, Due)) -> bool {
        let of_grant = |key, is_due: fn(&Grant) -> Option<Timestamp>| {
            wallet.grants.get(key).and_then(is_due).is_some_and(|time| time == *at)
        };
        match due {
            Due::HoldExpiry(id) => {
                wallet.reservations.get(id).is_some_and(|hold| hold.is_due(self.now) && hold.deadline == *at)
            }
            Due::GrantExpiry(key) => of_grant(key, Grant::expiry),
            Due::GrantEffect(key) => of_grant(key, Grant::effect),
            Due::GrantWarning(key) => of_grant(key, Grant::warning),
            Due::Subscription(event) => renew::next_event(wallet, self.now) == Some((*at, *event)),
            Due::AutoTopUp => wallet.profile.auto_top_up_time() == Some(*at),
        }
    }

    fn add_grant(&mut self, grant: &Grant) {
        let now = self.now;
        let mut add = |time: Option<Timestamp>, due: fn(GrantKey) -> Due| {
            self.due.extend(time.filter(|at| *at <= now).map(|at| (at, due(grant.key.clone()))));
        };
        add(grant.expiry(), Due::GrantExpiry);
        add(grant.effect(), Due::GrantEffect);
        add(grant.warning(), Due::GrantWarning);
    }

    fn add_subscription(&mut self, wallet: &Wallet) {
        let next = renew::next_event(wallet, self.now);
        self.due.extend(next.map(|(at, event)| (at, Due::Subscription(event))));
    }

    /// Adds the purchase of the auto top-up that had to wait, if it is due. Called after each instant, because the
    /// balances at its end decide about the purchase.
    pub(crate) fn add_auto_top_up(&mut self, wallet: &Wallet) {
        let due = wallet.profile.auto_top_up_time().filter(|at| *at <= self.now);
        self.due.extend(due.map(|at| (at, Due::AutoTopUp)));
    }

    /// Adds the events that are due after a decision has changed these grants and, if `profile` is true, the profile.
    pub(crate) fn requeue<'a>(
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

impl Due {
    /// Decides the event, which was due `at` this instant. Returns `None` if it is void.
    pub(crate) fn decide(&self, wallet: &Wallet, at: Timestamp) -> Option<Decision> {
        match self {
            Due::HoldExpiry(id) => expire_hold(wallet, id, at),
            Due::GrantExpiry(key) => expire_grant(wallet, key, at),
            Due::Subscription(event) => renew::decide(wallet, *event, at),
            Due::GrantEffect(key) => bring_into_effect(wallet, key, at),
            Due::GrantWarning(key) => warn_of_expiry(wallet, key, at),
            Due::AutoTopUp => auto_top_up_due(wallet, at),
        }
    }
}

fn expire_hold(wallet: &Wallet, id: &ReservationId, at: Timestamp) -> Option<Decision> {
    let mut finalization = Finalization::of(wallet, wallet.reservations.get(id)?, EntryKind::HoldExpired, at);
    finalization.give_back();
    let bill = finalization.bill();
    let Finalization { mut reservation, mut decision, .. } = finalization;
    reservation.state = State::Expired;
    reservation.finish =
        Some(Finish { time: at, revision: UNNUMBERED, fingerprint: Fingerprint::default(), bill });
    decision.reservation = Some(reservation);
    Some(decision)
}

fn expire_grant(wallet: &Wallet, key: &GrantKey, at: Timestamp) -> Option<Decision> {
    let grant = wallet.grants.get(key)?;
    let mut decision = Decision::of(EntryKind::GrantExpired, at);
    decision.move_in_grant(key, &grant.unit, Part::Available, Part::Expired, grant.parts.available);
    decision.move_in_grant(key, &grant.unit, Part::Pending, Part::Expired, grant.parts.pending);
    Some(decision)
}

fn bring_into_effect(wallet: &Wallet, key: &GrantKey, at: Timestamp) -> Option<Decision> {
    let grant = wallet.grants.get(key)?;
    let amount = grant.parts.pending;
    let mut decision = Decision::of(EntryKind::GrantEffective, at);
    decision.move_in_grant(key, &grant.unit, Part::Pending, Part::Available, amount);
    decision.repay_debt(wallet, key, &grant.unit, amount);
    Some(decision)
}

fn warn_of_expiry(wallet: &Wallet, key: &GrantKey, at: Timestamp) -> Option<Decision> {
    let mut decision = Decision::of(EntryKind::GrantExpiring, at).because(&key.to_string());
    let grant = wallet.grants.get(key)?;
    decision.events.push(Event {
        kind: EventKind::GrantExpiring,
        unit: grant.unit.clone(),
        available: grant.parts.available,
        threshold: 0,
        grant: Some(grant.key.clone()),
        expire_time: grant.expire_time,
        auto_top_up: None,
    });
    Some(decision)
}

/// Decides the entry of a purchase that had to wait, without its notification, which is added when the instant ends.
/// Void if other events of the instant have raised the balance.
fn auto_top_up_due(wallet: &Wallet, at: Timestamp) -> Option<Decision> {
    let auto = wallet.profile.auto_top_up.as_ref()?;
    (wallet.next_auto_top_up(at) == Some(at))
        .then(|| Decision::of(EntryKind::AutoTopUpDue, at).because(&auto.setting.pack))
}
