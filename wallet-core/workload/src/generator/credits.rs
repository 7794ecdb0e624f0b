//! Commands that issue, revoke and refund credits, and updates of the wallet.

use std::collections::BTreeMap;

use wallet_core::catalog::Threshold;
use wallet_core::decide::{
    CloseWallet, Grant, PackSale, PaymentName, Purchase, PurchaseName, RecordChargeback, RecordRefund,
    RefundTopUp, ReverseChargeback, RevokeGrant, TopUp, UpdateWallet,
};
use wallet_core::grant::{Clawback, ExternalRef, Money};
use wallet_core::refund::UsedCredits;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Amounts, Command, PaymentSubject, PeriodId, Source, Timestamp};

use super::{Generator, amounts, parse, unit};
use crate::model::{DAY, HOUR, Lot, Model, PACKS, SECOND, Sub};

impl Generator {
    pub(super) fn credit(&mut self, model: &Model) -> Option<Command> {
        Some(if self.rng.percent(50) { self.top_up(model) } else { self.grant(model) })
    }

    fn top_up(&mut self, model: &Model) -> Command {
        let id: wallet_core::OriginId = self.new_id("t");
        let packs: Vec<_> = PACKS.iter().filter(|pack| model.sells(pack)).collect();
        let pack = self.rng.pick(&packs).filter(|_| self.rng.clone().percent(60));
        let purchase = match pack {
            Some(pack) => Purchase::Pack(PackSale {
                id: pack.id.to_owned(),
                quantity: if self.rng.percent(15) { self.rng.one_of([2, 3, 4]) } else { 1 },
                catalog_version: self.rng.percent(10).then(|| self.rng.within(1, 2)),
            }),
            None => {
                let of = self.rng.one_of(["credits", "credits", "credits", "trainings", "coins"]);
                Purchase::Amount(unit(of), self.rng.within(1, if of == "trainings" { 5 } else { 400 }))
            }
        };
        let before = model.lots.iter().rev().find_map(|lot| match &lot.command {
            Some(Command::TopUp(before)) => before.external_ref.clone(),
            _ => None,
        });
        let paid = || ExternalRef { provider: parse("stripe"), id: parse(&format!("pay-{id}")) };
        // Sometimes another line of the last payment.
        let (again, line) = (self.rng.percent(15), self.rng.percent(20));
        let external_ref = self.rng.percent(40).then(|| before.filter(|_| again).unwrap_or_else(paid));
        let line = if line && external_ref.is_some() { Some(self.new_id("line")) } else { None };
        let paid_amount = Money { currency: "EUR".to_owned(), minor_units: self.rng.within(100, 9900) };
        let ago = self.rng.within(0, 40) * HOUR;
        let paid_time = self.rng.percent(30).then_some(Timestamp::from_micros(model.now - ago));
        let paid_amount = self.rng.percent(40).then_some(paid_amount);
        Command::TopUp(TopUp {
            id,
            purchase,
            external_ref,
            line,
            paid_amount,
            paid_time,
            labels: BTreeMap::new(),
        })
    }

    fn grant(&mut self, model: &Model) -> Command {
        let of = self.rng.one_of(["credits", "credits", "credits", "trainings", "coins"]);
        let from = match self.rng.within(0, 9) {
            0..6 => None,
            6 | 7 => Some(model.now - self.rng.within(0, 3) * DAY),
            8 => Some(model.now + self.rng.within(1, 200) * HOUR / 4),
            _ => model.upcoming().filter(|due| *due < model.now + 40 * DAY),
        };
        let life = match self.rng.within(0, 9) {
            0..3 => None,
            3..7 => Some(self.rng.within(1, 180) * 60 * SECOND),
            7 => Some(HOUR / 2),
            _ => Some(self.rng.within(1, 60) * DAY),
        };
        let first = from.unwrap_or(model.now).max(model.now);
        let until = match model.upcoming().filter(|due| *due > first && self.rng.percent(15)) {
            Some(due) => Some(due),
            None => life.map(|life| first + life),
        };
        Command::Grant(Grant {
            id: self.new_id("g"),
            unit: unit(of),
            amount: self.rng.within(1, if of == "trainings" { 4 } else { 200 }),
            source: self.rng.one_of(Source::ALL),
            priority: i32::try_from(self.rng.within(-1, 2)).unwrap_or(0),
            effective_time: from.map(Timestamp::from_micros),
            expire_time: until.map(Timestamp::from_micros),
            reason: "sorry".to_owned(),
            labels: BTreeMap::new(),
        })
    }

