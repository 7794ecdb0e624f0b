//! What falls due by itself: hold expiries, grant expiries, what a subscription brings, grants coming into effect.
//!
//! Every decision begins here, so it makes no difference whether a sweeper ran, or when: each event is one
//! decision, effective at the instant it was due, and events are found in the order of their instants. What people
//! are told is found out when an instant is over: a period's credits that lapse when the next ones come are no news.

use crate::decision::Decision;
use crate::entry::{Entry, EntryKind};
use crate::event::{self, Event};
use crate::fingerprint::Fingerprint;
use crate::grant::GrantKey;
use crate::hold::{AfterExpiry, Closing};
use crate::ids::ReservationId;
use crate::posting::Part;
use crate::renew;
use crate::reservation::{Finish, State};
use crate::time::Timestamp;
use crate::touched::Touched;
use crate::wallet::{Broken, UNNUMBERED, Wallet};

/// Carries out everything due up to `now`, and returns the entries it made. A frozen wallet stands still.
pub fn advance(wallet: &mut Wallet, now: Timestamp, touched: &mut Touched) -> Result<Vec<Entry>, Broken> {
    let mut entries = Vec::new();
    let (mut first, mut head, mut instant) = (0, wallet.head, None);
    loop {
        let next = next_due(wallet, now);
        let at = next.as_ref().and_then(Decision::effective_time);
        if first < entries.len() && at != instant {
            event::tell(wallet, &head, &mut entries[first..], false, touched);
            (first, head) = (entries.len(), wallet.head);
            // What was told is in the profile: the next decision is made on that.
            continue;
        }
        let Some(decision) = next else { return Ok(entries) };
        instant = at;
        touched.note(&decision);
        entries.extend(wallet.apply(decision, now)?);
    }
}

/// What is due, in the order of events at the same instant.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Due<'a> {
    HoldExpiry(&'a ReservationId),
    GrantExpiry(&'a GrantKey),
    Subscription(renew::Event),
    GrantEffect(&'a GrantKey),
    GrantWarning(&'a GrantKey),
}

/// The earliest event that is due at `now`, as a decision.
pub fn next_due(wallet: &Wallet, now: Timestamp) -> Option<Decision> {
    if wallet.frozen {
        return None;
    }
    let holds = wallet
        .reservations
        .values()
        .filter(|reservation| reservation.is_due(now))
        .map(|reservation| (reservation.deadline, Due::HoldExpiry(&reservation.id)));
    let expiries = wallet
        .grants
        .values()
        .filter(|grant| grant.has_expired(now) && (grant.parts.available > 0 || grant.parts.pending > 0))
        .map(|grant| (grant.expire_time, Due::GrantExpiry(&grant.key)));
    let effects = wallet
        .grants
        .values()
        .filter(|grant| grant.effective_time <= now && grant.parts.pending > 0)
        .map(|grant| (grant.effective_time, Due::GrantEffect(&grant.key)));
    let renewals = renew::next_event(wallet, now).map(|(at, event)| (at, Due::Subscription(event)));
    let warnings = wallet
        .grants
        .values()
        .filter(|grant| grant.warn_time <= now)
        .map(|grant| (grant.warn_time, Due::GrantWarning(&grant.key)));
    let (at, due) = holds.chain(expiries).chain(renewals).chain(effects).chain(warnings).min()?;
    match due {
        Due::HoldExpiry(id) => expire_hold(wallet, id, at),
        Due::GrantExpiry(key) => expire_grant(wallet, key, at),
        Due::Subscription(event) => renew::happen(wallet, event, at),
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
