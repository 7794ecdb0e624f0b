//! Refunds of periods that the payment provider has made, and chargebacks of periods. Of the refunded credits, those of windows
//! to come are withheld, the last windows first; the others are taken like those of a purchase.

use std::collections::BTreeMap;

use wallet_core::decide::{RecordChargeback, RecordRefund, ReverseChargeback};
use wallet_core::entry::EntryKind;
use wallet_core::refund::UsedCredits;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId, PaymentSubject, PeriodId, RequestId, Timestamp};

use super::answer::{Answered, Refusal, Seen, mismatch};
use super::calendar::NEVER;
use super::catalog::{UNITS, Unit};
use super::money_back::refused;
use super::refunded_credits::RefundedCredits;
use super::reversal::part;
use super::state::{Lot, Model, Sub};

/// A recorded refund of a period.
#[derive(Debug, Clone)]
pub(crate) struct PeriodRefund {
    pub(crate) period: PeriodId,
    /// The cents so far; none if nothing but a chargeback is recorded.
    pub(crate) cents: Option<i64>,
    pub(crate) owes: bool,
    /// The last sale when it was recorded: credits of a later one are paid for.
    pub(crate) sale: u32,
    /// The credits that are used or held and not paid, and the part of them that became debt.
    pub(crate) claims: BTreeMap<Unit, i64>,
    pub(crate) owed: BTreeMap<Unit, i64>,
    /// The credits that windows to come will not give.
    pub(crate) withheld: BTreeMap<Unit, i64>,
    /// The other refunded credits.
    refunded_credits: BTreeMap<Unit, RefundedCredits>,
    /// The most credits that the period was ever going to give when a refund of it was recorded.
    bought: BTreeMap<Unit, i64>,
}

/// A period whose payment was charged back: the refund that would stand without it, and the credits that it alone took.
#[derive(Debug, Clone)]
pub(crate) struct Dispute {
    period: PeriodId,
    before: Option<PeriodRefund>,
    taken: BTreeMap<Unit, i64>,
}

impl PeriodRefund {
    /// Takes credits that return. Returns how many, and how many of them were owed.
    fn take(&mut self, unit: Unit, amount: i64, charged: bool) -> (i64, i64) {
        let claim = self.claims.entry(unit).or_default();
        let taken = amount.min(*claim);
        *claim -= taken;
        let owed = self.owed.entry(unit).or_default();
        let forgiven = if charged { taken.min(*owed) } else { 0 };
        *owed -= forgiven;
        (taken, forgiven)
    }

    /// Withholds the part of a new window that those to come do not provide.
    fn withhold(&mut self, unit: Unit, amount: i64, to_come: i64) -> i64 {
        let Some(withheld) = self.withheld.get_mut(unit) else { return 0 };
        let now = (*withheld - to_come).clamp(0, amount);
        *withheld -= now;
        self.refunded_credits.entry(unit).or_default().put_below(now);
        now
    }

    /// Returns whether a lot was paid for by the payment that went back.
    fn concerns(&self, lot: &Lot) -> bool {
        let first = lot.first.as_ref().unwrap_or(&lot.key);
        let is_paid = !lot.unpaid && first.sale().is_none_or(|sale| sale <= self.sale);
        lot.period == Some(self.period) && is_paid
    }
}

impl Sub {
    /// Returns the credits of a unit that the rest of the period will give.
    fn to_come(&self, unit: Unit) -> i64 {
        let mut sum = 0;
        for (allowance, given) in self.sold.allowances.iter().zip(&self.given).filter(|(a, _)| a.unit == unit)
        {
            let windows = (*given..).take_while(|k| self.window(allowance, *k).is_some());
            sum += windows.map(|k| self.amount_of(allowance, k)).sum::<i64>();
        }
        (sum - self.advance.get(unit).copied().unwrap_or(0)).max(0)
    }
}

impl Model {
    /// Returns the refund of the period that a lot was paid with.
    pub(super) fn period_refund_of(&self, n: usize) -> Option<usize> {
        self.period_refunds.iter().position(|refund| refund.concerns(&self.lots[n]))
    }

