//! Random histories of plans: payments in any order and delay that go back and come again, changes of plan, pauses and cancels,
//! also at the last microsecond of a period and at its first. No credit of a plan ends before its time (P1), no period gives
//! more than the best plan does (P2), a period that was paid for a change of plan begins as that plan, and with plans
//! that wait for payments no more periods have credits than were paid.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wallet_core::grant::{Grant, GrantKey};
use wallet_core::payment::Payment;
use wallet_core::refund::UsedCredits::Forgive;
use wallet_core::subscription::{Standing, Subscription};
use wallet_core::{PeriodId, Timestamp};

use super::prelude::*;

/// Plans of several prices. In a month of 31 days, the weeks of `mid` give most: 4 windows of 70, and 3 days of one.
const PLANS: &str = r#"
    [[plans]]
    id = "lo"
    rank = 4
    term = "MONTH"
    list_price = { currency = "EUR", minor_units = 900 }
    allowances = [{ unit = "credits", amount = 30 }]

    [[plans]]
    id = "mid"
    rank = 5
    term = "MONTH"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 70, cadence = "WEEK" }]

    [[plans]]
    id = "hi"
    rank = 6
    term = "MONTH"
    list_price = { currency = "EUR", minor_units = 3000 }
    allowances = [{ unit = "credits", amount = 300 }]

    [[plans]]
    id = "two"
    rank = 4
    term = "2 MONTH"
    list_price = { currency = "EUR", minor_units = 1700 }
    allowances = [{ unit = "credits", amount = 300 }]
"#;

const MOST: i64 = 4 * 70 + 30;

/// The number of steps of a history.
const LIFE: usize = 50;

fn catalog(renewal: &str) -> String {
    let plans =
        PLANS.replace("list_price", &format!("renewal = \"{renewal}\"\ndunning = \"5d\"\nlist_price"));
    format!("{}{plans}", plans_without_free_credits())
}

/// A wallet in a random history, and the platform's own record of the money.
struct History {
    world: World,
    random: u64,
    ids: u32,
    /// The invoices that were paid, and whether the platform has the money.
    invoices: BTreeMap<String, bool>,
    /// The plans of changes to come that were paid, by invoice.
    bought: BTreeMap<String, String>,
    /// The periods that were sold without an invoice.
    sold: usize,
    changes: i64,
}

impl History {
    fn new(renewal: &str, seed: u64) -> Self {
        let world = given_catalog(&catalog(renewal), [subscribe("s", "lo")]);
        let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self {
            world,
            random,
            ids: 0,
            invoices: BTreeMap::new(),
            bought: BTreeMap::new(),
            sold: 1,
            changes: 0,
        }
    }

    fn below(&mut self, below: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    fn new_id(&mut self) -> String {
        self.ids += 1;
        format!("r{}", self.ids)
    }

    fn subscription(&self) -> Option<Subscription> {
        self.world.seen().profile.subscription.map(|subscription| *subscription)
    }

    /// Takes a step. Returns whether it had an effect.
    fn take(&mut self, step: Step) -> bool {
        let world = std::mem::replace(&mut self.world, World::new(CATALOG));
        self.world = world.when(step);
        matches!(outcome(&self.world), "done" | "no reply")
    }

    fn step(&mut self) {
        let Some(before) = self.subscription() else {
            let (id, plan) = (self.new_id(), self.plan());
            self.sold += usize::from(self.take(subscribe(&id, plan)));
            return;
        };
        match self.below(20) {
            0..4 => self.pay(&before),
            4 => self.pay_again(),
            5..9 => self.money_goes_back(),
            9..12 => self.change(&before),
            12 => {
                let id = self.new_id();
                let steps = [pause(&id), unsubscribe(&id)];
                let which = usize::try_from(self.below(2)).unwrap();
                self.take(steps[which].clone());
            }
            13 => {
                let id = self.new_id();
                self.take(resume(&id));
            }
            _ => self.wait(&before),
        }
    }

    fn plan(&mut self) -> &'static str {
        ["lo", "mid", "hi", "two"][usize::try_from(self.below(4)).unwrap()]
    }

