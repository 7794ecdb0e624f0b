//! Commands that are refused, or may be: mistakes, races and fraud, a small share of all.

use std::collections::BTreeMap;
use std::time::Duration;

use wallet_core::decide::{
    Cancel, ChangePlan, Cost, ExplicitPrice, Grant, Outcome, PackSale, PaymentName, PriceSource, ProcessDue,
    Purchase, PurchaseName, Quote, RecordPayment, Reserve, ResumeSubscription, RevokeGrant, Settle, Start,
    StartOptions, Subscribe, TopUp,
};
use wallet_core::grant::{ExternalRef, GrantKey};
use wallet_core::payment::Paid;
use wallet_core::reservation::{CancelReason, Failure};
use wallet_core::sold::Overrides;
use wallet_core::{Amounts, Command, Decimal, Operation, Source, Timestamp};

use super::{Generator, amounts, parse};
use crate::model::{Job, Model, SECOND};

impl Generator {
    pub(super) fn wrong(&mut self, model: &Model) -> Option<Command> {
        match self.rng.within(0, 7) {
            0 | 1 => self.altered(),
            2 => self.wrong_end(model),
            3 => self.stale(model),
            4 if self.rng.percent(40) => Some(self.misleading()),
            4 => Some(self.wrong_purchase(model)),
            5 => Some(self.wrong_price(model)),
            6 => Some(self.wrong_plan(model)),
            _ => Some(Command::RevokeGrant(RevokeGrant {
                request: self.new_id("r"),
                grant: GrantKey::parse("grant:nothing").ok()?,
                reason: String::new(),
            })),
        }
    }

    /// Returns a command with an earlier id and other content.
    fn altered(&mut self) -> Option<Command> {
        let mut command = self.again(&Model::default())?;
        match &mut command {
            Command::CreateWallet(c) => c.display_name.push('x'),
            Command::UpdateWallet(c) => c.display_name = Some("other".to_owned()),
            Command::Reserve(Reserve { price: PriceSource::Explicit(price), .. }) if self.rng.percent(50) => {
                price.operation = match price.operation {
                    Some(_) => None,
                    None => Some(Operation {
                        kind: "fixed".to_owned(),
                        attributes: BTreeMap::new(),
                        quantities: BTreeMap::from([("n".to_owned(), 1.into())]),
                    }),
                };
            }
            Command::Reserve(c) if self.rng.percent(50) => c.actor = Some(parse("eve")),
            Command::Reserve(c) => {
                let (amounts, max_amounts) = (amounts(&[("credits", 1)]), Amounts::none());
                c.price = PriceSource::Explicit(ExplicitPrice { amounts, max_amounts, operation: None });
            }
            Command::Settle(c) => {
                let failure = Failure { code: "OTHER".to_owned(), message: String::new() };
                c.outcome = Outcome::Failed(failure);
            }
            Command::Cancel(c) => {
                let by_user = c.reason == CancelReason::User;
                c.reason = if by_user { CancelReason::Platform } else { CancelReason::User };
            }
            Command::TopUp(c) if self.rng.percent(50) => c.id = self.new_id("t"),
            Command::TopUp(c) => c.purchase = Purchase::Amount(parse("credits"), 1_000_000),
            Command::Grant(c) => c.amount += 1,
            Command::Subscribe(c) => c.plan = "trial".to_owned(),
            Command::ChangePlan(c) => c.plan = "week".to_owned(),
            Command::CancelSubscription(c) => c.now = !c.now,
            Command::RevokeGrant(c) => c.grant = GrantKey::parse("grant:nothing").ok()?,
            Command::RefundTopUp(c) => c.purchase = self.no_purchase(),
            Command::RecordChargeback(c) => c.payment = self.no_payment(),
            Command::ReverseCharge(c) => c.amounts = amounts(&[("credits", 1_000_000)]),
            Command::RecordRefund(c) => c.total.minor_units += 1,
            Command::ReverseChargeback(c) => c.payment = self.no_payment(),
            Command::SetAutoTopUp(c) => c.setting = None,
            Command::RecordAutoTopUpFailure(c) => c.top_up = parse("auto-nothing"),
            Command::RefundSubscription(_)
            | Command::CloseWallet(_)
            | Command::PauseSubscription(_)
            | Command::ResumeSubscription(_)
            | Command::RecordPayment(_)
            | Command::Start(_)
            | Command::Extend(_)
            | Command::ProcessDue(ProcessDue) => return None,
        }
        Some(command)
    }