    /// Returns the part of a new window of `amount` that is not paid and that the windows after it do not provide.
    pub(super) fn withhold(&mut self, sub: &Sub, unit: Unit, amount: i64) -> i64 {
        let period = sub.present();
        let to_come = sub.to_come(unit);
        let is_own = |it: &&mut PeriodRefund| it.period == period && it.sale >= sub.first;
        let now =
            self.period_refunds.iter_mut().find(is_own).map_or(0, |it| it.withhold(unit, amount, to_come));
        if let Some(dispute) = self.disputes.iter_mut().find(|dispute| dispute.period == period) {
            let before = dispute.before.as_mut().filter(|it| it.sale >= sub.first);
            let anyway = before.map_or(0, |before| before.withhold(unit, amount, to_come));
            *dispute.taken.entry(unit).or_default() += now - anyway;
        }
        now
    }

    /// Claws back credits of a period that return from a job or a charge. Returns their amount, and the owed part.
    pub(super) fn claw_back_of_period(
        &mut self,
        n: usize,
        refund: usize,
        amount: i64,
        charged: bool,
    ) -> (i64, i64) {
        let (unit, period) = (self.lots[n].unit, self.period_refunds[refund].period);
        let (taken, forgiven) = self.period_refunds[refund].take(unit, amount, charged);
        if let Some(dispute) = self.disputes.iter_mut().find(|dispute| dispute.period == period) {
            let before = dispute.before.as_mut().filter(|before| before.concerns(&self.lots[n]));
            let anyway = before.map_or(0, |before| before.take(unit, taken, charged).0);
            *dispute.taken.entry(unit).or_default() += taken - anyway;
        }
        self.lots[n].paid_out += taken;
        (taken, forgiven)
    }

    /// Records a refund of a period, or of the payment for it that has this reference.
    pub(super) fn refund_period(
        &mut self,
        refund: &RecordRefund,
        period: PeriodId,
        reference: Option<&OriginId>,
    ) -> Result<Answered, Refusal> {
        let lots = self.lots_of_period(period);
        let command = &Command::RecordRefund(refund.clone());
        if self.requested_for(command, period)? {
            return Ok(Answered::again(self.seen(&lots)));
        }
        let ahead = match refund.total.minor_units {
            0 => self.failed_ahead(period, reference),
            _ => self.refunded_ahead(period, reference),
        };
        match ahead {
            Some(payment) => self.refund_again(refund, payment)?,
            None => self.give_money_back(refund, period)?,
        }
        self.names_period(&refund.request, period);
        self.remember(command, EntryKind::RefundRecorded);
        Ok(Answered::done(self.seen(&lots)))
    }

    fn give_money_back(&mut self, refund: &RecordRefund, period: PeriodId) -> Result<(), Refusal> {
        let ahead = self.refund_ahead(period, &refund.total);
        if let Some(ahead) = ahead.or_else(|| self.refund_unstarted(period, &refund.total)) {
            return ahead;
        }
        self.has_begun(period)?;
        if self.is_charged_back(period) {
            return Err(refused("CHARGED_BACK"));
        }
        if self.refunds.iter().any(|(.., of)| *of == period) {
            return Err(refused("ALREADY_REFUNDED"));
        }
        if self.is_unpaid(period) {
            return Err(refused("UNPAID"));
        }
        let cents = refund.total.minor_units;
        let before = self.period_refunds.iter().find(|before| before.period == period);
        // A payment that was carried over has taken its price along. A refund that failed needs none.
        let back = before.and_then(|before| before.cents).filter(|_| cents == 0).map(|cents| (cents, cents));
        let (whole, paid) = self.price_of_period(period).or(back).ok_or_else(|| refused("NO_PRICE"))?;
        if refund.total.currency != "EUR" || cents > whole.max(paid) {
            return Err(Refusal::field());
        }
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        let owes = refund.used == UsedCredits::Owe;
        let is_repeated = |before: &&PeriodRefund| before.period == period && before.cents == Some(cents);
        if self.period_refunds.iter().any(|before| is_repeated(&before)) {
            self.treat_used(period, owes, &refund.request);
            return Ok(());
        }
        self.went_back(period, (cents.min(paid.max(1)), paid.max(1)), owes, &refund.request);
        if let Some(record) = self.period_refunds.iter_mut().find(|refund| refund.period == period) {
            record.cents = Some(cents);
        }
        Ok(())
    }

