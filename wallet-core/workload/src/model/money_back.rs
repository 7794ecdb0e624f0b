//! Purchases that are refunded or charged back.

use wallet_core::decide::{PurchaseName, RecordChargeback, RefundTopUp};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{Clawback, GrantKey, Origin};
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId};

use super::answer::{Answered, Refusal, Seen};
use super::calendar::HOUR;
use super::state::{Lot, Model};

impl Lot {
    /// Returns the purchase that the lot comes from, directly or as grace credits.
    pub(crate) fn purchase(&self) -> Option<&OriginId> {
        let first = self.first.as_ref().unwrap_or(&self.key);
        if first.origin == Origin::TopUp { Some(&first.id) } else { None }
    }

    /// Returns the first lot of grace credits that return to this lot, and their latest end.
    pub(super) fn grace(&self) -> (GrantKey, i64) {
        let first = self.first.clone().unwrap_or_else(|| self.key.clone());
        (first, self.bound.unwrap_or_else(|| self.until.saturating_add(72 * HOUR)))
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
    /// Returns a purchase by its `top_up_id`, if it is named by a payment that bought one.
    fn by_id(&self, purchase: &PurchaseName) -> PurchaseName {
        let PurchaseName::Payment(payment) = purchase else { return purchase.clone() };
        let paid = |lot: &&Lot| match &lot.command {
            Some(Command::TopUp(c)) => c.external_ref.as_ref() == Some(payment),
            _ => false,
        };
        let id = self.lots.iter().find(paid).map(|lot| lot.key.id.clone());
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
            None if asked >= paid + 24 * HOUR => return Err(refused("TOO_LATE")),
            None if used => return Err(refused("CREDITS_USED")),
            None if held => return Err(refused("HOLDS_OUTSTANDING")),
            None => {}
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
