//! Purchases that are refunded or charged back.

use std::collections::BTreeSet;

use wallet_core::decide::{
    CloseWallet, PaymentName, Purchase, PurchaseName, RecordChargeback, RefundTopUp, ReverseChargeback, TopUp,
};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{Clawback, ExternalRef, GrantKey, Origin};
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId, PaymentSubject, RequestId, Source};

use super::answer::{Answered, Refusal, Seen};
use super::catalog::{GOODWILL, PACKS, Refund, UNITS, Unit};
use super::reversal::part;
use super::state::{Lot, Model};

impl Lot {
    /// Returns the purchase that the lot comes from, directly or as grace credits.
    pub(crate) fn purchase(&self) -> Option<&OriginId> {
        let first = self.first.as_ref().unwrap_or(&self.key);
        if first.origin == Origin::TopUp { Some(&first.id) } else { None }
    }

    /// Returns the payment of the purchase and its line.
    pub(super) fn payment(&self) -> Option<(&ExternalRef, Option<&OriginId>)> {
        match &self.command {
            Some(Command::TopUp(c)) => Some((c.external_ref.as_ref()?, c.line.as_ref())),
            _ => None,
        }
    }

    /// Returns the price of the purchase.
    pub(super) fn cents(&self) -> Option<i64> {
        match &self.command {
            Some(Command::TopUp(c)) => c.paid_amount.as_ref().map(|money| money.minor_units),
            _ => None,
        }
    }

    /// Returns the instant at which the purchase was paid.
    pub(crate) fn paid(&self) -> i64 {
        match &self.command {
            Some(Command::TopUp(c)) => c.paid_time.map_or(self.made, |paid| paid.as_micros()),
            _ => self.made,
        }
    }
}

pub(super) fn refused(cause: &str) -> Refusal {
    Refusal::new("NOT_REFUNDABLE").with("cause", cause)
}

impl Model {
    /// Refuses a payment that bought several purchases.
    pub(super) fn one_purchase(&self, named: &PurchaseName) -> Result<(), Refusal> {
        let PurchaseName::Payment(payment) = named else { return Ok(()) };
        let paid = self.lots.iter().filter(|lot| lot.payment().is_some_and(|(of, _)| of == payment));
        let ids: BTreeSet<_> = paid.map(|lot| &lot.key.id).collect();
        if ids.len() > 1 { Err(Refusal::field()) } else { Ok(()) }
    }

    /// Returns a purchase by its `top_up_id`, if it is named by a payment that bought one.
    pub(super) fn by_id(&self, purchase: &PurchaseName) -> PurchaseName {
        let PurchaseName::Payment(payment) = purchase else { return purchase.clone() };
        let paid = |lot: &&Lot| lot.payment().is_some_and(|(of, _)| of == payment);
        // The core looks through the grants in the order of their ids.
        let id = self.lots.iter().filter(paid).min_by_key(|lot| &lot.key).map(|lot| lot.key.id.clone());
        id.map_or_else(|| purchase.clone(), PurchaseName::TopUp)
    }

    /// Returns the indexes of the lots of a purchase, its own first.
    pub(super) fn purchased(&self, purchase: &PurchaseName) -> Vec<usize> {
        let PurchaseName::TopUp(id) = purchase else { return Vec::new() };
        let mut lots: Vec<usize> = (0..self.lots.len()).collect();
        lots.retain(|n| self.lots[*n].purchase() == Some(id));
        lots.sort_by_key(|n| &self.lots[*n].key);
        lots
    }

    /// Returns the refund rule of the pack that a lot was bought with.
    fn refund_rule(&self, n: usize) -> Refund {
        let pack = match &self.lots[n].command {
            Some(Command::TopUp(TopUp { purchase: Purchase::Pack(sale), .. })) => Some(&sale.id),
            _ => None,
        };
        let pack = pack.and_then(|id| PACKS.iter().find(|pack| pack.id == *id));
        pack.map_or(Refund::OF_AMOUNTS, |pack| pack.refund)
    }