    /// Records the same total again: the used credits that it does not pay become debt, or their debt is withdrawn.
    fn treat_used(&mut self, period: PeriodId, owes: bool, request: &RequestId) {
        let Some(at) = self.period_refunds.iter().position(|refund| refund.period == period) else { return };
        let lots = self.lots_of_period(period);
        let mut corrections = 0;
        for (unit, _) in UNITS {
            let refund = &self.period_refunds[at];
            let of_unit = |n: &usize| self.lots[*n].unit == unit && refund.concerns(&self.lots[*n]);
            let own: Vec<usize> = lots.iter().copied().filter(of_unit).collect();
            let given = own.iter().map(|n| &self.lots[*n]).filter(|lot| lot.first.is_none());
            let given: i64 = given.map(|lot| lot.amount).sum();
            let paid = given - refund.refunded_credits.get(unit).map_or(0, RefundedCredits::all);
            let owed = if owes { (self.used_of(&own, unit) - paid).max(0) } else { 0 };
            let before = refund.owed.get(unit).copied().unwrap_or(0);
            let refund = &mut self.period_refunds[at];
            refund.owes = owes;
            refund.owed.insert(unit, owed);
            corrections += self.owe_or_withdraw(unit, (before, owed), request, corrections);
        }
    }

    /// Claws back or gives back the credits of a period after a share of its price went back.
    fn went_back(&mut self, period: PeriodId, now: (i64, i64), owes: bool, request: &RequestId) {
        let lots = self.lots_of_period(period);
        let present = self.sub.clone().filter(|sub| sub.present() == period);
        let old = self.period_refunds.iter().position(|refund| refund.period == period);
        let old = old.map(|at| self.period_refunds.remove(at));
        let mut record = PeriodRefund {
            period,
            cents: old.as_ref().and_then(|old| old.cents),
            owes,
            sale: self.sales,
            claims: BTreeMap::new(),
            owed: BTreeMap::new(),
            withheld: BTreeMap::new(),
            refunded_credits: old.as_ref().map(|old| old.refunded_credits.clone()).unwrap_or_default(),
            bought: old.as_ref().map(|old| old.bought.clone()).unwrap_or_default(),
        };
        let mut corrections = 0;
        for (unit, _) in UNITS {
            let own: Vec<usize> = lots.iter().copied().filter(|n| self.lots[*n].unit == unit).collect();
            let given = own.iter().map(|n| &self.lots[*n]).filter(|lot| lot.first.is_none());
            let given: i64 = given.map(|lot| lot.amount).sum();
            let to_come = present.as_ref().map_or(0, |sub| sub.to_come(unit));
            let most = record.bought.entry(unit).or_default();
            *most = given.saturating_add(to_come).max(*most);
            // The money for windows that do not come any more goes back before that for other credits.
            let never = *most - given - to_come;
            let back = (part(*most, now.0, now.1).min(*most) - never).max(0);
            let withheld = back.min(to_come);
            let lost = self.lost(&own);
            let refunded = record.refunded_credits.entry(unit).or_default();
            refunded.build(back - withheld, lost);
            let beyond = refunded.live() - self.paid_out(&own);
            let paid = given - (back - withheld);
            let used = self.used_of(&own, unit);
            let taken = self.take_unspent(&own, unit, beyond);
            record.claims.insert(unit, beyond.max(0) - taken);
            record.owed.insert(unit, if owes { (used - paid).max(0) } else { 0 });
            record.withheld.insert(unit, withheld);
            let owed_before = old.as_ref().map_or(0, |old| old.owed.get(unit).copied().unwrap_or(0));
            corrections += self.owe_or_withdraw(unit, (owed_before, record.owed[unit]), request, corrections);
            corrections += self.give_again(own, -beyond, request, corrections);
        }
        self.period_refunds.push(record);
    }

