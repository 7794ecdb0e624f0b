//! The end of a reservation: its credits are charged or returned.
//!
//! Owns the changes of a reservation that is about to be finished, together with the postings of the decision.

use std::time::Duration;

use crate::catalog::{Catalog, MAX_GRACE_PERIOD, Phase};
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::refund_claims::{Claims, claw_back};
use crate::decide::spend;
use crate::decide::verdict::Verdict;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::{Account, Part};
use crate::value::amount::Amounts;
use crate::value::fingerprint::Fingerprint;
use crate::value::grant_key::{GrantKey, Origin};
use crate::value::ids::{ReservationId, UnitId};
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::grant::{Clawback, Grant, GrantDetails, Parts};
use crate::wallet::reservation::{Allocation, Bill, Finish, LATE_SETTLE, Reservation, State};
use crate::wallet::{UNNUMBERED, Wallet};

/// The time from a grant's expiry to the latest expiry of the grace credits that stem from it, except after a long
/// hold. No grace period is longer.
pub const GRACE_BOUND: Duration = MAX_GRACE_PERIOD;

/// The lifetime of grace credits that return after [`GRACE_BOUND`], unless the grace period is shorter.
const AFTER_LONG_HOLD: Duration = Duration::from_secs(24 * 3600);

/// A reservation that is about to end, with the decision that ends it.
pub(crate) struct Finalization<'a> {
    pub wallet: &'a Wallet,
    pub reservation: Reservation,
    pub decision: Decision,
    pub at: Timestamp,
}

impl<'a> Finalization<'a> {
    /// Begins to finalize a reservation by an entry of this kind.
    pub(crate) fn of(wallet: &'a Wallet, reservation: &Reservation, kind: EntryKind, at: Timestamp) -> Self {
        let decision = Decision::about(kind, at, reservation);
        Self { wallet, reservation: reservation.clone(), decision, at }
    }

    /// Charges `amount` to the hold: first to credits whose grant has expired since, because they would be lost, then
    /// in the order of the allocations. Returns the rest, for which the hold has only uncovered credits.
    pub(crate) fn charge_held(&mut self, unit: &UnitId, amount: i64) -> i64 {
        let mut left = amount;
        let mut claims = Claims::of(self.wallet, &self.reservation, unit);
        for expired in [true, false] {
            for allocation in &mut self.reservation.allocations {
                let Account::Grant(key) = &allocation.account else { continue };
                let grant = self.wallet.grants.get(key);
                let has_expired = grant.is_some_and(|grant| grant.has_expired(self.at));
                if allocation.unit != *unit || has_expired != expired || is_charged_back(grant) {
                    continue;
                }
                let part = claims.charge(grant, left.min(allocation.rest()));
                left -= part;
                allocation.charged += part;
                self.decision.move_in_grant(key, unit, Part::Held, Part::Consumed, part);
            }
        }
        left
    }

    /// Charges a fee to the hold, then to available credits, and the rest as debt.
    pub(crate) fn charge_fee(&mut self, catalog: &Catalog, unit: &UnitId, fee: i64) {
        let uncovered = self.charge_held(unit, fee);
        let (available, owed) = self.wallet.balance(unit.as_str()).split(uncovered);
        self.charge_available(catalog, unit, available);
        self.charge_debt(unit, owed);
    }

    /// Charges `amount` beyond the hold to available credits, as new allocations in spending order.
    pub(crate) fn charge_available(&mut self, catalog: &Catalog, unit: &UnitId, amount: i64) {
        for take in spend::take(self.wallet, catalog, unit, amount) {
            self.decision.move_in_grant(&take.grant, unit, Part::Available, Part::Consumed, take.amount);
            let allocation = Allocation::of(Account::Grant(take.grant), Some(take.source), unit, 0);
            self.reservation.allocations.push(Allocation { charged: take.amount, ..allocation });
        }
    }

    /// Charges `amount` as debt.
    pub(crate) fn charge_debt(&mut self, unit: &UnitId, amount: i64) {
        if amount == 0 {
            return;
        }
        self.decision.move_in_debt(unit, Part::Issued, Part::Owed, amount);
        let allocation = Allocation::of(Account::Debt, None, unit, 0);
        self.reservation.allocations.push(Allocation { charged: amount, ..allocation });
    }