    fn pay(&mut self, present: &Subscription) {
        let id = self.new_id();
        let invoice = format!("in_{id}");
        let cents = i64::try_from(self.below(4000)).unwrap() + 1;
        let by_list = self.below(2) == 0;
        let mut payment =
            if by_list { pay(&id).referring(&invoice) } else { pay(&id).invoiced(&invoice, cents) };
        if self.below(3) == 0 {
            let ahead = u32::try_from(self.below(4)).unwrap();
            payment = payment.for_period_at(present.start_of(present.period + ahead));
        }
        if self.take(payment) {
            self.bought.extend(self.paid_change(&invoice).map(|plan| (invoice.clone(), plan)));
            self.invoices.insert(invoice, true);
        }
    }

    /// Returns the plan of the change to come that this invoice has paid.
    fn paid_change(&self, invoice: &str) -> Option<String> {
        let profile = self.world.seen().profile;
        let (present, payment) = (profile.subscription?, named(&profile.payments, invoice)?);
        let change = present.change.as_ref()?;
        let is_later = payment.period.start >= present.start_of(change.period);
        is_later.then(|| change.sold.plan.clone())
    }

    fn invoice(&mut self) -> Option<String> {
        let n = self.below(self.invoices.len().max(1) as u64);
        self.invoices.keys().nth(usize::try_from(n).unwrap()).cloned()
    }

    /// The payment provider reports a payment once more.
    fn pay_again(&mut self) {
        let (Some(invoice), id) = (self.invoice(), self.new_id()) else { return };
        self.take(pay(&id).referring(&invoice));
    }

    /// A payment for a period that has not begun goes back, or such a refund fails.
    fn money_goes_back(&mut self) {
        let (now, profile) = (self.world.now, self.world.seen().profile);
        let may_go_back = |payment: &&Payment| payment.refund_ahead.is_some() || payment.period.start > now;
        let payments: Vec<_> = profile.payments.iter().filter(may_go_back).collect();
        let n = usize::try_from(self.below(payments.len().max(1) as u64)).unwrap();
        let paid = payments.get(n).and_then(|payment| {
            Some((payment.paid.reference.clone()?, price_of(payment, profile.subscription.as_deref())?))
        });
        let Some((invoice, price)) = paid else { return };
        let (id, fails) = (self.new_id(), self.below(2) == 0);
        let cents = if fails { 0 } else { price };
        if self.take(provider_refund_reference(&id, invoice.as_str(), cents, Forgive)) {
            self.invoices.insert(invoice.to_string(), fails);
        }
    }

    fn change(&mut self, before: &Subscription) {
        let (id, plan) = (self.new_id(), self.plan());
        let change = change_plan(&id, plan);
        // At the very start of a period, a new term would have a period of the same name.
        let starts = before.period_start() == self.world.now;
        let change = match self.below(3) {
            0 if starts => change.at_the_end(),
            0 if before.sold.plan != plan && (plan == "two" || before.sold.plan == "two") => {
                change.at_once().keeping()
            }
            0 => change.at_once(),
            _ => change.at_the_end(),
        };
        if self.take(change) {
            let after = self.subscription().unwrap();
            self.changes += 1;
            // The platform was paid for what begins now.
            let is_new =
                (before.first, before.period, before.standing) != (after.first, after.period, after.standing);
            self.sold += usize::from(is_new);
            if after.change.is_none() {
                self.bought.clear();
            }
        }
    }

    fn wait(&mut self, present: &Subscription) {
        let turn = present.turn();
        let micros = match self.below(6) {
            0 if turn < Timestamp::NEVER => turn.as_micros() - 1 - self.world.now.as_micros(),
            1 if turn < Timestamp::NEVER => turn.as_micros() - self.world.now.as_micros(),
            2 => 1,
            _ => i64::try_from(self.below(12 * 24 * 3600) * 1_000_000).unwrap(),
        };
        if micros > 0 {
            self.take(wait(Duration::from_micros(micros.unsigned_abs())));
        }
    }

