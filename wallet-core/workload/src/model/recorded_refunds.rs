//! Refunds that the payment provider has made. The credits that are still paid are those of the purchase without the
//! refunded share; everything beyond them is clawed back as soon as it returns.

use wallet_core::decide::{PaymentName, PurchaseName, RecordRefund};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{Clawback, GrantKey};
use wallet_core::refund::UsedCredits;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId, PaymentSubject, RequestId};

use super::answer::{Answered, Refusal};
use super::catalog::{UNITS, Unit};
use super::money_back::refused;
use super::reversal::part;
use super::state::{Job, Model};

impl Model {
    /// Returns the record about the purchase of a lot.
    pub(super) fn recorded_of(&self, n: usize) -> Option<&(OriginId, i64, bool)> {
        let id = self.lots[n].purchase()?;
        self.recorded.iter().find(|(of, ..)| of == id)
    }

    fn lots_of(&self, id: &OriginId, unit: Unit) -> Vec<usize> {
        let lots = (0..self.lots.len()).filter(|n| self.lots[*n].unit == unit);
        lots.filter(|n| self.lots[*n].purchase() == Some(id)).collect()
    }

    pub(super) fn used_of(&self, lots: &[usize], unit: Unit) -> i64 {
        lots.iter().map(|n| &self.lots[*n]).filter(|lot| lot.unit == unit).map(|lot| lot.used).sum()
    }

    /// Returns the credits of a purchase that are paid after a refund of this number of cents.
    fn paid_of(&self, id: &OriginId, unit: Unit, cents: i64) -> i64 {
        let own = self.lots_of(id, unit).into_iter().find(|n| self.lots[*n].first.is_none());
        let Some(lot) = own.map(|n| &self.lots[n]) else { return 0 };
        lot.amount - part(lot.amount, cents, lot.cents().unwrap_or(0))
    }

    /// Returns the credits of these lots that have ended or were revoked.
    pub(super) fn lost(&self, lots: &[usize]) -> i64 {
        let first = lots.iter().map(|n| &self.lots[*n]).filter(|lot| lot.first.is_none());
        let mut lost: i64 = first.map(|lot| lot.amount).sum();
        for lot in lots.iter().map(|n| &self.lots[*n]) {
            lost -= lot.free + lot.waiting + lot.used + lot.paid_out + self.held_rest(&lot.key);
        }
        lost
    }

    pub(super) fn paid_out(&self, lots: &[usize]) -> i64 {
        lots.iter().map(|n| self.lots[*n].paid_out).sum()
    }

    /// Returns the credits of a lot that jobs hold and have not given back or charged yet.
    pub(super) fn held_rest(&self, key: &GrantKey) -> i64 {
        let parts = self.open_jobs().flat_map(|job| &job.parts).filter(|part| part.lot.as_ref() == Some(key));
        parts.map(|part| part.held - part.charged - part.returned - part.forfeited).sum()
    }

    /// Returns the credits of the purchase of a lot that a recorded refund has turned into debt.
    pub(super) fn owed_of(&self, n: usize, unit: Unit) -> i64 {
        let Some((id, cents, true)) = self.recorded_of(n) else { return 0 };
        (self.used_of(&self.lots_of(id, unit), unit) - self.paid_of(id, unit, *cents)).max(0)
    }

    /// Returns the claim of a recorded refund: the credits that are taken as soon as they return.
    pub(crate) fn claim(&self, id: &OriginId, unit: Unit) -> i64 {
        let refunded = self.refunded_credits.get(&(id.clone(), unit));
        refunded.map_or(0, |refunded| (refunded.live() - self.paid_out(&self.lots_of(id, unit))).max(0))
    }

    /// Returns the debt of a recorded refund.
    pub(crate) fn debt_of(&self, id: &OriginId, unit: Unit) -> i64 {
        let lot = self.lots.iter().position(|lot| lot.purchase() == Some(id));
        lot.map_or(0, |n| self.owed_of(n, unit))
    }

