//! Histories in which a payment for a period goes back: paid ahead and refunded before the period begins, or late after the period
//! ended unpaid.

use wallet_core::decide::RecordPayment;
use wallet_core::payment::Paid;
use wallet_core::{Command, PeriodId, RequestId, Timestamp};

use super::Generator;
use crate::model::{Lot, Model, Sub};

impl Generator {
    /// Sometimes the next step of such a history.
    pub(super) fn unusual_payment(
        &mut self,
        model: &Model,
        sub: &Sub,
        request: &RequestId,
    ) -> Option<Command> {
        let chance = self.rng.clone().within(0, 99);
        let is_unpaid = sub.past_due || sub.provisional || sub.paused;
        if model.went_back_ahead(sub.present()) && chance < 40 {
            return Some(self.refund_plan(model, request.clone()));
        }
        let waits = sub.sold.provisional.is_some();
        let start = match sub.paid.is_empty() {
            // A later period that is paid keeps the subscription after this one has ended unpaid.
            false if sub.past_due && chance < 60 => None,
            true if waits && !is_unpaid && chance < 25 => Some(sub.period + 2),
            true if sub.renews_by_the_clock() && !is_unpaid && chance < 10 => Some(sub.period + 1),
            _ => return None,
        };
        let period_start = start.map(|period| Timestamp::from_micros(sub.start_of(period)));
        let reference = self.rng.percent(50).then(|| self.new_id("pay"));
        let paid = Paid { amount: None, reference };
        let request = request.clone();
        Some(Command::RecordPayment(RecordPayment { request, period_start, paid, reason: String::new() }))
    }

    /// Sometimes the present period, if it was paid after it had given credits and ended unpaid.
    pub(super) fn paid_late(&mut self, model: &Model) -> Option<PeriodId> {
        let present = model.sub.as_ref().filter(|sub| !sub.past_due && !sub.provisional)?.present();
        let is_unpaid = |lot: &Lot| lot.unpaid && lot.period == Some(present);
        let is_late = model.lots.iter().any(is_unpaid) && self.rng.clone().percent(60);
        is_late.then_some(present)
    }
}
