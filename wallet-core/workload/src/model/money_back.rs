//! Purchases that are refunded or charged back.

use std::collections::BTreeSet;

use wallet_core::decide::{Purchase, PurchaseName, RecordChargeback, RefundTopUp, TopUp};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{Clawback, ExternalRef, Origin};
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId};

use super::answer::{Answered, Refusal, Seen};
use super::reversal::part;
use super::sold::{PACKS, Refund, UNITS};
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
    fn cents(&self) -> Option<i64> {
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

fn refused(cause: &str) -> Refusal {
    Refusal::new("NOT_REFUNDABLE").saying("cause", cause)
}

impl Model {
    /// Refuses a payment that bought several purchases.
    fn one_purchase(&self, named: &PurchaseName) -> Result<(), Refusal> {
        let PurchaseName::Payment(payment) = named else { return Ok(()) };
        let paid = self.lots.iter().filter(|lot| lot.payment().is_some_and(|(of, _)| of == payment));
        let ids: BTreeSet<_> = paid.map(|lot| &lot.key.id).collect();
        if ids.len() > 1 { Err(Refusal::field()) } else { Ok(()) }
    }

    /// Returns a purchase by its `top_up_id`, if it is named by a payment that bought one.
    fn by_id(&self, purchase: &PurchaseName) -> PurchaseName {
        let PurchaseName::Payment(payment) = purchase else { return purchase.clone() };
        let paid = |lot: &&Lot| lot.payment().is_some_and(|(of, _)| of == payment);
        // The core looks through the grants in the order of their ids.
        let id = self.lots.iter().filter(paid).min_by_key(|lot| &lot.key).map(|lot| lot.key.id.clone());
        id.map_or_else(|| purchase.clone(), PurchaseName::TopUp)
    }

    /// Returns the indexes of the lots of a purchase, its own first.
    fn purchased(&self, purchase: &PurchaseName) -> Vec<usize> {
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

    fn seen(&self, lots: &[usize]) -> Seen {
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
        let gone = lots.iter().filter_map(|n| self.lots[*n].gone).max();
        let used = lots.iter().any(|n| self.lots[*n].used > 0);
        let held = lots.iter().any(|n| self.held_of(&self.lots[*n].key) > 0);
        match gone {
            Some(Clawback::ChargedBack) => return Err(refused("CHARGED_BACK")),
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
            self.stir_if_free(*n);
            let lot = &mut self.lots[*n];
            lot.paid_out += lot.free + lot.waiting;
            (lot.free, lot.waiting) = (0, 0);
            lot.gone = Some(Clawback::Refunded);
        }
        self.remember(command, EntryKind::TopUpRefunded);
        Ok(Answered::done(self.seen(&lots)))
    }

    pub(super) fn charge_back(&mut self, chargeback: &RecordChargeback) -> Result<Answered, Refusal> {
        let purchase = self.by_id(&chargeback.purchase);
        let lots = self.purchased(&purchase);
        let command = &Command::RecordChargeback(RecordChargeback { purchase, ..chargeback.clone() });
        if self.requested(command)? {
            return Ok(Answered::again(self.seen(&lots)));
        }
        self.one_purchase(&chargeback.purchase)?;
        if lots.is_empty() {
            return Err(Refusal::new("TOP_UP_NOT_FOUND"));
        }
        if lots.iter().any(|n| self.lots[*n].gone == Some(Clawback::ChargedBack)) {
            return Err(refused("CHARGED_BACK"));
        }
        for n in &lots {
            self.stir_if_free(*n);
            let lot = &mut self.lots[*n];
            lot.taken += lot.free + lot.waiting;
            (lot.free, lot.waiting) = (0, 0);
            lot.gone = Some(Clawback::ChargedBack);
            self.owed.entry(lot.unit).or_default().debt += lot.used;
        }
        // Other available credits repay the debt at once, in spending order.
        for (unit, _) in super::sold::UNITS {
            let owed = self.owed(unit).debt;
            for (key, repaid) in self.take(unit, owed.min(self.available(unit))) {
                if let Some(lot) = self.find_lot(&key) {
                    self.lots[lot].used += repaid;
                    self.owed.entry(unit).or_default().debt -= repaid;
                }
            }
        }
        if self.status == WalletStatus::Active {
            self.status = WalletStatus::Suspended;
        }
        self.remember(command, EntryKind::ChargedBack);
        Ok(Answered::done(self.seen(&lots)))
    }
}
