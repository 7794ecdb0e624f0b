//! Commands of subscriptions: sales, changes, payments, cancels, resumptions.

use std::collections::BTreeMap;

use wallet_core::decide::{
    CancelSubscription, ChangePlan, RecordPayment, RefundSubscription, ResumeSubscription, Subscribe,
};
use wallet_core::subscription::Overrides;
use wallet_core::{Amounts, Command, Timestamp};

use super::{Generator, amounts};
use crate::model::{HOUR, Model, PLANS};

impl Generator {
    pub(super) fn plan(&mut self, model: &Model) -> Option<Command> {
        let Some(sub) = &model.sub else {
            let ago = self.rng.within(0, 160) * HOUR;
            let anchor = self.rng.percent(20).then_some(Timestamp::from_micros(model.now - ago));
            return Some(Command::Subscribe(Subscribe {
                request: self.new_id("r"),
                plan: self.any_plan(),
                overrides: self.overrides(),
                anchor,
            }));
        };
        let request = self.new_id("r");
        let due = sub.sold.on_payment && sub.paid <= sub.period + 1;
        Some(match self.rng.within(0, 99) {
            3..38 if due => Command::RecordPayment(RecordPayment { request, reason: String::new() }),
            0..3 => Command::RecordPayment(RecordPayment { request, reason: String::new() }),
            // Refused for most plans: only yearly ones are refundable.
            38..40 => Command::RefundSubscription(RefundSubscription { request, reason: String::new() }),
            82..92 if sub.sold.plan == "annual" => {
                Command::RefundSubscription(RefundSubscription { request, reason: String::new() })
            }
            3..60 => {
                let plan = if self.rng.percent(10) { sub.sold.plan.to_owned() } else { self.any_plan() };
                Command::ChangePlan(ChangePlan { request, plan, overrides: self.overrides() })
            }
            60..82 => {
                let (now, reason) = (self.rng.percent(35), "asked to".to_owned());
                Command::CancelSubscription(CancelSubscription { request, now, reason })
            }
            _ => Command::ResumeSubscription(ResumeSubscription { request }),
        })
    }

    fn any_plan(&mut self) -> String {
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