    /// Ends a job that has already ended.
    fn wrong_end(&mut self, model: &Model) -> Option<Command> {
        let ended: Vec<&Job> = model.jobs.iter().rev().filter(|job| !job.is_open()).take(20).collect();
        let id = match self.rng.pick(&ended) {
            Some(job) if self.rng.percent(85) => job.id.clone(),
            _ => parse("nowhere"),
        };
        let odd = amounts(&[("coins", 3)]);
        Some(match self.rng.within(0, 4) {
            0 => Command::Cancel(Cancel {
                id,
                reason: CancelReason::User,
                max_fees: Amounts::none(),
                allow_missing: id_is_known(&ended),
            }),
            1 => {
                let outcome = Outcome::Succeeded(Cost::Amounts(odd));
                Command::Settle(Settle { id, attempt: None, outcome, accept_late: true })
            }
            2 => {
                let usage = BTreeMap::from([("n".to_owned(), Decimal::from_minor(15, 1))]);
                let outcome = Outcome::Succeeded(Cost::Usage(usage));
                Command::Settle(Settle { id, attempt: None, outcome, accept_late: true })
            }
            3 => {
                let failure = Failure { code: "GPU_LOST".to_owned(), message: String::new() };
                let outcome = Outcome::Failed(failure);
                Command::Settle(Settle { id, attempt: Some(0), outcome, accept_late: false })
            }
            _ => Command::Start(Start { id, options: self.some_worker(2) }),
        })
    }

    /// Returns a command of a stale worker, a cancel with a limit below the fee, or one with amounts in the wrong unit.
    fn stale(&mut self, model: &Model) -> Option<Command> {
        let job = self.open_job(model)?;
        let (id, odd) = (job.id.clone(), amounts(&[("coins", 3)]));
        Some(match self.rng.within(0, 4) {
            0 => Command::Start(Start { id, options: self.some_worker(job.attempt.max(1)) }),
            1 => {
                let outcome = Outcome::Succeeded(Cost::AsReserved);
                Command::Settle(Settle { id, attempt: Some(job.attempt - 1), outcome, accept_late: false })
            }
            2 => {
                let outcome = Outcome::Succeeded(Cost::Amounts(odd));
                Command::Settle(Settle { id, attempt: None, outcome, accept_late: false })
            }
            3 => {
                let usage = BTreeMap::from([("n".to_owned(), Decimal::from(3))]);
                let outcome = Outcome::Succeeded(Cost::Usage(usage));
                Command::Settle(Settle { id, attempt: None, outcome, accept_late: false })
            }
            _ => {
                let max_fees = amounts(&[("credits", 0), ("trainings", 0)]);
                Command::Cancel(Cancel { id, reason: CancelReason::User, max_fees, allow_missing: false })
            }
        })
    }

    fn some_worker(&mut self, attempt: i32) -> StartOptions {
        let worker = parse(self.rng.one_of(["w1", "w2", "w3"]));
        StartOptions { worker, attempt, lease: Some(Duration::from_secs(60)) }
    }

    fn no_payment(&mut self) -> PaymentName {
        match self.rng.percent(70) {
            true => PaymentName::Purchase(self.no_purchase()),
            false => PaymentName::Period(Timestamp::from_micros(self.clock)),
        }
    }

    fn no_purchase(&mut self) -> PurchaseName {
        match self.rng.percent(50) {
            true => PurchaseName::TopUp(parse("nothing")),
            false => PurchaseName::Payment(ExternalRef { provider: parse("stripe"), id: parse("nothing") }),
        }
    }

    /// Issues credits under an id with the prefix of a public grant id.
    fn misleading(&mut self) -> Command {
        let word = self.rng.one_of(["top_up:", "grant:", "grace:", "period:"]);
        let id = parse(&format!("{word}{}", self.rng.one_of(["t1", "g1", "j1", "1.0.0"])));
        let (credits, amount) = (parse("credits"), 10);
        if self.rng.percent(50) {
            let purchase = Purchase::Amount(credits, amount);
            return Command::TopUp(TopUp {
                id,
                purchase,
                external_ref: None,
                line: None,
                paid_amount: None,
                paid_time: None,
                labels: BTreeMap::new(),
            });
        }
        Command::Grant(Grant {
            id,
            unit: credits,
            amount,
            source: Source::Adjustment,
            priority: 0,
            effective_time: None,
            expire_time: None,
            reason: String::new(),
            labels: BTreeMap::new(),
        })
    }

