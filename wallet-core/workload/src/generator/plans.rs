//! Commands of subscriptions: sales, changes, payments, cancels, resumptions.

use std::collections::BTreeMap;

use wallet_core::decide::{
    CancelSubscription, ChangePlan, PauseSubscription, RecordPayment, RefundSubscription, ResumeSubscription,
    Subscribe,
};
use wallet_core::grant::Money;
use wallet_core::payment::Paid;
use wallet_core::sold::Overrides;
use wallet_core::subscription::{UnusedCredits, When};
use wallet_core::{Amounts, Command, RequestId, Timestamp};

use super::{Generator, amounts};
use crate::model::{HOUR, Model, PLANS, Sub};

impl Generator {
    pub(super) fn plan(&mut self, model: &Model) -> Option<Command> {
        let Some(sub) = &model.sub else {
            let ago = self.rng.within(0, 160) * HOUR;
            let anchor = self.rng.percent(20).then_some(Timestamp::from_micros(model.now - ago));
            // Sometimes the anchor is the start of a period of an earlier subscription.
            let mut rng = self.rng.clone();
            let paid = model.payments.iter().map(|payment| payment.period.start);
            let given = model.lots.iter().filter_map(|lot| lot.period).map(|period| period.start);
            let starts: Vec<Timestamp> = paid.chain(given).filter(|it| it.as_micros() <= model.now).collect();
            let again = rng.percent(30);
            let before = rng.pick(&starts).filter(|_| again);
            let anchor = before.copied().or(anchor);
            return Some(Command::Subscribe(Subscribe {
                request: self.new_id("r"),
                plan: self.any_plan(),
                overrides: self.overrides(),
                quantity: self.quantity(),
                anchor,
                paid: self.paid(model),
            }));
        };
        let request = self.new_id("r");
        if let Some(command) = self.unusual_payment(model, sub, &request) {
            return Some(command);
        }
        let due =
            (sub.sold.on_payment || sub.sold.provisional.is_some()) && sub.after_paid() <= sub.period + 2;
        Some(match self.rng.within(0, 99) {
            3..38 if due => self.payment(model, sub, request),
            0..5 => self.payment(model, sub, request),
            // Refused for most plans.
            38..40 => self.refund_plan(model, request),
            82..92 if ["annual", "pro", "keeper"].contains(&sub.sold.plan) => {
                self.refund_plan(model, request)
            }
            5..60 => {
                let plan = if self.rng.percent(10) { sub.sold.plan.to_owned() } else { self.any_plan() };
                let when = [When::Now, When::AtPeriodEnd];
                let unused = [UnusedCredits::Keep, UnusedCredits::Expire];
                Command::ChangePlan(ChangePlan {
                    request,
                    plan,
                    overrides: self.overrides(),
                    quantity: self.quantity(),
                    when: if self.rng.percent(30) { self.rng.pick(&when).copied() } else { None },
                    unused: if self.rng.percent(10) { self.rng.pick(&unused).copied() } else { None },
                    paid: self.paid(model),
                })
            }
            60..82 => {
                let (now, reason) = (self.rng.percent(35), "asked to".to_owned());
                let expire_credits = now && self.rng.percent(50);
                Command::CancelSubscription(CancelSubscription { request, now, expire_credits, reason })
            }
            92..96 => {
                let ahead = self.rng.within(-2, 900) * HOUR;
                let until = self.rng.percent(50).then_some(Timestamp::from_micros(model.now + ahead));
                Command::PauseSubscription(PauseSubscription { request, until, reason: String::new() })
            }
            _ => Command::ResumeSubscription(ResumeSubscription { request }),
        })
    }

    pub(super) fn refund_plan(&mut self, model: &Model, request: RequestId) -> Command {
        let ago = self.rng.within(-1, 50) * HOUR;
        let asked = self.rng.percent(40).then_some(Timestamp::from_micros(model.now - ago));
        Command::RefundSubscription(RefundSubscription {
            request,
            requested_time: asked,
            reason: String::new(),
        })
    }

    /// Returns a payment, most often for the period that is due.
    fn payment(&mut self, model: &Model, sub: &Sub, request: RequestId) -> Command {
        let period = self.rng.within(0, 4);
        let period = sub.period.saturating_add(u32::try_from(period).unwrap_or(0));
        let start = Timestamp::from_micros(sub.start_of(period));
        let period_start = self.rng.percent(25).then_some(start);
        let paid = self.paid(model);
        Command::RecordPayment(RecordPayment { request, period_start, paid, reason: String::new() })
    }

    /// Returns mostly nothing, sometimes an amount and a reference: a new one, or an earlier one.
    fn paid(&mut self, model: &Model) -> Paid {
        if self.rng.percent(80) {
            return Paid::default();
        }
        let before = model.last_payment().filter(|_| self.rng.percent(30));
        let reference = before.unwrap_or_else(|| self.new_id("pay"));
        let minor_units = self.rng.within(100, 9_000);
        let amount = self.rng.percent(60).then(|| Money { currency: "EUR".to_owned(), minor_units });
        Paid { amount, reference: Some(reference) }
    }

    /// Returns mostly the default, sometimes a few seats.
    fn quantity(&mut self) -> Option<u32> {
        self.rng.percent(15).then(|| u32::try_from(self.rng.within(1, 4)).unwrap_or(1))
    }

    fn any_plan(&mut self) -> String {
        // The plan with periods that are left unpaid and paid late.
        if self.rng.percent(8) {
            return "lenient".to_owned();
        }
        self.rng.pick(&PLANS).map_or("pro", |plan| plan.id).to_owned()
    }

    fn overrides(&mut self) -> Overrides {
        if self.rng.percent(85) {
            return Overrides::default();
        }
        let credits = self.rng.within(0, 3000);
        let rank = u32::try_from(self.rng.within(0, 4)).unwrap_or(0);
        let limit = self.rng.within(2, 9).unsigned_abs();
        Overrides {
            entitlements: None,
            allowances: if self.rng.percent(60) { amounts(&[("credits", credits)]) } else { Amounts::none() },
            limits: if self.rng.percent(30) {
                BTreeMap::from([("concurrency".to_owned(), limit)])
            } else {
                BTreeMap::new()
            },
            rank: self.rng.percent(40).then_some(rank),
        }
    }
}
