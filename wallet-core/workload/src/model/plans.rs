//! Subscriptions: sold, changed, paid, renewed, ended.

use wallet_core::decide::{CancelSubscription, ChangePlan, Subscribe};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{GrantKey, Origin};
use wallet_core::subscription::Overrides;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId, Source};

use super::answer::{Answered, Refusal, Seen};
use super::calendar::{Every, NEVER, nth};
use super::request::known;
use super::sold::{self, Allowance, DEFAULT, Plan};
use super::state::{Lot, Model, Next, Sold, Sub};

impl Sold {
    fn of(plan: &'static Plan, overrides: &Overrides) -> Result<Self, Refusal> {
        let mut allowances: Vec<Allowance> = plan
            .allowances
            .iter()
            .map(|(unit, amount, every, rolls)| Allowance {
                unit,
                amount: *amount,
                every: *every,
                rolls: *rolls,
            })
            .collect();
        for (unit, amount) in known(&overrides.allowances)? {
            match allowances.iter_mut().find(|allowance| allowance.unit == unit) {
                Some(allowance) => allowance.amount = amount,
                None => allowances.push(Allowance { unit, amount, every: plan.every, rolls: None }),
            }
        }
        Ok(Self {
            plan: plan.id,
            rank: overrides.rank.unwrap_or(plan.rank),
            every: plan.every,
            on_payment: plan.on_payment,
            dunning: plan.dunning,
            money: plan.money,
            allowances,
            limits: overrides.limits.clone(),
        })
    }
}

impl Sub {
    fn new(number: u32, sold: Sold, anchor: i64) -> Self {
        let given = vec![0; sold.allowances.len()];
        Self { number, sold, anchor, period: 0, paid: 1, given, past_due: false, next: None, unpaid: None }
    }

    pub(super) fn boundary(&self, n: u32) -> i64 {
        nth(self.anchor, self.sold.every, n)
    }

    pub(super) fn end(&self) -> i64 {
        self.boundary(self.period + 1)
    }

    /// Returns the `k`-th window of an allowance in this period, if it has one.
    pub(super) fn window(&self, allowance: &Allowance, k: u32) -> Option<(i64, i64)> {
        let begin = |k: u32| match (self.sold.every, allowance.every) {
            (Every::Year, Every::Month) => nth(self.anchor, Every::Month, 12 * self.period + k),
            (whole, part) if whole == part => self.boundary(self.period + k),
            (_, part) => nth(self.boundary(self.period), part, k),
        };
        (begin(k) < self.end()).then(|| (begin(k), begin(k + 1).min(self.end())))
    }

    /// Returns the window that contains an instant.
    fn window_at(&self, allowance: &Allowance, at: i64) -> Option<(u32, (i64, i64))> {
        let mut all = (0..).map_while(|k| self.window(allowance, k).map(|window| (k, window)));
        all.find(|(_, (from, until))| (*from..*until).contains(&at))
    }

    fn next_given(&self, n: usize) -> i64 {
        self.window(&self.sold.allowances[n], self.given[n]).map_or(NEVER, |(from, _)| from)
    }

    fn any_given(&self) -> i64 {
        (0..self.given.len()).map(|n| self.next_given(n)).min().unwrap_or(NEVER)
    }

    fn turn(&self) -> i64 {
        if self.past_due { self.end() + self.sold.dunning } else { self.end() }
    }

    /// Returns the instant of the next due event.
    pub(super) fn next_instant(&self) -> i64 {
        self.turn().min(self.any_given())
    }

    /// Returns the instant at which the subscription gives credits next, as far as it is known.
    pub(super) fn next_renewal(&self) -> i64 {
        let renews = self.next != Some(Next::End) && !self.past_due;
        if renews { self.end().min(self.any_given()) } else { self.any_given() }
    }

    /// Returns the pending change at the end of the period: a plan's id, or a word.
    pub(crate) fn next_plan(&self) -> &'static str {
        match &self.next {
            None => "nothing",
            Some(Next::End) => "end",
            Some(Next::Change(sold)) => sold.plan,
        }
    }

    /// Continues in the next period or, if that is over, in the one that contains `at`.
    fn go_on(&mut self, at: i64) {
        self.period += 1;
        while self.end() <= at {
            self.period += 1;
        }
        self.paid = self.paid.max(self.period + 1);
        self.given = vec![0; self.sold.allowances.len()];
        self.past_due = false;
        self.unpaid = None;
    }
}