    /// Gives back to the grants all that is held and was not charged. Credits of a grant that has expired meanwhile
    /// become grace credits. Credits that become available repay debt first.
    pub(crate) fn return_rest(&mut self) {
        let mut graces = 0_usize;
        let period = self.reservation.terms.policies.grace_period;
        for allocation in &mut self.reservation.allocations {
            let rest = allocation.rest();
            let Account::Grant(key) = &allocation.account else { continue };
            if rest == 0 {
                continue;
            }
            let Some(grant) = self.wallet.grants.get(key) else {
                // Held grants are loaded. If not, carrying this out fails instead of losing the credits.
                self.decision.move_in_grant(key, &allocation.unit, Part::Held, Part::Available, rest);
                continue;
            };
            let unit = &grant.unit;
            let (taken, _) = claw_back(&mut self.decision, self.wallet, Some(grant), Part::Held, rest);
            allocation.forfeited += taken;
            let rest = rest - taken;
            if rest == 0 {
                continue;
            }
            if grant.clawback.is_some() {
                allocation.forfeited += rest;
                self.decision.move_in_grant(key, unit, Part::Held, Part::Revoked, rest);
            } else if !grant.has_expired(self.at) {
                allocation.returned = rest;
                self.decision.move_in_grant(key, unit, Part::Held, Part::Available, rest);
                self.decision.repay_debt(self.wallet, key, unit, rest);
            } else {
                self.decision.move_in_grant(key, unit, Part::Held, Part::Expired, rest);
                // A hold has no more allocations than there are numbers. If it had, carrying this out would fail.
                let n = u16::try_from(graces).unwrap_or(u16::MAX);
                let key = GrantKey::new(Origin::Grace, self.reservation.id.clone().into(), n);
                match grace_grant(grant, key, rest, self.at, period) {
                    Some(grace) => {
                        graces += 1;
                        allocation.returned = rest;
                        allocation.grace = Some(grace.key.clone());
                        self.decision.issue(self.wallet, grace, self.at);
                    }
                    None => allocation.forfeited += rest,
                }
            }
        }
    }

    /// Returns the sums of the hold. They name every reserved unit, even with 0.
    pub(crate) fn bill(&self) -> Bill {
        let mut bill = Bill::default();
        for unit in self.reservation.terms.amounts.units() {
            bill.charged.set(unit, 0);
            bill.returned.set(unit, 0);
        }
        for allocation in &self.reservation.allocations {
            bill.charged.add(&allocation.unit, allocation.charged);
            bill.returned.add(&allocation.unit, allocation.returned);
            if allocation.forfeited > 0 {
                bill.forfeited.add(&allocation.unit, allocation.forfeited);
            }
        }
        bill
    }
}

/// Returns whether the payment for a grant was charged back.
fn is_charged_back(grant: Option<&Grant>) -> bool {
    grant.is_some_and(|grant| grant.clawback == Some(Clawback::ChargedBack))
}

/// Returns the part of `amount` for which a hold has only uncovered credits: their payment was charged back or refunded.
pub(crate) fn uncovered_of_hold(
    wallet: &Wallet,
    reservation: &Reservation,
    unit: &UnitId,
    amount: i64,
) -> i64 {
    let is_not_charged_back = |allocation: &&Allocation| match &allocation.account {
        Account::Grant(key) => allocation.unit == *unit && !is_charged_back(wallet.grants.get(key)),
        Account::Debt => false,
    };
    let held = reservation.allocations.iter().filter(is_not_charged_back).map(Allocation::rest);
    let covered = held.sum::<i64>() - Claims::of(wallet, reservation, unit).sum();
    (amount - covered).max(0)
}