    pub(super) fn revoke(&mut self, model: &Model) -> Option<Command> {
        let held = self.rng.percent(50);
        let worth = |lot: &&Lot| if held { model.held_of(&lot.key) > 0 } else { lot.free + lot.waiting > 0 };
        let mut lots: Vec<&Lot> = model.lots.iter().filter(worth).collect();
        // Sometimes credits that are charged back: they stay revoked if the dispute is won.
        let in_dispute = |lot: &&Lot| lot.clawback == Some(Clawback::ChargedBack) && !lot.revoked;
        if self.rng.percent(60) && model.lots.iter().any(|lot| in_dispute(&lot)) {
            lots = model.lots.iter().filter(in_dispute).collect();
        }
        let lot = self.rng.pick(&lots)?;
        let grant = lot.key.clone();
        Some(Command::RevokeGrant(RevokeGrant { request: self.new_id("r"), grant, reason: String::new() }))
    }

    /// Refunds or charges back a purchase: mostly in time and unused, sometimes a chargeback or a refund that must
    /// fail.
    pub(super) fn money_back(&mut self, model: &Model) -> Option<Command> {
        if self.rng.percent(25)
            && let Some(command) = self.period_charged_back(model)
        {
            return Some(command);
        }
        let owing =
            model.lots.iter().any(|lot| lot.purchase().is_some() && model.is_held_by_owing_job(&lot.key));
        let hopeless = self.rng.percent(15);
        let by_bank = self.rng.percent(if owing { 60 } else { 25 });
        let at_work = by_bank && self.rng.percent(60);
        let asked = |lot: &Lot| model.now.min(lot.paid() + 24 * HOUR - 1);
        let fits = |lot: &&Lot| {
            let sound = lot.clawback.is_none() && lot.used == 0 && model.held_of(&lot.key) == 0;
            lot.purchase().is_some() && lot.first.is_none() && (hopeless || by_bank || sound)
        };
        let mut lots: Vec<&Lot> = model.lots.iter().filter(fits).collect();
        if at_work && lots.iter().any(|lot| model.held_of(&lot.key) > 0) {
            lots.retain(|lot| model.held_of(&lot.key) > 0);
            // Jobs that may owe, so that one settle has overage and credits whose money has gone back.
            if lots.iter().any(|lot| model.is_held_by_owing_job(&lot.key)) {
                lots.retain(|lot| model.is_held_by_owing_job(&lot.key));
            }
        }
        let lot = *self.rng.pick(&lots)?;
        let (request, reason) = (self.new_id("r"), String::new());
        let purchase = match &lot.command {
            Some(Command::TopUp(TopUp { external_ref: Some(payment), .. })) if self.rng.percent(50) => {
                PurchaseName::Payment(payment.clone())
            }
            _ => PurchaseName::TopUp(lot.purchase()?.clone()),
        };
        if by_bank {
            let payment = PaymentName::Purchase(purchase);
            return Some(Command::RecordChargeback(RecordChargeback { request, payment, reason }));
        }
        let requested_time = match self.rng.within(0, 9) {
            0 => None,
            1 => Some(model.now - self.rng.within(-1, 30) * HOUR),
            _ => Some(asked(lot)),
        };
        let requested_time = requested_time.map(Timestamp::from_micros);
        Some(Command::RefundTopUp(RefundTopUp { request, purchase, requested_time, reason }))
    }

    /// Returns a refund by the payment provider, of a purchase or a period.
    pub(super) fn provider_refund(&mut self, model: &Model) -> Option<Command> {
        let late = self.late_payment_back(model).or_else(|| self.refund_again(model));
        let refund = late.or_else(|| self.refund_before_a_change(model));
        let refund =
            refund.or_else(|| if self.rng.percent(45) { self.refund_of_period(model) } else { None });
        refund.or_else(|| self.refund_of_purchase(model))
    }

    /// Returns the chargeback of a period.
    fn period_charged_back(&mut self, model: &Model) -> Option<Command> {
        let period = self.any_period(model)?;
        let payment = self.payment_for(model, period);
        Some(Command::RecordChargeback(RecordChargeback {
            request: self.new_id("r"),
            payment,
            reason: "dispute".to_owned(),
        }))
    }