impl Model {
    /// Issues the allowances of the default plan to a new wallet.
    pub(super) fn welcome(&mut self) {
        if let Ok(sold) = Sold::of(self.plan(), &Overrides::default()) {
            self.give(Sub::new(0, sold, self.now), self.now, None);
            self.sub = None;
        }
    }

    /// Issues every allowance that was not issued for the window of this instant. What expired unused at the instant
    /// `ended`, in the lots as they were then, rolls over.
    fn give(&mut self, mut sub: Sub, at: i64, ended: Option<(i64, Vec<Lot>)>) {
        for n in 0..sub.sold.allowances.len() {
            self.give_one(&mut sub, n, at, ended.as_ref());
        }
        self.subscribed(sub);
    }

    fn give_one(&mut self, sub: &mut Sub, n: usize, at: i64, ended: Option<&(i64, Vec<Lot>)>) {
        let allowance = sub.sold.allowances[n].clone();
        let Some((k, window)) = sub.window_at(&allowance, at) else { return };
        sub.given[n] = k + 1;
        for (times, amount) in ended.map_or(Vec::new(), |(ended, lots)| rolled(&allowance, *ended, lots)) {
            let id = OriginId::of_rollover(sub.number, sub.period, k, times);
            self.issue_of(sub, n, (Origin::Rollover, id, times), amount, window, at);
        }
        let id = OriginId::of_period(sub.number, sub.period, k);
        self.issue_of(sub, n, (Origin::Period, id, 0), allowance.amount, window, at);
    }

    /// Begins the period that contains `at`, paid late. If it follows the last one, everything rolls over as if it had
    /// been paid in time.
    fn give_late(&mut self, mut sub: Sub, at: i64) {
        let (before, ended) = (sub.period, sub.unpaid.clone());
        sub.go_on(at);
        let ended = ended.filter(|_| sub.period == before + 1);
        self.give(sub, at, ended);
    }

    fn issue_of(
        &mut self,
        sub: &Sub,
        n: usize,
        (origin, id, rolled): (Origin, OriginId, u32),
        amount: i64,
        (from, until): (i64, i64),
        at: i64,
    ) {
        if amount <= 0 {
            return;
        }
        let once = sub.sold.every == Every::Once;
        let key = GrantKey::new(origin, id, u16::try_from(n).unwrap_or(u16::MAX));
        let source = if once { Source::Free } else { Source::Subscription };
        let lot = Lot::new(key, sub.sold.allowances[n].unit, source, amount, at);
        let warns = sold::find_plan(sub.sold.plan).map_or(0, |plan| plan.warns);
        let warn = Self::warning(warns, from.max(at), until);
        self.issue(Lot { from, until, warn, rolled, ..lot }, at);
        self.once_allowance_granted |= once;
    }

    fn subscribed(&mut self, sub: Sub) {
        self.sales = self.sales.max(sub.number);
        self.sub = Some(sub);
    }

    /// Processes the due event of the subscription at this instant.
    pub(super) fn plan_goes_on(&mut self, at: i64) {
        let Some(mut sub) = self.sub.clone() else { return };
        if sub.turn() > at {
            if let Some(n) = (0..sub.given.len()).find(|n| sub.next_given(*n) <= at) {
                let lots = (at, self.lots.clone());
                self.give_one(&mut sub, n, at, Some(&lots));
                self.subscribed(sub);
                self.write(EntryKind::AllowanceGiven, at);
            }
            return;
        }
        if sub.past_due || sub.next == Some(Next::End) {
            self.end_plan(at);
            return self.write(EntryKind::SubscriptionEnded, at);
        }
        if let Some(Next::Change(sold)) = sub.next.take() {
            sub.sold = sold;
            sub.number += 1;
            sub.go_on(at);
            self.give(sub, at, Some((at, self.lots.clone())));
            return self.write(EntryKind::PlanChanged, at);
        }
        if sub.sold.on_payment && sub.paid <= sub.period + 1 {
            sub.past_due = true;
            sub.unpaid = Some((at, self.lots.clone()));
            self.subscribed(sub);
            return self.write(EntryKind::PaymentMissed, at);
        }
        sub.go_on(at);
        self.give(sub, at, Some((at, self.lots.clone())));
        self.write(EntryKind::PeriodBegan, at);
    }

