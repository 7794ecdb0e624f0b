//! ReverseCharge: gives back the charge of a job, in full or in part, each credit at most once.
//!
//! | Charged to | Given back to |
//! |---|---|
//! | an unexpired grant | the grant, after repaying debt |
//! | an expired grant | a new grant of its source, for the goodwill period of the job's policies |
//! | a revoked or refunded grant, or one of a period that ended unpaid | nothing: the amount is revoked |
//! | a purchase with a recorded refund | nothing, up to the credits that are no longer paid; their debt is withdrawn |
//! | a purchase that was charged back | the debt that the charge became |
//! | the debt | the debt; the part that was repaid since, a new grant of source ADJUSTMENT |

use crate::catalog::Catalog;
use crate::decide::checks::{check_grants_of_job, check_multiples, check_not_closed};
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::read_set::ReadSet;
use crate::decide::refund_claims::claw_back;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::{Account, Part};
use crate::value::amount::Amounts;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{OriginId, RequestId, ReservationId, UnitId};
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::view::views::EndedReservationView;
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, Grant, GrantDetails, GrantKey, Origin, Parts};
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::{Allocation, Reservation};

/// The command that reverses a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReverseCharge {
    /// The idempotency key.
    pub request: RequestId,
    pub reservation: ReservationId,
    /// The amounts to reverse, in minor units. Everything that is left if empty.
    pub amounts: Amounts,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for ReverseCharge {
    type View = EndedReservationView;

    fn read_set(&self) -> ReadSet {
        ReadSet {
            reservation: Some(self.reservation.clone()),
            receipt: true,
            grants: Some(GrantKey::new(Origin::Grace, self.reservation.clone().into(), 0)),
            ..ReadSet::default()
        }
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<ReservationId>, Rejection> {
        let fingerprint = Fingerprint::default()
            .with("reservation_id", Some(&self.reservation))
            .with("amounts", (!self.amounts.is_empty()).then_some(&self.amounts));
        if replay_of_request(wallet, &self.request, EntryKind::ChargeReversed, &fingerprint)? {
            return Ok(Verdict::replay(self.reservation.clone()));
        }
        let reservation = wallet.reservations.get(&self.reservation).ok_or(Rejection::ReservationNotFound)?;
        let amounts = amounts_to_reverse(context, reservation, &self.amounts)?;
        let mut reversal = Reversal::of(wallet, context, reservation);
        for (unit, amount) in amounts.iter() {
            reversal.reverse(unit, amount);
        }
        let Reversal { mut reservation, mut decision, next_grace, .. } = reversal;
        check_not_closed(wallet)?;
        check_grants_of_job(next_grace)?;
        if let Some(finish) = &mut reservation.finish {
            amounts.iter().for_each(|(unit, amount)| finish.bill.reversed.add(unit, amount));
        }
        decision = decision.because(&self.reason);
        Ok(Verdict::reservation(with_request(decision, &self.request, fingerprint), reservation))
    }
}

/// Returns the amounts to reverse, per unit, at most what is left of the charge.
fn amounts_to_reverse(
    context: &Context<'_>,
    reservation: &Reservation,
    asked: &Amounts,
) -> Result<Amounts, Rejection> {
    let mut charged = Amounts::none();
    let mut left = Amounts::none();
    for allocation in &reservation.allocations {
        charged.add(&allocation.unit, allocation.charged);
        left.add(&allocation.unit, allocation.charged - allocation.reversed);
    }
    if asked.is_empty() {
        let all = left.above_zero();
        return if all.is_empty() { Err(Rejection::NothingToReverse) } else { Ok(all) };
    }
    if let Some(unit) = asked.units().find(|unit| !reservation.terms.amounts.names(unit.as_str())) {
        return Err(Rejection::UnitMismatch { unit: unit.clone() });
    }
    let violations = check_multiples(&context.catalogs.current, asked, "amounts");
    if !violations.is_empty() {
        return Err(Rejection::InvalidFields(violations));
    }
    if let Some((unit, requested)) = asked.iter().find(|(unit, n)| *n > left.get(unit.as_str())) {
        let charged = charged.get(unit.as_str());
        let reversed = charged - left.get(unit.as_str());
        return Err(Rejection::ReversalExceedsCharge { unit: unit.clone(), requested, charged, reversed });
    }
    match asked.above_zero() {
        asked if asked.is_empty() => Err(Rejection::field("amounts", "must name an amount above 0")),
        asked => Ok(asked),
    }
}

/// A reversal in progress.
struct Reversal<'a> {
    wallet: &'a Wallet,
    catalog: &'a Catalog,
    reservation: Reservation,
    decision: Decision,
    at: Timestamp,
    /// The number of the next grant for credits of this job that have returned. The command is refused if it becomes
    /// larger than a key can hold.
    next_grace: usize,
}