    /// Returns the credits of a purchase that are left, of those that were bought: of the unit of which the smallest
    /// share is left.
    fn left_of(&self, lots: &[usize]) -> (i64, i64) {
        let mut least = (1, 1);
        for (unit, _) in UNITS {
            let of_unit = || lots.iter().map(|n| &self.lots[*n]).filter(|lot| lot.unit == unit);
            let bought: i64 = of_unit().filter(|lot| lot.first.is_none()).map(|lot| lot.amount).sum();
            let left = of_unit().map(|lot| lot.free + lot.waiting).sum::<i64>().min(bought);
            if bought > 0 && left * least.1 < least.0 * bought {
                least = (left, bought);
            }
        }
        least
    }

    pub(super) fn seen(&self, lots: &[usize]) -> Seen {
        Seen::Lots(lots.iter().map(|n| self.lots[*n].key.clone()).collect())
    }

    pub(super) fn refund(&mut self, refund: &RefundTopUp) -> Result<Answered, Refusal> {
        let purchase = self.by_id(&refund.purchase);
        let lots = self.purchased(&purchase);
        let command = &Command::RefundTopUp(RefundTopUp { purchase, ..refund.clone() });
        if self.requested(command)? {
            return Ok(Answered::again(self.seen(&lots)));
        }
        self.one_purchase(&refund.purchase)?;
        let first = lots.first().ok_or_else(|| Refusal::new("TOP_UP_NOT_FOUND"))?;
        let paid = self.lots[*first].paid();
        let asked = refund.requested_time.map_or(self.now, |time| time.as_micros());
        if asked > self.now || asked < paid {
            return Err(Refusal::field());
        }
        let clawback = lots.iter().filter_map(|n| self.lots[*n].clawback).max();
        let used = lots.iter().any(|n| self.lots[*n].used > 0);
        let held = lots.iter().any(|n| self.held_of(&self.lots[*n].key) > 0);
        match clawback {
            Some(Clawback::ChargedBack) => return Err(refused("CHARGED_BACK")),
            _ if self.recorded_of(*first).is_some_and(|(_, cents, _)| *cents > 0) => {
                return Err(refused("ALREADY_REFUNDED"));
            }
            Some(Clawback::Refunded) => return Err(refused("ALREADY_REFUNDED")),
            Some(Clawback::Revoked) => return Err(refused("REVOKED")),
            None => {}
        }
        let rule = self.refund_rule(*first);
        let in_time = asked < paid + rule.window;
        let whole = in_time && (!rule.only_unused || !used && !held);
        let money = self.lots[*first].cents();
        if !whole {
            let (left, of) = self.left_of(&lots);
            match rule.unused {
                false if rule.window == 0 => return Err(refused("NOT_OFFERED")),
                false if !in_time => return Err(refused("TOO_LATE")),
                false if used => return Err(refused("CREDITS_USED")),
                false => return Err(refused("HOLDS_OUTSTANDING")),
                true if held => return Err(refused("HOLDS_OUTSTANDING")),
                true if left == 0 => return Err(refused("CREDITS_USED")),
                true => {}
            }
            self.part_refunds.push((refund.request.clone(), money.map(|money| part(money, left, of))));
        }
        for n in &lots {
            self.mark_changed_if_free(*n);
            let lot = &mut self.lots[*n];
            lot.paid_out += lot.free + lot.waiting;
            (lot.free, lot.waiting) = (0, 0);
            lot.clawback = Some(Clawback::Refunded);
        }
        self.remember(command, EntryKind::TopUpRefunded);
        Ok(Answered::done(self.seen(&lots)))
    }