    fn wrong_purchase(&mut self, model: &Model) -> Command {
        let paid = model.now - self.rng.within(-10, 1000) * 3600 * SECOND;
        let purchase = match self.rng.within(0, 3) {
            0 => Purchase::Pack(PackSale::one("nothing")),
            1 => Purchase::Pack(PackSale::one("add-on")),
            2 => Purchase::Pack(PackSale::one("quick")),
            _ => Purchase::Amount(parse("gold"), 10),
        };
        let paid_time = Some(Timestamp::from_micros(paid));
        Command::TopUp(TopUp {
            id: self.new_id("t"),
            purchase,
            external_ref: None,
            line: None,
            paid_amount: None,
            paid_time,
            labels: BTreeMap::new(),
        })
    }

    /// Returns a command for a plan that does not exist, a second subscription, or a change without a subscription.
    fn wrong_plan(&mut self, model: &Model) -> Command {
        let plan = self.rng.one_of(["nothing", "pro"]).to_owned();
        let (request, overrides) = (self.new_id("r"), Overrides::default());
        if model.sub.is_some() == self.rng.percent(80) {
            return Command::Subscribe(Subscribe {
                request,
                plan,
                overrides,
                quantity: self.wrong_quantity(),
                anchor: None,
                paid: Paid::default(),
            });
        }
        match self.rng.within(0, 2) {
            0 => Command::ResumeSubscription(ResumeSubscription { request }),
            1 => Command::RecordPayment(RecordPayment {
                request,
                period_start: None,
                paid: Paid::default(),
                reason: String::new(),
            }),
            _ => Command::ChangePlan(ChangePlan {
                request,
                plan,
                overrides,
                quantity: self.wrong_quantity(),
                when: None,
                unused: None,
                paid: Paid::default(),
            }),
        }
    }

    fn wrong_quantity(&mut self) -> Option<u32> {
        self.rng.percent(20).then(|| self.rng.one_of([0, 10_001]))
    }

    /// Returns the command of a job that is too expensive or has no price, an expired quote, or an explicit price whose
    /// operation does not state a quantity.
    fn wrong_price(&mut self, model: &Model) -> Command {
        let too_much = model.available("credits") + self.rng.within(1, 300);
        let quantities = BTreeMap::from([("n".to_owned(), Decimal::from(too_much))]);
        let kind = self.rng.one_of(["capped", "fixed", "fixed", "none"]).to_owned();
        let operation = Operation { kind, attributes: BTreeMap::new(), quantities };
        let limits = if self.rng.percent(30) { amounts(&[("credits", 3)]) } else { Amounts::none() };
        let price = match self.rng.within(0, 9) {
            3..=6 => {
                let kind = self.rng.one_of(["fixed", "preset", "none"]).to_owned();
                let name = self.rng.one_of(["n", "m", ""]).to_owned();
                let mut quantities = BTreeMap::from([(name, Decimal::from(200))]);
                quantities.remove("");
                PriceSource::Explicit(ExplicitPrice {
                    amounts: amounts(&[("credits", 1)]),
                    max_amounts: Amounts::none(),
                    operation: Some(Operation { kind, attributes: BTreeMap::new(), quantities }),
                })
            }
            0 => PriceSource::Quote(Quote {
                operation,
                catalog_version: self.rng.within(1, 2),
                tier: None,
                expire_time: Timestamp::from_micros(model.now - self.rng.within(-5, 5) * SECOND),
            }),
            1 => {
                let (amounts, max_amounts) =
                    (amounts(&[("coins", 10), ("credits", too_much)]), amounts(&[("credits", 1)]));
                PriceSource::Explicit(ExplicitPrice { amounts, max_amounts, operation: None })
            }
            2 => {
                let both = amounts(&[("credits", too_much), ("trainings", 100)]);
                PriceSource::Explicit(ExplicitPrice {
                    amounts: both,
                    max_amounts: Amounts::none(),
                    operation: None,
                })
            }
            _ => PriceSource::Operation(operation),
        };
        Command::Reserve(Reserve {
            id: self.new_id("j"),
            price,
            limits,
            ttl: None,
            start: None,
            actor: None,
            labels: BTreeMap::new(),
        })
    }
}

fn id_is_known(ended: &[&Job]) -> bool {
    ended.is_empty()
}