impl<'a> Reversal<'a> {
    fn of(wallet: &'a Wallet, context: &'a Context<'_>, reservation: &Reservation) -> Self {
        let at = context.now;
        let id = OriginId::from(reservation.id.clone());
        let graces = wallet.grants.keys().filter(|key| key.origin == Origin::Grace && key.id == id);
        Self {
            wallet,
            catalog: &context.catalogs.current,
            reservation: reservation.clone(),
            decision: Decision::about(EntryKind::ChargeReversed, at, reservation),
            at,
            next_grace: graces.map(|key| usize::from(key.n) + 1).max().unwrap_or(0),
        }
    }

    /// Reverses the last charge first.
    fn reverse(&mut self, unit: &UnitId, amount: i64) {
        let mut left = amount;
        let mut parts = Vec::new();
        let of_unit = |allocation: &&mut Allocation| allocation.unit == *unit;
        for allocation in self.reservation.allocations.iter_mut().rev().filter(of_unit) {
            let part = left.min(allocation.charged - allocation.reversed);
            left -= part;
            allocation.reversed += part;
            parts.push((allocation.account.clone(), part));
        }
        for (account, part) in parts.into_iter().filter(|(_, part)| *part > 0) {
            match account {
                Account::Debt => self.withdraw_debt(unit, part),
                Account::Grant(key) => self.return_to(&key, unit, part),
            }
        }
    }

    fn return_to(&mut self, key: &GrantKey, unit: &UnitId, amount: i64) {
        let grant = self.wallet.grants.get(key);
        let (taken, forgiven) = claw_back(&mut self.decision, self.wallet, grant, Part::Consumed, amount);
        let is_charged_back = grant.is_some_and(|grant| grant.clawback == Some(Clawback::ChargedBack));
        self.withdraw_debt(unit, if is_charged_back { taken } else { forgiven });
        let amount = amount - taken;
        if amount == 0 {
            return;
        }
        let unpaid = grant.filter(|grant| self.wallet.profile.gave_unpaid(grant)).map(|_| Clawback::Revoked);
        let clawback = grant.and_then(|grant| grant.clawback).or(unpaid);
        let expired = grant.filter(|grant| grant.has_expired(self.at));
        let to = match (clawback, expired) {
            (Some(_), _) => Part::Revoked,
            (None, Some(_)) => Part::Expired,
            // A grant that is missing here is detected when the decision is applied.
            (None, None) => Part::Available,
        };
        self.decision.move_in_grant(key, unit, Part::Consumed, to, amount);
        if clawback == Some(Clawback::ChargedBack) {
            self.withdraw_debt(unit, amount);
        } else if to == Part::Expired {
            self.give_goodwill(expired, unit, amount);
        } else if to == Part::Available {
            self.decision.repay_debt(self.wallet, key, unit, amount);
        }
    }

    fn withdraw_debt(&mut self, unit: &UnitId, amount: i64) {
        let owed = amount.min(self.decision.owed(self.wallet, unit));
        self.decision.move_in_debt(unit, Part::Owed, Part::Issued, owed);
        if amount > owed {
            self.give_goodwill(None, unit, amount - owed);
        }
    }

    /// Issues a grant for credits that have no place to return to, with the source and the priority of the grant that
    /// they were charged to, which it replaces. All grants of a job live for the goodwill period of its policies, those
    /// for repaid debt included, so that later catalogs make no difference.
    fn give_goodwill(&mut self, old: Option<&Grant>, unit: &UnitId, amount: i64) {
        let n = u16::try_from(self.next_grace).unwrap_or(u16::MAX);
        let key = GrantKey::new(Origin::Grace, self.reservation.id.clone().into(), n);
        self.next_grace += 1;
        let expire_time = self.at.plus(self.reservation.terms.policies.goodwill_period);
        let first = |old: &Grant| old.details.stems_from.clone().unwrap_or_else(|| old.key.clone());
        let grant = Grant {
            key,
            unit: unit.clone(),
            source: old.map_or(Source::Adjustment, |old| old.details.first_source.unwrap_or(old.source)),
            priority: old.map_or(0, |old| old.priority),
            effective_time: self.at,
            expire_time,
            warn_time: self.wallet.warn_time(self.catalog, self.at, expire_time),
            create_time: self.at,
            amount,
            parts: Parts::default(),
            clawback: None,
            details: GrantDetails {
                stems_from: old.map(first),
                period: old.and_then(|old| old.details.period),
                ..GrantDetails::default()
            },
        };
        self.decision.issue(self.wallet, grant, self.at);
    }
}