/// Returns the grace grant for `amount` that returns to an expired grant; none if its bound has passed as well.
fn grace_grant(old: &Grant, key: GrantKey, amount: i64, at: Timestamp, period: Duration) -> Option<Grant> {
    let bound = bound_of(old, at, period);
    let expire_time = at.plus(period).min(bound);
    let first = old.details.stems_from.clone().unwrap_or_else(|| old.key.clone());
    let details = GrantDetails {
        stems_from: Some(first),
        first_source: Some(old.details.first_source.unwrap_or(old.source)),
        grace_bound: Some(bound),
        period: old.details.period,
        ..GrantDetails::default()
    };
    (expire_time > at).then(|| Grant {
        key,
        unit: old.unit.clone(),
        source: Source::Grace,
        priority: 0,
        effective_time: at,
        expire_time,
        warn_time: Timestamp::NEVER,
        create_time: at,
        amount,
        parts: Parts::default(),
        clawback: None,
        details,
    })
}

/// Returns the latest expiry of grace credits that return to a grant at `at`. Credits of a long hold return later than
/// the bound; they live for a day, or for the grace period if that is shorter. Grace credits that return keep their
/// bound.
fn bound_of(old: &Grant, at: Timestamp, period: Duration) -> Timestamp {
    let of_first = || old.expire_time.plus(GRACE_BOUND).max(at.plus(period.min(AFTER_LONG_HOLD)));
    old.details.grace_bound.unwrap_or_else(of_first)
}

/// Returns the fees of a user's cancel in this state, per reserved unit.
pub fn cancel_fees(reservation: &Reservation, catalog: &Catalog) -> Amounts {
    let phase = match reservation.state {
        State::Processing => Phase::Processing,
        _ => Phase::Held,
    };
    fees(reservation, catalog, |unit| reservation.terms.policies.cancel_fee_percent(phase, unit))
}

/// Returns the fees of a failure with this code, per reserved unit.
pub(crate) fn failure_fees(reservation: &Reservation, catalog: &Catalog, code: &str) -> Amounts {
    fees(reservation, catalog, |unit| reservation.terms.policies.failure_fee_percent(code, unit))
}

/// Returns these percentages of the reserved amounts, each rounded down to the increment of its unit.
fn fees(reservation: &Reservation, catalog: &Catalog, percent: impl Fn(&str) -> u8) -> Amounts {
    let fee = |(unit, amount): (&UnitId, i64)| {
        let known = catalog.unit(unit.as_str());
        (unit.clone(), known.map_or(0, |known| known.floor_percent(amount, percent(unit.as_str()))))
    };
    reservation.terms.amounts.iter().map(fee).collect()
}

/// Returns whether an expired hold can still be ended by a settle or a cancel.
pub(crate) fn may_end_late(reservation: &Reservation, context: &Context<'_>) -> bool {
    reservation.finish.as_ref().is_some_and(|finish| context.now < finish.time.plus(LATE_SETTLE))
}

/// Ends an expired hold as failed or cancelled: all credits returned when it expired, and nothing can be charged any
/// more.
pub(crate) fn close_late(
    wallet: &Wallet,
    context: &Context<'_>,
    reservation: &Reservation,
    state: State,
    fingerprint: Fingerprint,
    outcome: Bill,
) -> Verdict<ReservationId> {
    let kind = if state == State::Failed { EntryKind::Failed } else { EntryKind::Cancelled };
    let mut finalization = Finalization::of(wallet, reservation, kind, context.now);
    if let Some(failure) = &outcome.failure {
        finalization.decision = finalization.decision.because(&failure.code);
    }
    let Bill { failure, cancel_reason, .. } = outcome;
    let sums = reservation.finish.as_ref().map(|finish| finish.bill.clone()).unwrap_or_default();
    finish(finalization, state, fingerprint, Bill { failure, cancel_reason, ..sums })
}

/// Ends the reservation.
pub(crate) fn finish(
    finalization: Finalization<'_>,
    state: State,
    fingerprint: Fingerprint,
    bill: Bill,
) -> Verdict<ReservationId> {
    let Finalization { mut reservation, decision, at, .. } = finalization;
    reservation.state = state;
    reservation.finish = Some(Finish { time: at, revision: UNNUMBERED, fingerprint, bill });
    Verdict::reservation(decision, reservation)
}
