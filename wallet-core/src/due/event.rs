//! Due events: expiries of holds and grants, the periods of a subscription, grants that come into effect, notifications
//! of expiries, and purchases of the auto top-up that had to wait.
//!
//! Owns the decision of each, effective at the instant at which it was due. Changes nothing.

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
use crate::wallet::reservation::{Finish, State};
use crate::wallet::{UNNUMBERED, Wallet};

/// A due event. Events of the same instant are carried out in the order of the variants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DueEvent {
    HoldExpiry(ReservationId),
    GrantExpiry(GrantKey),
    Subscription(renew::Event),
    GrantEffect(GrantKey),
    GrantWarning(GrantKey),
    AutoTopUp,
}

impl DueEvent {
    /// Decides the event, which was due `at` this instant. Returns `None` if it is void.
    pub(crate) fn decide(&self, wallet: &Wallet, at: Timestamp) -> Option<Decision> {
        match self {
            DueEvent::HoldExpiry(id) => expire_hold(wallet, id, at),
            DueEvent::GrantExpiry(key) => expire_grant(wallet, key, at),
            DueEvent::Subscription(event) => renew::decide(wallet, *event, at),
            DueEvent::GrantEffect(key) => bring_into_effect(wallet, key, at),
            DueEvent::GrantWarning(key) => warn_of_expiry(wallet, key, at),
            DueEvent::AutoTopUp => auto_top_up_due(wallet, at),
        }
    }
}

fn expire_hold(wallet: &Wallet, id: &ReservationId, at: Timestamp) -> Option<Decision> {
    let mut finalization = Finalization::of(wallet, wallet.reservations.get(id)?, EntryKind::HoldExpired, at);
    finalization.return_rest();
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
