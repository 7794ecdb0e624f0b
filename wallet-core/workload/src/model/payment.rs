//! Payments for periods.

use wallet_core::decide::RecordPayment;
use wallet_core::entry::EntryKind;
use wallet_core::{Command, Timestamp};

use super::answer::{Answered, Refusal, Seen};
use super::calendar::Every;
use super::state::Model;

impl Model {
    pub(super) fn record_payment(
        &mut self,
        payment: &RecordPayment,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        let reference = payment.paid.reference.as_ref();
        let known =
            reference.is_some() && self.payments.iter().any(|(paid, _)| paid.reference.as_ref() == reference);
        if self.requested(command)? || known {
            return Ok(Answered::again(Seen::Wallet));
        }
        let mut sub = self.subscription()?;
        if sub.paused {
            return Err(Refusal::new("SUBSCRIPTION_PAUSED"));
        }
        if sub.sold.every == Every::Once {
            return Err(Refusal::field());
        }
        let ends = |at: i64| Refusal::new("SUBSCRIPTION_ENDS").saying("end_time", Timestamp::from_micros(at));
        let begun = (sub.past_due || sub.provisional).then(|| {
            if sub.provisional {
                return sub.boundary(sub.period);
            }
            let mut begun = sub.clone();
            begun.go_on(self.now);
            begun.boundary(begun.period)
        });
        let named = payment.period_start.map(|start| start.as_micros());
        let next = (sub.period + 1..).find(|n| !sub.paid.contains(n)).unwrap_or(0);
        let next = begun.unwrap_or_else(|| sub.boundary(next));
        let start = named.unwrap_or(next);
        if begun == Some(start) {
            if sub.ends.is_some() {
                return Err(ends(if sub.provisional { start } else { sub.end() }));
            }
            if sub.provisional {
                self.complete(&sub, sub.sold.clone());
            } else {
                self.give_late(sub, self.now);
            }
        } else {
            let latest = sub.period + if begun.is_some() { 13 } else { 12 };
            let n = (0..=latest + 1).find(|n| sub.boundary(*n) == start);
            let n = n.filter(|n| *n <= latest || named.is_none()).ok_or_else(Refusal::field)?;
            if n <= sub.period || sub.paid.contains(&n) {
                let refusal = Refusal::new("PERIOD_PAID");
                let refusal = refusal.saying("period_start_time", Timestamp::from_micros(start));
                return Err(refusal.saying("next_start_time", Timestamp::from_micros(next)));
            }
            let other = sub.change.as_ref().filter(|(sold, _)| sold.every != sub.sold.every);
            if let Some(last) = sub.ends.filter(|last| n >= *last) {
                return Err(ends(sub.boundary(last)));
            }
            if let Some((_, last)) = other.filter(|(_, last)| n > *last) {
                return Err(ends(sub.boundary(*last)));
            }
            if n > latest || sub.provisional || begun.is_some_and(|begun| start < begun) {
                return Err(Refusal::field());
            }
            sub.paid.push(n);
            self.subscribed(sub);
        }
        self.paid_for(&payment.paid, start);
        self.remember(command, EntryKind::PaymentRecorded);
        Ok(Answered::done(Seen::Wallet))
    }
}