    /// Expires the allowances of the subscription and the packs tied to it.
    pub(super) fn end_plan(&mut self, at: i64) {
        for n in 0..self.lots.len() {
            let lot = &self.lots[n];
            let of_plan = [Origin::Period, Origin::Rollover].contains(&lot.key.origin);
            let included = of_plan && lot.source == Source::Subscription;
            let open = lot.free > 0 || lot.waiting > 0 || self.held_of(&lot.key) > 0;
            if open && lot.until > at && (included || lot.with_subscription) {
                self.lapse(n);
                (self.lots[n].until, self.lots[n].warn) = (at, NEVER);
            }
        }
        self.sub = None;
    }

    fn sell(&self, plan: &str, overrides: &Overrides) -> Result<Sold, Refusal> {
        known(&overrides.allowances)?;
        let missing = || Refusal::new("PLAN_NOT_FOUND").saying("plan_id", plan);
        let mut sold = Sold::of(sold::find_plan(plan).ok_or_else(missing)?, overrides)?;
        if plan == DEFAULT && self.once_allowance_granted {
            sold.allowances.retain(|allowance| overrides.allowances.names(allowance.unit));
        }
        Ok(sold)
    }

    pub(super) fn subscribe(
        &mut self,
        subscribe: &Subscribe,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        if let Some(sub) = &self.sub {
            return Err(Refusal::new("ALREADY_SUBSCRIBED").saying("plan_id", sub.sold.plan));
        }
        let sold = self.sell(&subscribe.plan, &subscribe.overrides)?;
        let anchor = subscribe.anchor.map_or(self.now, |anchor| anchor.as_micros());
        let sub = Sub::new(self.sales + 1, sold, anchor);
        if anchor > self.now || sub.end() <= self.now {
            return Err(Refusal::field());
        }
        self.give(sub, self.now, None);
        self.remember(command, EntryKind::Subscribed);
        Ok(Answered::done(Seen::Wallet))
    }

    pub(super) fn change_plan(
        &mut self,
        change: &ChangePlan,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        let mut sub = self.subscription()?;
        let sold = self.sell(&change.plan, &change.overrides)?;
        let now = self.now;
        let cancelled = sub.next.clone().filter(|next| *next == Next::End);
        if sold.plan == sub.sold.plan && change.overrides == Overrides::default() {
            sub.next = cancelled;
            self.subscribed(sub);
        } else if sub.sold.every == Every::Once || sold.every != sub.sold.every {
            self.give(Sub::new(sub.number + 1, sold, now), now, None);
        } else if sub.past_due {
            self.give_late(Sub { number: sub.number + 1, sold, next: cancelled, ..sub }, now);
        } else if sold.rank > sub.sold.rank {
            self.upgrade(&sub, Sub { number: sub.number + 1, sold, next: cancelled, ..sub.clone() });
        } else {
            sub.next = cancelled.or(Some(Next::Change(sold)));
            self.subscribed(sub);
        }
        self.remember(command, EntryKind::PlanChanged);
        Ok(Answered::done(Seen::Wallet))
    }

    /// Issues the difference for the rest of the period, rounded up to the increment.
    fn upgrade(&mut self, old: &Sub, mut new: Sub) {
        let now = self.now;
        new.given = vec![0; new.sold.allowances.len()];
        for n in 0..new.sold.allowances.len() {
            let allowance = new.sold.allowances[n].clone();
            let Some((k, (from, until))) = new.window_at(&allowance, now) else { continue };
            let amount = difference(old, &allowance, (from, until), now);
            let id = OriginId::of_period(new.number, new.period, k);
            self.issue_of(&new, n, (Origin::Period, id, 0), amount, (now, until), now);
            new.given[n] = k + 1;
        }
        self.subscribed(new);
    }