    pub(super) fn charge_back(&mut self, chargeback: &RecordChargeback) -> Result<Answered, Refusal> {
        let named = match &chargeback.payment {
            PaymentName::Purchase(named) => named,
            PaymentName::Period(start) => {
                return self.charge_back_period(chargeback, self.named_period(&chargeback.request, *start));
            }
            PaymentName::PaidPeriod(reference) => {
                let Some(period) = self.period_paid_with(&chargeback.request, reference) else {
                    let again = self.requested(&Command::RecordChargeback(chargeback.clone()));
                    return again.and(Err(Refusal::field()));
                };
                let payment = PaymentName::Period(period.start);
                let ahead = self.refunded_ahead(period, Some(reference));
                if ahead.is_some_and(|payment| self.is_replaced(payment)) {
                    let payment = RecordChargeback { payment, ..chargeback.clone() };
                    let again = self.requested_for(&Command::RecordChargeback(payment), period)?;
                    let lots = self.lots_of_period(period);
                    return if again {
                        Ok(Answered::again(self.seen(&lots)))
                    } else {
                        Err(refused("ALREADY_REFUNDED"))
                    };
                }
                return self.charge_back_period(&RecordChargeback { payment, ..chargeback.clone() }, period);
            }
        };
        let purchase = self.by_id(named);
        let lots = self.purchased(&purchase);
        let payment = PaymentName::Purchase(purchase.clone());
        let command = &Command::RecordChargeback(RecordChargeback { payment, ..chargeback.clone() });
        if self.requested(command)? {
            return Ok(Answered::again(self.seen(&lots)));
        }
        self.one_purchase(named)?;
        if lots.is_empty() {
            return Err(Refusal::new("TOP_UP_NOT_FOUND"));
        }
        if lots.iter().any(|n| self.lots[*n].clawback == Some(Clawback::ChargedBack)) {
            return Err(refused("CHARGED_BACK"));
        }
        let before =
            lots.iter().filter_map(|n| Some((self.lots[*n].key.clone(), self.lots[*n].clawback?))).collect();
        for (unit, _) in UNITS {
            // A recorded refund may have turned a part into debt already.
            let used = self.used_of(&lots, unit) - self.owed_of(lots[0], unit);
            self.owed.entry(unit).or_default().debt += used;
        }
        for n in &lots {
            self.mark_changed_if_free(*n);
            let lot = &mut self.lots[*n];
            lot.taken += lot.free + lot.waiting;
            (lot.free, lot.waiting) = (0, 0);
            lot.clawback = Some(Clawback::ChargedBack);
        }
        // Other available credits repay the debt at once, in spending order.
        for (unit, _) in super::catalog::UNITS {
            let owed = self.owed(unit).debt;
            for (key, repaid) in self.take(unit, owed.min(self.available(unit))) {
                if let Some(lot) = self.find_lot(&key) {
                    self.lots[lot].used += repaid;
                    self.owed.entry(unit).or_default().debt -= repaid;
                }
            }
        }
        if let PurchaseName::TopUp(id) = purchase {
            self.suspend(PaymentSubject::Purchase(id), before);
        }
        self.remember(command, EntryKind::ChargedBack);
        Ok(Answered::done(self.seen(&lots)))
    }

    /// Suspends the wallet for a chargeback.
    pub(super) fn suspend(&mut self, payment: PaymentSubject, before: Vec<(GrantKey, Clawback)>) {
        let by_others = self.status == WalletStatus::Suspended
            && self.chargebacks.iter().any(|(_, suspends, _)| *suspends);
        let suspends = self.status == WalletStatus::Active || by_others;
        self.chargebacks.push((payment, suspends, before));
        if self.status == WalletStatus::Active {
            self.status = WalletStatus::Suspended;
        }
    }

    /// Ends the suspension for a chargeback, if nothing else holds it.
    pub(super) fn release(&mut self, suspends: bool) {
        let others = self.chargebacks.iter().any(|(_, suspends, _)| *suspends);
        if suspends && !others && self.status == WalletStatus::Suspended {
            self.status = WalletStatus::Active;
        }
    }