    /// Records that the bank returned the payment of a period: its whole price went back, and used credits are owed.
    pub(super) fn charge_back_period(
        &mut self,
        chargeback: &RecordChargeback,
        period: PeriodId,
    ) -> Result<Answered, Refusal> {
        let lots = self.lots_of_period(period);
        let command = &Command::RecordChargeback(chargeback.clone());
        if self.requested_for(command, period)? {
            return Ok(Answered::again(self.seen(&lots)));
        }
        self.has_begun(period)?;
        if self.is_charged_back(period) {
            return Err(refused("CHARGED_BACK"));
        }
        if self.is_unpaid(period) {
            return Err(refused("UNPAID"));
        }
        let before = self.period_refunds.iter().find(|refund| refund.period == period).cloned();
        let unspent = |model: &Model, unit| -> i64 {
            let own = lots.iter().map(|n| &model.lots[*n]).filter(|lot| lot.unit == unit);
            own.map(|lot| lot.free + lot.waiting).sum()
        };
        let there = UNITS.map(|(unit, _)| (unit, unspent(self, unit)));
        self.went_back(period, (1, 1), true, &chargeback.request);
        let taken = there.map(|(unit, there)| (unit, there - unspent(self, unit))).into();
        self.disputes.push(Dispute { period, before, taken });
        self.suspend(PaymentSubject::Period(period), Vec::new());
        self.names_period(&chargeback.request, period);
        self.remember(command, EntryKind::ChargedBack);
        Ok(Answered::done(self.seen(&lots)))
    }

    /// Records that the dispute about a period was won: the share that had gone back before it counts again.
    pub(super) fn reverse_period(
        &mut self,
        reverse: &ReverseChargeback,
        period: PeriodId,
    ) -> Result<Answered, Refusal> {
        let payment = PaymentSubject::Period(period);
        if self.requested_for(&Command::ReverseChargeback(reverse.clone()), period)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        let standing = self.chargebacks.iter().position(|(of, ..)| *of == payment);
        let Some(standing) = standing else {
            self.has_begun(period)?;
            return Err(Refusal::new("NOT_CHARGED_BACK"));
        };
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        let (_, suspends, _) = self.chargebacks.remove(standing);
        self.withdraw_chargeback(period, &reverse.request);
        self.names_period(&reverse.request, period);
        self.release(suspends);
        self.remember(&Command::ReverseChargeback(reverse.clone()), EntryKind::ChargebackReversed);
        Ok(Answered::done(Seen::Wallet))
    }

    /// Withdraws the chargeback of a period: returns only the credits that were taken because of it, and withdraws its debt.
    fn withdraw_chargeback(&mut self, period: PeriodId, request: &RequestId) {
        let Some(at) = self.disputes.iter().position(|dispute| dispute.period == period) else { return };
        let Dispute { mut before, taken, .. } = self.disputes.remove(at);
        let standing = self.period_refunds.iter().position(|refund| refund.period == period);
        let standing = standing.map(|at| self.period_refunds.remove(at));
        let owed = |refund: &Option<PeriodRefund>, unit: Unit| {
            refund.as_ref().map_or(0, |refund| refund.owed.get(unit).copied().unwrap_or(0))
        };
        let mut corrections = 0;
        for (unit, _) in UNITS {
            let more = owed(&standing, unit) - owed(&before, unit);
            corrections += self.withdraw(unit, more, request, corrections);
        }
        for (unit, amount) in taken {
            let own: Vec<usize> =
                self.lots_of_period(period).into_iter().filter(|n| self.lots[*n].unit == unit).collect();
            if let Some(before) = before.as_mut().filter(|_| amount < 0) {
                // The earlier refund would have taken this much more.
                let there = self.take_unspent(&own, unit, -amount);
                *before.claims.entry(unit).or_default() += -amount - there;
            }
            corrections += self.give_again(own, amount, request, corrections);
        }
        self.period_refunds.extend(before);
    }

    /// Returns the indexes of the lots of a period, in the order of their keys. A late payment is not for those that were
    /// given before the period ended unpaid.
    pub(super) fn lots_of_period(&self, period: PeriodId) -> Vec<usize> {
        let never_paid = self.never_paid.contains(&period);
        let mut lots: Vec<usize> = (0..self.lots.len()).collect();
        lots.retain(|n| self.lots[*n].period == Some(period) && (never_paid || !self.lots[*n].unpaid));
        lots.sort_by_key(|n| self.lots[*n].key.clone());
        lots
    }