    /// Returns the amount of a unit that the wallet would receive if this plan were sold to it now.
    pub(super) fn gives_at_once(&self, plan: &'static Plan, unit: &str) -> i64 {
        let Ok(sold) = self.sell(plan.id, &Overrides::default()) else { return 0 };
        let of_unit = sold.allowances.iter().filter(|allowance| allowance.unit == unit);
        match &self.sub {
            Some(old) if old.sold.every == sold.every && old.sold.every != Every::Once && !old.past_due => {
                let new = Sub { sold: sold.clone(), ..old.clone() };
                let rest = |allowance| {
                    let (_, window) = new.window_at(allowance, self.now)?;
                    (sold.rank > old.sold.rank).then(|| difference(old, allowance, window, self.now))
                };
                of_unit.filter_map(rest).sum()
            }
            _ => of_unit.map(|allowance| allowance.amount).sum(),
        }
    }

    pub(super) fn subscription(&self) -> Result<Sub, Refusal> {
        self.sub.clone().ok_or_else(|| Refusal::new("SUBSCRIPTION_NOT_FOUND"))
    }

    pub(super) fn cancel_subscription(
        &mut self,
        cancel: &CancelSubscription,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        let sub = self.subscription()?;
        if cancel.now {
            self.end_plan(self.now);
        } else {
            self.subscribed(Sub { next: Some(Next::End), ..sub });
        }
        self.remember(command, EntryKind::SubscriptionCancelled);
        Ok(Answered::done(Seen::Wallet))
    }

    pub(super) fn resume(&mut self, command: &Command) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        let mut sub = self.subscription()?;
        sub.next = sub.next.filter(|next| *next != Next::End);
        self.subscribed(sub);
        self.remember(command, EntryKind::SubscriptionResumed);
        Ok(Answered::done(Seen::Wallet))
    }

    pub(super) fn record_payment(&mut self, command: &Command) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        let mut sub = self.subscription()?;
        if sub.paid > sub.period + 1 {
            return Err(Refusal::field());
        }
        if sub.past_due {
            self.give_late(sub, self.now);
        } else {
            sub.paid = sub.period + 2;
            self.subscribed(sub);
        }
        self.remember(command, EntryKind::PaymentRecorded);
        Ok(Answered::done(Seen::Wallet))
    }
}

/// Returns the amount that an upgrade issues of an allowance for the rest of its window, rounded up to the
/// increment.
fn difference(old: &Sub, allowance: &Allowance, (from, until): (i64, i64), now: i64) -> i64 {
    let like_it = |old: &&Allowance| old.unit == allowance.unit && old.every == allowance.every;
    let had = old.sold.allowances.iter().find(like_it).map_or(0, |old| old.amount);
    let step = i128::from(sold::step(allowance.unit));
    let share = i128::from((allowance.amount - had).max(0)) * i128::from(until - now);
    let steps = share.div_euclid(i128::from(until - from) * step);
    let exact = steps * step * i128::from(until - from) == share;
    i64::try_from(if exact { steps } else { steps + 1 } * step).unwrap_or(0)
}

/// Returns the credits of the unit that roll over from a window that ended at this instant: those that expired then
/// and did not return as grace. The amounts are by the number of times that they will have rolled.
fn rolled(allowance: &Allowance, ended: i64, lots: &[Lot]) -> Vec<(u32, i64)> {
    let Some((cap, percent, most)) = allowance.rolls else { return Vec::new() };
    let saved = |old: &Lot| -> i64 {
        let from_it = |lot: &&Lot| lot.from == ended && lot.first.as_ref() == Some(&old.key);
        lots.iter().filter(from_it).map(|lot| lot.amount).sum()
    };
    let unused = |times: u32| -> i64 {
        let it = |lot: &&Lot| {
            let of_plan = [Origin::Period, Origin::Rollover].contains(&lot.key.origin);
            let last = lot.rolled + 1 == times && (most == 0 || times <= most);
            of_plan
                && lot.source == Source::Subscription
                && lot.unit == allowance.unit
                && lot.until == ended
                && last
        };
        lots.iter().filter(it).map(|lot| lot.lapsed - saved(lot)).sum()
    };
    let all: Vec<(u32, i64)> = (1..100).map(|times| (times, unused(times))).collect();
    let total: i64 = all.iter().map(|(_, amount)| amount).sum();
    let mut rest = sold::up(total * percent, 100) / 100;
    rest = rest.min(cap);
    if most == 0 {
        return vec![(1, rest)];
    }
    let mut parts = Vec::new();
    for (times, amount) in all {
        parts.push((times, amount.min(rest)));
        rest -= amount.min(rest);
    }
    parts
}
