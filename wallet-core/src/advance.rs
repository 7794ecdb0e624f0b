//! What falls due by itself: hold expiries, grant expiries, what a subscription brings, grants coming into effect.
//!
//! Every decision begins here, so it makes no difference whether a sweeper ran, or when: each event is one
//! decision, effective at the instant it was due, and events are carried out in the order of their instants.
//!
//! A balance is judged after each hold that expires, which can only raise it, and otherwise when an instant is over: a
//! period's credits that lapse when the next ones come are no news. So the work can stop after any hold and at
//! the end of any instant, and go on later: the entries are the same whatever the size of the steps.

use std::collections::BTreeSet;

use crate::decision::Decision;
use crate::entry::{Entry, EntryKind};
use crate::event::{self, Event};
use crate::fingerprint::Fingerprint;
use crate::grant::{Grant, GrantKey};
use crate::hold::{AfterExpiry, Closing};
use crate::ids::ReservationId;
use crate::posting::Part;
use crate::renew;
use crate::reservation::{Finish, State};
use crate::time::Timestamp;
use crate::touched::Touched;
use crate::wallet::{Broken, UNNUMBERED, Wallet};

/// The last of the holds that were loaded because they may be due, where there are more: by `sweep_at` and id.
///
/// No hold is due before its `sweep_at`. So every event up to the expiry of this hold at its `sweep_at` is known, and
/// of those after it nothing is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Horizon {
    /// The time it is found by.
    pub sweep_at: Timestamp,
    /// Its id.
    pub id: ReservationId,
}

/// What one step of work on due events did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// The entries it made.
    pub entries: Vec<Entry>,
    /// Whether nothing more is due.
    pub up_to_date: bool,
}

/// Carries out everything due up to `now` that is known, and returns the entries it made. A frozen wallet stands
/// still.
pub fn advance(wallet: &mut Wallet, now: Timestamp, touched: &mut Touched) -> Result<Vec<Entry>, Broken> {
    Ok(advance_by(usize::MAX, wallet, now, touched)?.entries)
}

/// Carries out the first `most` (at least one) events due up to `now`, and the rest of the instant of the last. Stops
/// at the wallet's horizon. A frozen wallet stands still, and counts as up to date.
pub fn advance_by(
    most: usize,
    wallet: &mut Wallet,
    now: Timestamp,
    touched: &mut Touched,
) -> Result<Advanced, Broken> {
    let mut queue = Queue::of(wallet, now);
    let mut entries = Vec::new();
    // What has not been judged yet begins with the entry `first`, after `head`; `instant` may bring more of it.
    let (mut first, mut head, mut instant) = (0, wallet.head, None);
    loop {
        let next = queue.first(wallet);
        let goes_on = next.as_ref().is_some_and(|(at, _)| instant == Some(*at));
        if first < entries.len() && !goes_on {
            event::tell(wallet, &head, &mut entries[first..], false, touched);
            (first, head) = (entries.len(), wallet.head);
        }
        let Some((at, due)) = next else {
            return Ok(Advanced { entries, up_to_date: queue.is_complete });
        };
        if entries.len() >= most.max(1) && first == entries.len() {
            return Ok(Advanced { entries, up_to_date: false });
        }
        // What was told is in the profile by now: the decision is made on that.
        let Some(decision) = queue.due.pop_first().and_then(|_| decide(wallet, &due, at)) else { continue };
        instant = (!matches!(due, Due::HoldExpiry(_))).then_some(at);
        let mut changed = Touched::default();
        changed.note(&decision);
        entries.extend(wallet.apply(decision, now)?);
        queue.look_again(wallet, &changed);
        touched.add(changed);
    }
}

/// The instant of the earliest event that is due at `now`.
pub fn next_due(wallet: &Wallet, now: Timestamp) -> Option<Timestamp> {
    Queue::of(wallet, now).first(wallet).map(|(at, _)| at)
}

/// What is due, in the order of events at the same instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    HoldExpiry(ReservationId),
    GrantExpiry(GrantKey),
    Subscription(renew::Event),
    GrantEffect(GrantKey),
    GrantWarning(GrantKey),
}

/// What is due at `now`, in order. An event that an earlier one has made void leaves when its turn comes.
struct Queue {
    now: Timestamp,
    due: BTreeSet<(Timestamp, Due)>,
    horizon: Option<(Timestamp, Due)>,
    /// Whether nothing lies beyond the horizon.
    is_complete: bool,
}

impl Queue {
    fn of(wallet: &Wallet, now: Timestamp) -> Self {
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
        queue
    }

    /// The earliest event that is still due and not beyond the horizon.
    fn first(&mut self, wallet: &Wallet) -> Option<(Timestamp, Due)> {
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

    /// Adds what is due because of a decision that has changed these rows.
    fn look_again(&mut self, wallet: &Wallet, changed: &Touched) {
        for grant in changed.grants.iter().filter_map(|key| wallet.grants.get(key)) {
            self.add_grant(grant);
        }
        if changed.profile {
            self.add_subscription(wallet);
        }
    }
}

fn decide(wallet: &Wallet, due: &Due, at: Timestamp) -> Option<Decision> {
    match due {
        Due::HoldExpiry(id) => expire_hold(wallet, id, at),
        Due::GrantExpiry(key) => expire_grant(wallet, key, at),
        Due::Subscription(event) => renew::happen(wallet, *event, at),
        Due::GrantEffect(key) => bring_into_effect(wallet, key, at),
        Due::GrantWarning(key) => warn_of_expiry(wallet, key, at),
    }
}

fn expire_hold(wallet: &Wallet, id: &ReservationId, at: Timestamp) -> Option<Decision> {
    let mut closing = Closing::of(wallet, wallet.reservations.get(id)?, EntryKind::HoldExpired, at);
    closing.give_back(AfterExpiry::Grace);
    let bill = closing.bill();
    let Closing { mut reservation, mut decision, .. } = closing;
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
    decision.events.push(Event::expiring(wallet.grants.get(key)?));
    Some(decision)
}