    /// Claws back credits that return from a job or a charge, if they are no longer paid. Returns their amount, and the
    /// owed part.
    pub(super) fn claw_back(&mut self, n: usize, amount: i64, was_charged: bool) -> (i64, i64) {
        if let Some(refund) = self.period_refund_of(n) {
            return self.claw_back_of_period(n, refund, amount, was_charged);
        }
        let Some((id, ..)) = self.recorded_of(n).cloned() else { return (0, 0) };
        let unit = self.lots[n].unit;
        let taken = amount.min(self.claim(&id, unit));
        let forgiven = if was_charged { taken.min(self.owed_of(n, unit)) } else { 0 };
        self.lots[n].paid_out += taken;
        (taken, forgiven)
    }

    /// Returns the refunded payment of a lot.
    pub(super) fn refunded_payment(&self, n: usize) -> Option<PaymentSubject> {
        let period = self.period_refund_of(n).map(|refund| self.period_refunds[refund].period);
        let period = period.map(PaymentSubject::Period);
        period.or_else(|| self.recorded_of(n).map(|(id, ..)| PaymentSubject::Purchase(id.clone())))
    }

    /// Returns the payments of a job's uncovered credits, each with the amount of those credits and of its other held
    /// ones.
    pub(super) fn claims_on(&self, job: &Job, unit: Unit) -> Vec<(PaymentSubject, i64, i64)> {
        let of_purchases = self.recorded.iter().filter(|(.., owes)| *owes).map(|(id, ..)| {
            (PaymentSubject::Purchase(id.clone()), self.claim(id, unit) - self.debt_of(id, unit))
        });
        let of_periods = self.period_refunds.iter().filter(|refund| refund.owes).map(|refund| {
            let claim = refund.claims.get(unit).copied().unwrap_or(0);
            let owed = refund.owed.get(unit).copied().unwrap_or(0);
            (PaymentSubject::Period(refund.period), claim - owed)
        });
        let mut claims = Vec::new();
        for (payment, claim) in of_purchases.chain(of_periods) {
            let mut rest = 0;
            for part in job.parts.iter().filter(|part| part.unit == unit) {
                let Some(n) = part.lot.as_ref().and_then(|key| self.find_lot(key)) else { continue };
                let counts = self.lots[n].clawback != Some(Clawback::ChargedBack)
                    && self.refunded_payment(n).as_ref() == Some(&payment);
                rest += if counts { part.held - part.charged } else { 0 };
            }
            let claimed = rest.min(claim);
            if claimed > 0 {
                claims.push((payment, claimed, rest - claimed));
            }
        }
        claims
    }

    pub(super) fn record_refund(&mut self, refund: &RecordRefund) -> Result<Answered, Refusal> {
        let named = match &refund.payment {
            PaymentName::Purchase(named) => named,
            PaymentName::Period(start) => {
                let mut period = self.named_period(&refund.request, *start);
                if refund.total.minor_units == 0 && !self.names_again(&refund.request) {
                    period = self.last_refunded(period, None, |period| period.start == *start);
                }
                return self.refund_period(refund, period, None);
            }
            PaymentName::PaidPeriod(reference) => {
                let Some(mut period) = self.period_paid_with(&refund.request, reference) else {
                    let again = self.requested(&Command::RecordRefund(refund.clone()));
                    return again.and(Err(Refusal::field()));
                };
                if refund.total.minor_units == 0 && !self.names_again(&refund.request) {
                    let names = self.named_by(reference);
                    period = self.last_refunded(period, Some(reference), |period| names.contains(&period));
                }
                let payment = PaymentName::Period(period.start);
                let refund = RecordRefund { payment, ..refund.clone() };
                return self.refund_period(&refund, period, Some(reference));
            }
        };
        let purchase = self.by_id(named);
        let lots = self.purchased(&purchase);
        let payment = PaymentName::Purchase(purchase.clone());
        let command = &Command::RecordRefund(RecordRefund { payment, ..refund.clone() });
        if self.requested(command)? {
            return Ok(Answered::again(self.seen(&lots)));
        }
        self.one_purchase(named)?;
        let PurchaseName::TopUp(id) = purchase else { return Err(Refusal::new("TOP_UP_NOT_FOUND")) };
        let first = *lots.first().ok_or_else(|| Refusal::new("TOP_UP_NOT_FOUND"))?;
        match lots.iter().filter_map(|n| self.lots[*n].clawback).max() {
            Some(Clawback::ChargedBack) => return Err(refused("CHARGED_BACK")),
            Some(Clawback::Refunded) => return Err(refused("ALREADY_REFUNDED")),
            Some(Clawback::Revoked) | None => {}
        }
        let price = self.lots[first].cents().ok_or_else(|| refused("NO_PRICE"))?;
        let cents = refund.total.minor_units;
        if refund.total.currency != "EUR" || cents > price {
            return Err(Refusal::field());
        }
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        let mut corrections = 0;
        let debts: Vec<i64> = UNITS.iter().map(|(unit, _)| self.debt_of(&id, unit)).collect();
        self.recorded.retain(|(of, ..)| *of != id);
        self.recorded.push((id.clone(), cents, refund.used == UsedCredits::Owe));
        for ((unit, _), owed_before) in UNITS.into_iter().zip(debts) {
            let own = self.lots_of(&id, unit);
            let bought: i64 = own
                .iter()
                .map(|n| &self.lots[*n])
                .filter(|lot| lot.first.is_none())
                .map(|lot| lot.amount)
                .sum();
            let lost = self.lost(&own);
            let refunded = self.refunded_credits.entry((id.clone(), unit)).or_default();
            refunded.build(part(bought, cents, price).min(bought), lost);
            let beyond = refunded.live() - self.paid_out(&own);
            let owed = self.debt_of(&id, unit);
            self.take_unspent(&own, unit, beyond);
            corrections += self.owe_or_withdraw(unit, (owed_before, owed), &refund.request, corrections);
            corrections += self.give_again(own, -beyond, &refund.request, corrections);
        }
        self.remember(command, EntryKind::RefundRecorded);
        Ok(Answered::done(self.seen(&lots)))
    }