    fn refund_of_period(&mut self, model: &Model) -> Option<Command> {
        let period = self.any_period(model)?;
        let ahead = self.period_ahead(model);
        let period = ahead.unwrap_or(period);
        let price = model.price_of_period(period).map_or(100, |(price, _)| price);
        let is_paid = ahead.is_some_and(|ahead| !model.went_back_ahead(ahead));
        let minor_units = if is_paid && self.rng.percent(70) { price } else { self.refunded_total(price) };
        let mut before = model.period_refunds.iter().filter(|refund| refund.period == period);
        let before = before.find_map(|refund| refund.cents).filter(|_| self.rng.clone().percent(15));
        let minor_units = before.unwrap_or(minor_units);
        let payment = self.payment_for(model, period);
        Some(Command::RecordRefund(RecordRefund {
            request: self.new_id("r"),
            payment,
            total: Money { currency: "EUR".to_owned(), minor_units },
            used: self.rng.one_of([UsedCredits::Forgive, UsedCredits::Owe]),
            reason: "paid back".to_owned(),
        }))
    }

    /// Returns, sometimes before a change of plan to come, the refund of a payment ahead in full, or its failure.
    fn refund_before_a_change(&mut self, model: &Model) -> Option<Command> {
        let sub = model.sub.as_ref().filter(|sub| sub.change.is_some() && self.rng.clone().percent(40))?;
        let went_back =
            model.payments.iter().filter(|payment| payment.went_back).map(|payment| payment.period);
        let is_later =
            |period: &PeriodId| period.subscription == sub.id && period.start.as_micros() > model.now;
        let failed = went_back.filter(is_later).map(|period| (period, 0)).next_back();
        let paid = sub.paid.iter().map(|period| sub.period_from(sub.start_of(*period))).next_back();
        let paid = paid.and_then(|period| Some((period, model.price_of_period(period)?.0)));
        let (period, minor_units) = failed.or(paid)?;
        Some(Command::RecordRefund(RecordRefund {
            request: self.new_id("r"),
            payment: self.payment_for(model, period),
            total: Money { currency: "EUR".to_owned(), minor_units },
            used: UsedCredits::Forgive,
            reason: "paid back".to_owned(),
        }))
    }

    /// Names a period by its start or by a payment for it, sometimes by one that is unknown.
    fn payment_for(&mut self, model: &Model, period: PeriodId) -> PaymentName {
        let of_period = model.payments.iter().filter(|payment| payment.period == period);
        let references: Vec<_> = of_period.filter_map(|payment| payment.paid.reference.clone()).collect();
        match self.rng.pick(&references).cloned() {
            Some(reference) if self.rng.percent(50) => PaymentName::PaidPeriod(reference),
            None if self.rng.percent(2) => PaymentName::PaidPeriod(self.new_id("pay")),
            _ => PaymentName::Period(period.start),
        }
    }

    /// Returns a period: mostly the present one, or one that was refunded before.
    fn any_period(&mut self, model: &Model) -> Option<PeriodId> {
        let present = model.sub.as_ref().map(Sub::present);
        let mut periods: Vec<PeriodId> = model.lots.iter().filter_map(|lot| lot.period).collect();
        if self.rng.percent(40) && !model.period_refunds.is_empty() {
            periods = model.period_refunds.iter().map(|refund| refund.period).collect();
        } else if let Some(present) = present.filter(|_| self.rng.percent(70)) {
            periods = vec![present];
        }
        let period = *self.rng.pick(&periods)?;
        let start = period.start.as_micros() + i64::from(self.rng.percent(1));
        Some(PeriodId { start: Timestamp::from_micros(start), ..period })
    }

    /// Returns, sometimes, a period that was paid ahead or whose payment went back.
    fn period_ahead(&mut self, model: &Model) -> Option<PeriodId> {
        let sub = model.sub.as_ref().filter(|_| self.rng.clone().percent(25))?;
        let paid = sub.paid.iter().map(|period| sub.period_from(sub.start_of(*period)));
        let back = model.payments.iter().filter(|payment| payment.went_back).map(|payment| payment.period);
        let periods: Vec<PeriodId> = paid.chain(back).collect();
        self.rng.pick(&periods).copied()
    }

    fn refunded_total(&mut self, price: i64) -> i64 {
        match self.rng.within(0, 19) {
            0..4 => 0,
            4..9 => price,
            9 if self.rng.percent(30) => price + 1,
            _ => self.rng.within(1, price),
        }
    }

