//! Subscriptions: sold, renewed, ended.

use wallet_core::decide::{CancelSubscription, Subscribe};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{GrantKey, Origin};
use wallet_core::sold::Overrides;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId, Source};

use super::answer::{Answered, Refusal, Seen};
use super::calendar::{Every, NEVER};
use super::catalog::{self, Allowance, Plan};
use super::following::{other_amount, other_money};
use super::request::known;
use super::state::{Lot, Model, Sold, Sub};

impl Sold {
    pub(super) fn of(
        plan: &'static Plan,
        overrides: &Overrides,
        seats: u32,
        other: bool,
    ) -> Result<Self, Refusal> {
        let n = i64::from(seats);
        let mut allowances: Vec<Allowance> = plan
            .allowances
            .iter()
            .map(|(unit, amount, every, rolls)| Allowance {
                unit,
                amount: n * if other { other_amount(plan.id, unit, *amount) } else { *amount },
                every: *every,
                rolls: rolls.map(|(cap, percent, times)| (cap.saturating_mul(n), percent, times)),
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
            seats,
            rank: overrides.rank.unwrap_or(plan.rank),
            every: plan.every,
            on_payment: plan.on_payment,
            provisional: plan.provisional,
            once: plan.once,
            then: plan.then,
            dunning: plan.dunning,
            money: if other { other_money(plan.id, plan.money) } else { plan.money }.map(|money| money * n),
            refund: plan.refund,
            allowances,
            limits: overrides.limits.clone(),
            negotiated: overrides.allowances.clone(),
        })
    }
}

impl Model {
    /// Issues every allowance that was not issued for the window of this instant. Credits that expired unused
    /// at the instant `ended`, in the lots as they were then, roll over.
    pub(super) fn give(&mut self, mut sub: Sub, at: i64, ended: Option<(i64, Vec<Lot>)>) {
        for n in 0..sub.sold.allowances.len() {
            self.give_one(&mut sub, n, at, ended.as_ref());
        }
        self.subscribed(sub);
    }

    pub(super) fn give_one(&mut self, sub: &mut Sub, n: usize, at: i64, ended: Option<&(i64, Vec<Lot>)>) {
        let allowance = sub.sold.allowances[n].clone();
        let Some((k, window)) = sub.window_at(&allowance, at) else { return };
        sub.given[n] = k + 1;
        let source = if sub.number == 0 { Source::Free } else { Source::Subscription };
        let rolled = ended.map_or(Vec::new(), |(ended, lots)| rolled(&allowance, source, *ended, lots));
        for (times, amount) in rolled {
            let id = OriginId::of_rollover(sub.number, sub.period, k, times);
            self.issue_of(sub, n, (Origin::Rollover, id, times), amount, window, at);
        }
        let id = OriginId::of_period(sub.number, sub.period, k);
        let amount = sub.given_for(&allowance, k);
        let early = sub.advance.get(allowance.unit).copied().unwrap_or(0).min(amount);
        sub.advance.entry(allowance.unit).and_modify(|advance| *advance -= early);
        self.issue_of(sub, n, (Origin::Period, id, 0), amount - early, window, at);
    }

    /// Begins the period that contains `at`, paid late. If it follows the last one, everything rolls over as if it had
    /// been paid in time.
    pub(super) fn give_late(&mut self, mut sub: Sub, at: i64) {
        let (boundary, ended) = (sub.end(), sub.unpaid.clone());
        sub.go_on(at);
        sub.paid_late = Some(at);
        let ended = ended.filter(|_| sub.boundary(sub.period) == boundary);
        self.give(sub, at, ended);
    }

    /// Keeps a plan whose change or cancel was undone. The period that contains now begins if it needs no payment.
    pub(super) fn undone(&mut self, sub: Sub) {
        if sub.needs_no_payment() { self.give_late(sub, self.now) } else { self.subscribed(sub) }
    }

    pub(super) fn issue_of(
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
        let free = once || sub.number == 0;
        let key = GrantKey::new(origin, id, u16::try_from(n).unwrap_or(u16::MAX));
        let source = if free { Source::Free } else { Source::Subscription };
        let lot = Lot::new(key, sub.sold.allowances[n].unit, source, amount, at);
        let warns = catalog::find_plan(sub.sold.plan).map_or(0, |plan| plan.warns);
        let warn = Self::warning(warns, from.max(at), until);
        let of_period = sub.number > 0 && origin == Origin::Period;
        let period = of_period.then(|| sub.present());
        let paid_out = if of_period { self.withhold(sub, lot.unit, amount) } else { 0 };
        self.issue(Lot { from, until, warn, rolled, period, paid_out, ..lot }, at);
        self.once_allowance_granted |= once;
    }