    /// Records that a dispute was won: the credits and the debt are as before it.
    pub(super) fn reverse_chargeback(&mut self, reverse: &ReverseChargeback) -> Result<Answered, Refusal> {
        let named = match &reverse.payment {
            PaymentName::Purchase(named) => named,
            PaymentName::Period(start) => {
                let mut period = self.named_period(&reverse.request, *start);
                if !self.names_again(&reverse.request) {
                    period = self.last_disputed(period, |period| period.start == *start);
                }
                return self.reverse_period(reverse, period);
            }
            PaymentName::PaidPeriod(reference) => {
                let Some(mut period) = self.period_paid_with(&reverse.request, reference) else {
                    let again = self.requested(&Command::ReverseChargeback(reverse.clone()));
                    return again.and(Err(Refusal::field()));
                };
                if !self.names_again(&reverse.request) {
                    let names = self.named_by(reference);
                    period = self.last_disputed(period, |other| other == period || names.contains(&other));
                }
                let payment = PaymentName::Period(period.start);
                return self.reverse_period(&ReverseChargeback { payment, ..reverse.clone() }, period);
            }
        };
        let purchase = self.by_id(named);
        let lots = self.purchased(&purchase);
        let payment = PaymentName::Purchase(purchase.clone());
        let command = &Command::ReverseChargeback(ReverseChargeback { payment, ..reverse.clone() });
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        self.one_purchase(named)?;
        let PurchaseName::TopUp(id) = purchase else { return Err(Refusal::new("TOP_UP_NOT_FOUND")) };
        if lots.is_empty() {
            return Err(Refusal::new("TOP_UP_NOT_FOUND"));
        }
        let payment = PaymentSubject::Purchase(id);
        let standing = self.chargebacks.iter().position(|(of, ..)| *of == payment);
        let standing = standing.ok_or_else(|| Refusal::new("NOT_CHARGED_BACK"))?;
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        let (_, suspends, before) = self.chargebacks.remove(standing);
        let mut corrections = 0;
        for (unit, _) in UNITS {
            let used = self.used_of(&lots, unit) - self.owed_of(lots[0], unit);
            corrections += self.withdraw(unit, used, &reverse.request, corrections);
        }
        for n in lots {
            if self.lots[n].clawback != Some(Clawback::ChargedBack) {
                continue;
            }
            let earlier = before.iter().find(|(key, _)| *key == self.lots[n].key).map(|(_, why)| *why);
            let revoked = self.lots[n].revoked.then_some(Clawback::Revoked);
            self.lots[n].clawback = earlier.max(revoked);
            if self.lots[n].clawback.is_none() {
                let back = std::mem::take(&mut self.lots[n].taken);
                corrections += self.bring_back(n, back, &reverse.request, corrections);
            }
        }
        self.release(suspends);
        self.remember(command, EntryKind::ChargebackReversed);
        Ok(Answered::done(Seen::Wallet))
    }

    /// Gives credits back to their lot, or to a new one like it for 30 days if that has ended. Returns the number of
    /// new lots.
    pub(super) fn bring_back(&mut self, n: usize, amount: i64, request: &RequestId, corrections: u16) -> u16 {
        if amount == 0 {
            return 0;
        }
        if self.lots[n].until > self.now {
            self.lots[n].free += amount;
            self.mark_changed(self.lots[n].unit);
            self.repay(n, amount);
            return 0;
        }
        self.lots[n].expired += amount;
        let old = self.lots[n].clone();
        let until = self.now + GOODWILL;
        let warn = Self::warning(self.plan().warns, self.now, until);
        let first = Some(old.first.clone().unwrap_or_else(|| old.key.clone()));
        let source = old.first_source.unwrap_or(old.source);
        let lot = self.correction(request, corrections, old.unit, amount);
        self.correct(Lot { source, until, warn, first, period: old.period, unpaid: old.unpaid, ..lot })
    }

    pub(super) fn correction(&self, request: &RequestId, n: u16, unit: Unit, amount: i64) -> Lot {
        let key = GrantKey::new(Origin::Correction, OriginId::from(request.clone()), n);
        Lot::new(key, unit, Source::Adjustment, amount, self.now)
    }

    pub(super) fn correct(&mut self, lot: Lot) -> u16 {
        if lot.amount == 0 {
            return 0;
        }
        self.issue(lot, self.now);
        1
    }

    /// Closes the wallet for good.
    pub(super) fn close(&mut self, close: &CloseWallet, command: &Command) -> Result<Answered, Refusal> {
        let CloseWallet { request: _, reason: _ } = close;
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        let open = self.open_jobs().count();
        if open > 0 {
            return Err(Refusal::new("OPEN_RESERVATIONS").with("open", open));
        }
        if let Some((unit, _)) = UNITS.iter().find(|(unit, _)| self.owed(unit).debt > 0) {
            let debt = self.owed(unit).debt;
            return Err(Refusal::new("IN_DEBT").with("unit", unit).with("debt", debt));
        }
        for n in 0..self.lots.len() {
            self.mark_changed_if_free(n);
            let lot = &mut self.lots[n];
            if lot.free + lot.waiting > 0 {
                lot.taken += lot.free + lot.waiting;
                (lot.free, lot.waiting) = (0, 0);
                lot.clawback = lot.clawback.max(Some(Clawback::Revoked));
            }
        }
        self.free_payments_ahead();
        let unpaid = self.sub.take().filter(|sub| sub.provisional);
        self.never_paid.extend(unpaid.map(|sub| sub.present()));
        self.status = WalletStatus::Closed;
        self.remember(command, EntryKind::WalletClosed);
        Ok(Answered::done(Seen::Wallet))
    }
}