    fn ends(&self) -> BTreeMap<GrantKey, Timestamp> {
        let seen = self.world.seen();
        let open = seen.grants.into_iter().filter(|(_, grant)| grant.is_of_plan() && grant.is_open());
        open.map(|(key, grant)| (key, grant.expire_time)).collect()
    }

    /// A period that has begun since then, and was paid for a change of plan, has that plan.
    fn check_plan(&self, before: Option<PeriodId>) {
        let profile = self.world.seen().profile;
        let present = profile.subscription.filter(|it| it.standing == Standing::Active);
        let Some(present) = present.filter(|it| Some(it.period_id()) != before) else { return };
        let paid = |payment: &&Payment| {
            payment.period == present.period_id() && payment.refund_ahead.is_none() && !payment.carried_over
        };
        for reference in profile.payments.iter().filter(paid).filter_map(|it| it.paid.reference.as_ref()) {
            let plan = self.bought.get(reference.as_str()).unwrap_or(&present.sold.plan);
            assert_eq!(present.sold.plan, *plan, "{reference} paid another plan");
        }
    }

    fn check(&self, before: &BTreeMap<GrantKey, Timestamp>, waits: bool) {
        let seen = self.world.seen();
        for (key, end) in before {
            let grant = &seen.grants[key];
            assert!(grant.expire_time >= *end || grant.clawback.is_some(), "{key} ended before its time");
        }
        let mut given: BTreeMap<PeriodId, i64> = BTreeMap::new();
        for grant in seen.grants.values() {
            let Some(period) = grant.details.period else { continue };
            *given.entry(period).or_default() += had(grant);
        }
        for (period, credits) in &given {
            assert!(*credits <= MOST + self.changes, "{period} gives {credits}");
        }
        let unpaid = |period: &PeriodId| seen.profile.is_unpaid(*period);
        let with_credits: BTreeSet<_> =
            given.iter().filter(|(period, credits)| **credits > 0 && !unpaid(period)).collect();
        let ahead = seen.profile.subscription.as_deref().map_or(0, |present| present.paid.len());
        let paid = self.sold + self.invoices.values().filter(|is_there| **is_there).count();
        assert!(
            !waits || with_credits.len() + ahead <= paid,
            "{} periods for {paid}",
            with_credits.len() + ahead
        );
    }
}

fn named<'a>(payments: &'a [Payment], invoice: &str) -> Option<&'a Payment> {
    let is_named =
        |payment: &&Payment| payment.paid.reference.as_ref().is_some_and(|it| it.as_str() == invoice);
    payments.iter().find(is_named)
}

/// Returns the cents of a payment for a later period.
fn price_of(payment: &Payment, present: Option<&Subscription>) -> Option<i64> {
    let refunded = payment.refund_ahead.as_ref().map(|refund| &refund.total);
    if let Some(money) = refunded.or(payment.paid.amount.as_ref()) {
        return Some(money.minor_units);
    }
    let present = present?;
    let mut prices = present.prices.iter();
    let (_, price) = prices.find(|(period, _)| present.start_of(**period) == payment.period.start)?;
    Some(price.as_ref()?.whole.minor_units)
}

/// Returns the credits of a grant that the customer had.
fn had(grant: &Grant) -> i64 {
    grant.amount - grant.parts.revoked - grant.parts.paid_out
}

fn live(renewal: &str, seed: u64) {
    let mut history = History::new(renewal, seed);
    for _ in 0..LIFE {
        let (before, period) = (history.ends(), history.subscription().map(|it| it.period_id()));
        history.step();
        history.check(&before, renewal != "AUTOMATIC");
        history.check_plan(period);
    }
}

#[test]
fn p1_p2_hold_in_random_histories_of_plans_that_wait_for_payments() {
    for seed in 0..150 {
        live("ON_PAYMENT", seed);
    }
}

#[test]
fn p1_p2_hold_in_random_histories_of_plans_that_begin_provisionally() {
    for seed in 0..150 {
        live("PROVISIONAL", seed);
    }
}

#[test]
fn p1_p2_hold_in_random_histories_of_plans_that_renew_by_the_clock() {
    for seed in 0..150 {
        live("AUTOMATIC", seed);
    }
}