    pub(super) fn subscribed(&mut self, mut sub: Sub) {
        if sub.sold.once {
            self.trials.insert(sub.sold.plan);
            let next = sub.after_paid().max(sub.period + 1);
            if sub.ends.is_none() && sub.change.is_none() {
                let then = sub.sold.then.and_then(catalog::find_plan);
                let then =
                    then.and_then(|plan| Sold::of(plan, &Overrides::default(), sub.sold.seats, false).ok());
                sub.change = then.map(|sold| (sold, next));
                sub.ends = Some(next).filter(|_| sub.change.is_none());
            }
        }
        self.sales = self.sales.max(sub.number);
        if self.sub.as_ref().is_some_and(|before| before.first != sub.first) {
            self.count_from(&sub);
        }
        if !sub.provisional && !sub.past_due && !sub.paused {
            self.never_paid.remove(&sub.present());
            self.begun.insert(sub.present());
        }
        self.sub = Some(sub);
    }

    /// Processes the due event of the subscription at this instant.
    pub(super) fn plan_goes_on(&mut self, at: i64) {
        let free = self.next_free().is_some_and(|next| next <= at);
        let Some(mut sub) = self.sub.clone().filter(|sub| !free || sub.turn() <= at) else {
            self.give_free(at);
            return self.write(EntryKind::AllowanceGiven, at);
        };
        if sub.turn() > at {
            if let Some(n) = (0..sub.given.len()).find(|n| sub.next_given(*n) <= at) {
                let lots = (at, self.lots.clone());
                self.give_one(&mut sub, n, at, Some(&lots));
                self.subscribed(sub);
                self.write(EntryKind::AllowanceGiven, at);
            }
            return;
        }
        if sub.paused {
            self.end_pause(sub, at);
            return self.write(EntryKind::PeriodBegan, at);
        }
        if sub.provisional && sub.paid.is_empty() {
            self.end_plan(at, false);
            return self.write(EntryKind::SubscriptionEnded, at);
        }
        if sub.provisional {
            self.revoke_unpaid(at);
            sub.number += 1;
            sub.period -= 1;
            (sub.provisional, sub.past_due) = (false, true);
            for n in 0..sub.given.len() {
                let windows = (0..).take_while(|k| sub.window(&sub.sold.allowances[n], *k).is_some());
                sub.given[n] = u32::try_from(windows.count()).unwrap_or(0);
            }
            self.subscribed(sub);
            return self.write(EntryKind::PaymentMissed, at);
        }
        let next = if sub.past_due { sub.paid.iter().copied().min() } else { Some(sub.period + 1) };
        if next.is_none_or(|next| sub.ends.is_some_and(|ends| ends <= next)) {
            self.end_plan(at, false);
            return self.write(EntryKind::SubscriptionEnded, at);
        }
        if let (Some(until), false) = (sub.pause, sub.past_due || !sub.paid.is_empty()) {
            if until.is_none_or(|until| until > at) {
                sub.unpaid = Some((at, self.lots.clone()));
                self.pause_now(sub, at);
                return self.write(EntryKind::PauseBegan, at);
            }
            sub.pause = None;
        }
        let to_be = match &sub.change {
            Some((sold, period)) if *period <= sub.period + 1 => sold,
            _ => &sub.sold,
        };
        if !sub.past_due && to_be.on_payment && !sub.paid.contains(&(sub.period + 1)) {
            sub.past_due = true;
            let changes = sub.change.as_ref().is_some_and(|(_, period)| *period <= sub.period + 1);
            sub.dunning = changes.then_some(to_be.dunning);
            sub.unpaid = Some((at, self.lots.clone()));
            self.subscribed(sub);
            return self.write(EntryKind::PaymentMissed, at);
        }
        let number = sub.number;
        let unpaid = !sub.past_due && to_be.provisional.is_some() && !sub.paid.contains(&(sub.period + 1));
        sub.go_on(at);
        sub.provisional = unpaid;
        let kind = if sub.number == number { EntryKind::PeriodBegan } else { EntryKind::PlanChanged };
        self.give(sub, at, Some((at, self.lots.clone())));
        self.write(kind, at);
    }

    /// Ends the subscription with the packs tied to it, and, if `credits`, with its own credits.
    pub(super) fn end_plan(&mut self, at: i64, credits: bool) {
        self.revoke_unpaid(at);
        if credits {
            self.end_credits(at);
        }
        self.end_lots(at, |lot| lot.with_subscription);
        self.free_payments_ahead();
        self.sub = None;
        self.no_free_before(at);
    }

    /// Skips the windows of the default plan that began before this instant: they give nothing.
    pub(super) fn no_free_before(&mut self, at: i64) {
        for from in self.free.iter_mut().flat_map(|(_, from)| from) {
            *from = (*from).max(at);
        }
    }