    /// Returns the period that a request names by its start: as it was when the request was carried out first, otherwise that
    /// of the last subscription with such a period.
    pub(super) fn named_period(&self, request: &RequestId, start: Timestamp) -> PeriodId {
        let before = self.named_periods.iter().find(|(of, period)| of == request && period.start == start);
        if let Some((_, period)) = before {
            return *period;
        }
        let of_lots = self.lots.iter().filter_map(|lot| lot.period);
        let of_payments = self.payments.iter().map(|payment| payment.period);
        let of_chargebacks = self.chargebacks.iter().filter_map(|(payment, ..)| payment.period());
        let of_sub = self.sub.iter().flat_map(|sub| {
            let last = start.min(Timestamp::from_micros(NEVER - 1)).as_micros();
            let starts = (sub.period..).map(|n| sub.start_of(n)).take_while(move |start| *start <= last);
            starts.map(|start| sub.period_from(start))
        });
        let all = of_lots.chain(of_payments).chain(of_chargebacks).chain(of_sub);
        let last = all.filter(|period| period.start == start).max();
        last.unwrap_or(PeriodId { subscription: 0, start })
    }

    /// Returns whether a request was about a period before.
    pub(super) fn names_again(&self, request: &RequestId) -> bool {
        self.named_periods.iter().any(|(of, _)| of == request)
    }

    /// Returns the last of these periods that has a recorded refund, unless the one that is meant otherwise has.
    pub(super) fn last_refunded(
        &self,
        last: PeriodId,
        reference: Option<&OriginId>,
        others: impl Fn(PeriodId) -> bool,
    ) -> PeriodId {
        let refunded = self.period_refunds.iter().filter(|refund| refund.cents.is_some());
        let periods = refunded.map(|refund| refund.period);
        if self.failed_ahead(last, reference).is_some() || periods.clone().any(|period| period == last) {
            return last;
        }
        periods.filter(|period| others(*period)).max().unwrap_or(last)
    }

    /// Returns the last of these periods that is charged back, otherwise the one that is meant then.
    pub(super) fn last_disputed(&self, last: PeriodId, others: impl Fn(PeriodId) -> bool) -> PeriodId {
        let disputed = self.chargebacks.iter().filter_map(|(payment, ..)| payment.period());
        disputed.filter(|period| others(*period)).max().unwrap_or(last)
    }

    /// Records another total of a payment that went back before its period began. The same one changes nothing, and
    /// with 0 the payment is there again: for its period, if that has begun or can, otherwise for another one.
    fn refund_again(&mut self, refund: &RecordRefund, at: usize) -> Result<(), Refusal> {
        let (period, is_replaced) = (self.payments[at].period, self.is_replaced(at));
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        if !is_replaced && self.is_charged_back(period) {
            return Err(refused("CHARGED_BACK"));
        }
        let back = self.payments[at].back.as_ref();
        if refund.total.minor_units == 0 && back.is_some_and(|back| back.currency != refund.total.currency) {
            return Err(Refusal::field());
        }
        if refund.total.minor_units > 0 {
            if back != Some(&refund.total) {
                return Err(refused("ALREADY_REFUNDED"));
            }
            self.payments[at].free = false;
            return Ok(());
        }
        if !is_replaced && (self.begun.contains(&period) || self.comes_again(at)) {
            (self.payments[at].went_back, self.payments[at].free) = (false, false);
        } else {
            self.payments[at].free = true;
        }
        Ok(())
    }

    /// Returns whether a request about a period was carried out before.
    pub(super) fn requested_for(&self, command: &Command, period: PeriodId) -> Result<bool, Refusal> {
        let again = self.requested(command)?;
        let other =
            |(of, before): &(RequestId, PeriodId)| Some(of) == command.request_id() && *before != period;
        if self.named_periods.iter().any(other) { Err(mismatch(&["period_start_time"])) } else { Ok(again) }
    }

    /// Refuses a period that has not begun.
    fn has_begun(&self, period: PeriodId) -> Result<(), Refusal> {
        let is_present = self.sub.as_ref().is_some_and(|sub| sub.present() == period);
        if is_present || !self.lots_of_period(period).is_empty() { Ok(()) } else { Err(Refusal::field()) }
    }

    fn is_unpaid(&self, period: PeriodId) -> bool {
        let present = self.sub.as_ref().filter(|sub| sub.present() == period);
        self.never_paid.contains(&period) || present.is_some_and(|sub| sub.provisional)
    }

    pub(crate) fn is_charged_back(&self, period: PeriodId) -> bool {
        let payment = PaymentSubject::Period(period);
        self.chargebacks.iter().any(|(of, ..)| *of == payment)
    }
}