    /// Returns the refund of a purchase: mostly of one that was refunded in part before, or is in use.
    fn refund_of_purchase(&mut self, model: &Model) -> Option<Command> {
        let paid = |lot: &&Lot| match &lot.command {
            Some(Command::TopUp(TopUp { paid_amount: Some(_), .. })) => lot.first.is_none(),
            _ => false,
        };
        let mut lots: Vec<&Lot> = model.lots.iter().filter(paid).collect();
        let open = |lot: &Lot| {
            let again = model.recorded.iter().any(|(id, ..)| lot.purchase() == Some(id));
            again || model.held_of(&lot.key) > 0 || lot.used > 0
        };
        if self.rng.percent(80) && lots.iter().any(|lot| open(lot)) {
            lots.retain(|lot| open(lot));
        }
        let lot = *self.rng.pick(&lots)?;
        let Some(Command::TopUp(TopUp { paid_amount: Some(price), external_ref, .. })) = &lot.command else {
            return None;
        };
        let minor_units = self.refunded_total(price.minor_units);
        let purchase = match external_ref {
            Some(payment) if self.rng.percent(50) => PurchaseName::Payment(payment.clone()),
            _ => PurchaseName::TopUp(lot.purchase()?.clone()),
        };
        Some(Command::RecordRefund(RecordRefund {
            request: self.new_id("r"),
            payment: PaymentName::Purchase(purchase),
            total: Money { minor_units, ..price.clone() },
            used: self.rng.one_of([UsedCredits::Forgive, UsedCredits::Owe]),
            reason: "paid back".to_owned(),
        }))
    }

    /// Withdraws a chargeback, mostly one that stands.
    pub(super) fn dispute_won(&mut self, model: &Model) -> Option<Command> {
        let standing: Vec<_> = model.chargebacks.iter().map(|(id, ..)| id.clone()).collect();
        let is_revoked = |payment: &PaymentSubject| {
            let of_lot = |lot: &Lot| lot.purchase().cloned().map(PaymentSubject::Purchase);
            model.lots.iter().any(|lot| lot.revoked && of_lot(lot).as_ref() == Some(payment))
        };
        let revoked: Vec<_> = standing.iter().filter(|payment| is_revoked(payment)).cloned().collect();
        let standing = if revoked.is_empty() { standing } else { revoked };
        let payment = match self.rng.pick(&standing)?.clone() {
            PaymentSubject::Purchase(id) => PaymentName::Purchase(PurchaseName::TopUp(id)),
            PaymentSubject::Period(period) => self.payment_for(model, period),
        };
        let request = self.new_id("r");
        Some(Command::ReverseChargeback(ReverseChargeback { request, payment, reason: "won".to_owned() }))
    }

    /// Closes the wallet: rarely, because nothing else can be done with it afterwards.
    pub(super) fn close(&mut self, model: &Model) -> Option<Command> {
        let late = model.entries > 250 || self.rng.percent(3);
        let request = self.new_id("r");
        late.then(|| Command::CloseWallet(CloseWallet { request, reason: "left".to_owned() }))
    }

    pub(super) fn update(&mut self, model: &Model) -> Option<Command> {
        let status = match self.rng.within(0, 9) {
            0 => Some(WalletStatus::Suspended),
            1 => Some(WalletStatus::Active),
            _ => None,
        };
        let owed = model.owed("credits").debt;
        let more = self.rng.within(0, 150);
        let debt_limits =
            if self.rng.percent(60) { amounts(&[("credits", owed + more)]) } else { Amounts::none() };
        let display_name = self.rng.percent(20).then(|| "Ann B.".to_owned());
        Some(self.changed(status, display_name, debt_limits))
    }

    fn changed(
        &mut self,
        status: Option<WalletStatus>,
        display_name: Option<String>,
        debt_limits: Amounts,
    ) -> Command {
        let (request, reason) = (self.new_id("r"), "asked to".to_owned());
        let low = match self.rng.within(0, 4) {
            0 => Vec::new(),
            1 => vec![Threshold::Amount(self.rng.within(1, 200))],
            _ => vec![Threshold::Amount(25), Threshold::Percent(20)],
        };
        let low_balance = match self.rng.within(0, 2) {
            0 => [].into(),
            _ => [(unit(self.rng.one_of(["credits", "credits", "trainings", "coins"])), low)].into(),
        };
        Command::UpdateWallet(UpdateWallet {
            request,
            status,
            display_name,
            debt_limits,
            low_balance,
            reason,
        })
    }

    /// Enables jobs again: reactivates a suspended wallet, otherwise issues credits.
    pub(super) fn remedies(&mut self, model: &Model) -> Option<Command> {
        if model.status == WalletStatus::Suspended {
            return Some(self.changed(Some(WalletStatus::Active), None, Amounts::none()));
        }
        self.credit(model)
    }
}