    /// Expires the credits that the present subscription gave since its anchor.
    pub(super) fn end_credits(&mut self, at: i64) {
        let first = self.sub.as_ref().map_or(0, |sub| sub.first);
        self.end_lots(at, |lot| {
            let of_plan = [Origin::Period, Origin::Rollover].contains(&lot.key.origin);
            let number: Option<u32> =
                lot.key.id.as_str().split('.').next().and_then(|text| text.parse().ok());
            of_plan && lot.source == Source::Subscription && number >= Some(first)
        });
    }

    pub(super) fn end_lots(&mut self, at: i64, which: impl Fn(&Lot) -> bool) {
        for n in 0..self.lots.len() {
            let lot = &self.lots[n];
            let open = lot.free > 0 || lot.waiting > 0 || self.held_of(&lot.key) > 0;
            if open && lot.until > at && which(lot) {
                self.expire_lot(n);
                (self.lots[n].until, self.lots[n].warn) = (at, NEVER);
            }
        }
    }

    pub(super) fn sell(&self, plan: &str, overrides: &Overrides, seats: u32) -> Result<Sold, Refusal> {
        if !(1..=10_000).contains(&seats) {
            return Err(Refusal::field());
        }
        known(&overrides.allowances)?;
        let missing = || Refusal::new("PLAN_NOT_FOUND").with("plan_id", plan);
        let mut sold =
            Sold::of(catalog::find_plan(plan).ok_or_else(missing)?, overrides, seats, self.other_edition)?;
        if plan == self.default && sold.every == Every::Once && self.once_allowance_granted {
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
        self.counts_already(&subscribe.paid)?;
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        if let Some(sub) = &self.sub {
            return Err(Refusal::new("ALREADY_SUBSCRIBED").with("plan_id", sub.sold.plan));
        }
        let sold = self.sell(&subscribe.plan, &subscribe.overrides, subscribe.quantity.unwrap_or(1))?;
        self.never_had(&sold)?;
        let anchor = subscribe.anchor.map_or(self.now, |anchor| anchor.as_micros());
        let mut sub = Sub::new(self.sales + 1, sold, anchor);
        if anchor > self.now {
            return Err(Refusal::field());
        }
        while sub.end() <= self.now {
            sub.period += 1;
        }
        let period = sub.present();
        self.give(sub, self.now, None);
        self.paid_for(&subscribe.paid, period);
        self.remember(command, EntryKind::Subscribed);
        Ok(Answered::done(Seen::Wallet))
    }

    pub(super) fn never_had(&self, sold: &Sold) -> Result<(), Refusal> {
        let had = sold.once && self.trials.contains(sold.plan);
        if had { Err(Refusal::new("PLAN_USED").with("plan_id", sold.plan)) } else { Ok(()) }
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
        if !cancel.now && (cancel.expire_credits || sub.sold.every == Every::Once) {
            return Err(Refusal::field());
        }
        if cancel.now || sub.paused {
            self.end_plan(self.now, cancel.expire_credits);
        } else {
            self.subscribed(Sub { ends: Some(sub.after_paid()), pause: None, ..sub });
        }
        self.remember(command, EntryKind::SubscriptionCancelled);
        Ok(Answered::done(Seen::Wallet))
    }
}

/// Returns the credits of the unit that roll over from a window that ended at this instant: those that expired then
/// and did not return as grace. The amounts are by the number of times that they will have rolled.
fn rolled(allowance: &Allowance, source: Source, ended: i64, lots: &[Lot]) -> Vec<(u32, i64)> {
    let Some((cap, percent, most)) = allowance.rolls else { return Vec::new() };
    let saved = |old: &Lot| -> i64 {
        let from_it = |lot: &&Lot| lot.from == ended && lot.first.as_ref() == Some(&old.key);
        lots.iter().filter(from_it).map(|lot| lot.amount).sum()
    };
    let unused = |times: u32| -> i64 {
        let it = |lot: &&Lot| {
            let of_plan = [Origin::Period, Origin::Rollover].contains(&lot.key.origin);
            let last = lot.rolled + 1 == times && (most == 0 || times <= most);
            of_plan && lot.source == source && lot.unit == allowance.unit && lot.until == ended && last
        };
        lots.iter().filter(it).map(|lot| lot.expired - saved(lot)).sum()
    };
    let most_rolled = lots.iter().map(|lot| lot.rolled).max().unwrap_or(0);
    let all: Vec<(u32, i64)> = (1..=most_rolled + 1).map(|times| (times, unused(times))).collect();
    let total: i64 = all.iter().map(|(_, amount)| amount).sum();
    let mut rest = catalog::up(total * percent, 100) / 100;
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