    /// Turns used credits into debt, which other credits repay, or withdraws such debt. Returns the number of new lots.
    pub(super) fn owe_or_withdraw(
        &mut self,
        unit: Unit,
        (before, owed): (i64, i64),
        request: &RequestId,
        corrections: u16,
    ) -> u16 {
        if owed <= before {
            return self.withdraw(unit, before - owed, request, corrections);
        }
        self.owed.entry(unit).or_default().debt += owed - before;
        let others = self.take(unit, self.owed(unit).debt.min(self.available(unit)));
        for (key, repaid) in others {
            if let Some(lot) = self.find_lot(&key) {
                self.lots[lot].used += repaid;
                self.owed.entry(unit).or_default().debt -= repaid;
            }
        }
        0
    }

    /// Takes unspent credits of these lots. Returns the amount that was there.
    pub(super) fn take_unspent(&mut self, lots: &[usize], unit: Unit, amount: i64) -> i64 {
        let mut left = amount.max(0);
        let mut lots = lots.to_vec();
        lots.sort_by_key(|n| self.lots[*n].key.clone());
        for n in lots {
            let lot = &mut self.lots[n];
            let (free, waiting) = (left.min(lot.free), (left - left.min(lot.free)).min(lot.waiting));
            left -= free + waiting;
            (lot.free, lot.waiting) = (lot.free - free, lot.waiting - waiting);
            lot.paid_out += free + waiting;
            if free > 0 {
                self.mark_changed(unit);
            }
        }
        amount.max(0) - left
    }

    /// Gives credits back, first to the lots that last longest. Those of a revoked lot stay revoked.
    pub(super) fn give_again(
        &mut self,
        mut lots: Vec<usize>,
        amount: i64,
        request: &RequestId,
        corrections: u16,
    ) -> u16 {
        let mut left = amount.max(0);
        let mut made = 0;
        lots.sort_by_key(|n| (std::cmp::Reverse(self.lots[*n].until), self.lots[*n].key.clone()));
        for n in lots {
            let back = left.min(self.lots[n].paid_out);
            left -= back;
            self.lots[n].paid_out -= back;
            match self.lots[n].clawback {
                Some(_) => self.lots[n].taken += back,
                None => made += self.bring_back(n, back, request, corrections + made),
            }
        }
        made
    }

    /// Withdraws debt. The part that was repaid since becomes a correction. Returns the number of new lots.
    pub(super) fn withdraw(&mut self, unit: Unit, amount: i64, request: &RequestId, n: u16) -> u16 {
        let owed = self.owed.entry(unit).or_default();
        let off = amount.min(owed.debt);
        owed.debt -= off;
        let correction = self.correction(request, n, unit, amount - off);
        self.correct(correction)
    }
}
