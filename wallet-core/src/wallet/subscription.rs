//! Subscriptions: the present period, its payment, and the change at its end.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalog::{Renewal, Term};
use crate::value::amount::Amounts;
use crate::value::ids::{OriginId, UnitId};
use crate::value::period::{boundary, period_at};
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::grant::{Grant, GrantDetails, GrantKey, Origin, Parts};
use crate::wallet::rollover::{Unused, carried_over};
use crate::wallet::sold::Sold;

/// A wallet's subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The number of the sale within the wallet: 1, 2, 3... Plan changes count too.
    pub number: u32,
    /// The number of the first sale whose periods are counted from this anchor.
    pub first: u32,
    /// The terms of the sale.
    pub sold: Sold,
    /// The start of period 0, from which all boundaries are computed.
    pub anchor: Timestamp,
    /// The present period. It is paid, needs no payment, or is provisional.
    pub period: u32,
    /// The later periods that are paid.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub paid: BTreeSet<u32>,
    /// The number of times each allowance was granted in the present period, by its place in the terms.
    pub given: Vec<u32>,
    /// The state of the payment for the present period.
    pub standing: Standing,
    /// The change of plan to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<PlanChange>,
    /// The terms of the next period, if the plan in the catalog has other ones for its subscribers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub following: Option<Box<Sold>>,
    /// The pause, to come or present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// The period at whose start the subscription ends, if it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u32>,
    /// The instant of the payment for the present period, if it was paid late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_late: Option<Timestamp>,
    /// While the next period is unpaid: the dunning time, in seconds, if it is not that of the present terms. Another plan may
    /// begin with the period, or the refund of a later period may have ended the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dunning_seconds: Option<u64>,
    /// While the next period is unpaid or does not begin: the credits that expired unused at the end of the last one.
    /// They roll over when it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<Unused>,
    /// The credits that an earlier plan gave in advance for the rest of the present period. The windows to come in the
    /// period give less by these amounts.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub advance: Amounts,
}

/// A change of plan to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanChange {
    /// The new terms.
    pub sold: Sold,
    /// The period at whose start they begin.
    pub period: u32,
}

/// A pause: no period begins after those that are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The instant at which it ends automatically; none if it lasts until ResumeSubscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The payment status of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// The present period is paid.
    Active,
    /// The period after the present one has begun and is not paid.
    PastDue,
    /// The present period has begun without its payment, for the dunning time.
    Provisional,
    /// There is no present period: the subscription is paused.
    Paused,
}

/// The time of a change of plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum When {
    Now,
    /// At the end of what was paid.
    AtPeriodEnd,
}

/// The fate of a plan's unused credits when a plan of another term replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UnusedCredits {
    /// They live to their own expiry.
    Keep,
    /// They expire at once.
    Lapse,
}

/// The next change of a subscription that was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending<'a> {
    /// The subscription ends.
    End,
    /// Another plan, or other terms, begin.
    Change(&'a Sold),
}

impl Subscription {
    /// Returns a subscription that begins at `anchor`, paid for its first period, with no allowance granted yet.
    pub fn begin(number: u32, sold: Sold, anchor: Timestamp) -> Self {
        let given = vec![0; sold.allowances.len()];
        Self {
            number,
            first: number,
            sold,
            anchor,
            period: 0,
            paid: BTreeSet::new(),
            given,
            standing: Standing::Active,
            change: None,
            following: None,
            pause: None,
            end: None,
            paid_late: None,
            dunning_seconds: None,
            unused: Vec::new(),
            advance: Amounts::none(),
        }
    }

    /// Returns the subscription with other terms in the present period, of which no allowance has been issued yet.
    #[must_use]
    pub fn with_terms(self, sold: Sold) -> Self {
        let is_same = sold == self.sold;
        let given = vec![0; sold.allowances.len()];
        let (change, following) = match is_same {
            true => (self.change, self.following),
            false => (None, None),
        };
        Self { number: self.number + 1, given, sold, change, following, ..self }
    }

    /// Returns the subscription with what follows it: a trial ends with its period, or gives way to the next plan.
    #[must_use]
    pub fn with_follow_up(mut self) -> Self {
        let is_open =
            self.sold.once && !self.sold.term.is_once() && self.end.is_none() && self.change.is_none();
        let next = self.unpaid_period().max(self.period + 1);
        match &self.sold.then {
            Some(then) if is_open => {
                self.change = Some(PlanChange { sold: (**then).clone(), period: next });
            }
            None if is_open => self.end = Some(next),
            _ => {}
        }
        self
    }

    /// Returns the subscription in its next period, or, if it is paid late, in the one that contains `now`, with no
    /// allowance granted yet. A change of plan that is due happens. The periods between them grant nothing.
    pub fn continued(mut self, now: Timestamp) -> Self {
        let next = self.period + 1;
        let mut first = next;
        if let Some(change) = self.change.take_if(|change| change.period <= next) {
            if change.sold.term == self.sold.term {
                self.number += 1;
                (self.sold, self.following) = (change.sold, None);
            } else {
                let (end, pause) = (self.end.map(|_| 1), self.pause);
                self = Self::begin(self.number + 1, change.sold, boundary(self.anchor, self.sold.term, next));
                (self.end, self.pause) = (end, pause);
                first = 0;
            }
        } else if let Some(following) = self.following.take() {
            self.sold = *following;
        }
        self.period = first;
        let next = self.at(now);
        Self {
            paid: next.paid.iter().copied().filter(|paid| *paid > next.period).collect(),
            given: vec![0; next.sold.allowances.len()],
            standing: Standing::Active,
            paid_late: None,
            dunning_seconds: None,
            unused: Vec::new(),
            advance: Amounts::none(),
            ..next
        }
    }

    /// Returns the subscription after its pause: the first period of the terms that are valid then, counted from `at`,
    /// with no allowance granted yet. It is paid if the plan needs no payment.
    pub fn resumed(self, at: Timestamp) -> Self {
        let next = self.change.map(|change| change.sold).or(self.following.map(|sold| *sold));
        let sold = next.unwrap_or(self.sold);
        let standing = match sold.renewal {
            Renewal::Automatic => Standing::Active,
            Renewal::OnPayment | Renewal::Provisional => Standing::Provisional,
        };
        Self { standing, ..Self::begin(self.number + 1, sold, at) }
    }

    /// Returns the subscription in the first period from its present one on that has not ended at `now`.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.period = self.period.max(period_at(self.anchor, self.sold.term, now));
        self
    }

    /// Returns the start of a period.
    pub fn start_of(&self, period: u32) -> Timestamp {
        boundary(self.anchor, self.sold.term, period)
    }

    /// Returns the first period after those that are paid.
    pub fn unpaid_period(&self) -> u32 {
        let unpaid = if self.standing == Standing::Provisional { self.period } else { self.period + 1 };
        self.paid.last().map_or(unpaid, |paid| paid + 1)
    }

    /// Returns the condition on which the next period begins, by the terms that are valid then: AUTOMATIC if it is
    /// paid.
    pub fn next_condition(&self) -> Renewal {
        let sold = self.due_change().unwrap_or(&self.sold);
        if self.paid.contains(&(self.period + 1)) { Renewal::Automatic } else { sold.renewal }
    }

    /// Returns the terms of another plan that begin with the next period.
    fn due_change(&self) -> Option<&Sold> {
        let change = self.change.as_ref().filter(|change| change.period <= self.period + 1);
        change.map(|change| &change.sold)
    }

    /// Returns the subscription at the end of its period whose next one was not paid.
    pub fn past_due(mut self, unused: Vec<Unused>) -> Self {
        self.dunning_seconds = self.due_change().map(|sold| sold.dunning_seconds);
        Self { standing: Standing::PastDue, unused, ..self }
    }

    /// Returns the start of the unpaid period that contains `now`, if there is one.
    pub fn unpaid_start(&self, now: Timestamp) -> Option<Timestamp> {
        match self.standing {
            Standing::Active | Standing::Paused => None,
            Standing::PastDue => Some(self.clone().continued(now).period_start()),
            Standing::Provisional => Some(self.period_start()),
        }
    }

    /// Returns the subscription after its provisional period was not paid. It waits for a later period that is paid.
    /// The grants of a late payment get other keys.
    pub fn unpaid(mut self) -> Self {
        self.number += 1;
        self.standing = Standing::PastDue;
        self.period = self.period.saturating_sub(1);
        let all = |allowance| u32::try_from(self.windows(allowance, 0).count()).unwrap_or(u32::MAX);
        self.given = self.sold.allowances.iter().map(all).collect();
        self
    }

    /// Returns the later period that is paid and starts at this instant.
    pub fn paid_ahead(&self, start: Timestamp) -> Option<u32> {
        self.paid.iter().copied().find(|period| self.start_of(*period) == start)
    }

    /// Returns the subscription after the payment of a later period was refunded. An end, or a change of plan, at the end of
    /// what was paid comes earlier.
    #[must_use]
    pub fn refunded_ahead(mut self, period: u32, now: Timestamp) -> Self {
        self.paid.remove(&period);
        let unpaid = self.unpaid_period();
        self.end = self.end.map(|end| end.min(unpaid));
        if let Some(change) = &mut self.change {
            change.period = change.period.min(unpaid.max(self.period + 1));
        }
        // It was only the later period that kept it beyond the dunning time.
        if self.turn() < now {
            let since = now.as_micros() - self.period_end().as_micros();
            self.dunning_seconds = u64::try_from(since).ok().map(|micros| micros.div_ceil(1_000_000));
        }
        self
    }

    /// Returns whether it is paused now.
    pub fn is_paused(&self) -> bool {
        self.standing == Standing::Paused
    }

    /// Returns the next change that was requested, and the instant at which it happens.
    pub fn pending(&self) -> Option<(Pending<'_>, Timestamp)> {
        let unpaid = self.standing != Standing::Active && self.paid.is_empty();
        match (self.end, &self.change) {
            (Some(_), _) if unpaid => Some((Pending::End, self.turn())),
            (Some(end), change) if change.as_ref().is_none_or(|change| end <= change.period) => {
                Some((Pending::End, self.start_of(end)))
            }
            (_, Some(change)) => Some((Pending::Change(&change.sold), self.change_time()?)),
            (_, None) => None,
        }
    }

    /// Returns the instant of the requested change of plan. A pause that has begun delays the change until its end.
    pub fn change_time(&self) -> Option<Timestamp> {
        let change = self.change.as_ref()?;
        Some(if self.is_paused() { self.turn() } else { self.start_of(change.period) })
    }

    /// Returns the start of the present period.
    pub fn period_start(&self) -> Timestamp {
        self.start_of(self.period)
    }

    /// Returns the end of the present period.
    pub fn period_end(&self) -> Timestamp {
        self.start_of(self.period + 1)
    }

    /// Returns whether a grant is an allowance of this subscription to a plan of term ONCE.
    pub fn gave_once(&self, grant: &Grant) -> bool {
        let of_sale = grant.key.sale().is_some_and(|number| number >= self.first);
        self.sold.term == Term::ONCE && of_sale && grant.source == Source::Free
    }

    /// Returns whether an instant lies in the present period.
    pub fn is_in_period(&self, at: Timestamp) -> bool {
        self.period_start() <= at && at < self.period_end()
    }

    /// Returns the end of the last period that is paid. Periods that begin without a payment count as paid.
    pub fn paid_through(&self) -> Timestamp {
        self.start_of(self.unpaid_period())
    }

    /// Returns the instant at which the present period was paid: its start, unless it was paid late.
    pub fn paid_time(&self) -> Timestamp {
        self.paid_late.unwrap_or_else(|| self.period_start())
    }

    /// Returns the instant at which an unpaid subscription ends. A provisional period ends it in any case.
    pub fn dunning_end(&self) -> Timestamp {
        let dunning = Duration::from_secs(self.dunning_seconds.unwrap_or(self.sold.dunning_seconds));
        match self.standing {
            Standing::Provisional => self.period_start().plus(dunning).min(self.period_end()),
            Standing::Active | Standing::PastDue | Standing::Paused => self.period_end().plus(dunning),
        }
    }

    /// Returns the instant at which the next period begins or the subscription ends: the end of the present period, or,
    /// if the next one was not paid, the start of a later period that is paid, or the end of the dunning time; if it is
    /// paused, the end of the pause.
    pub fn turn(&self) -> Timestamp {
        match self.standing {
            Standing::Active => self.period_end(),
            Standing::PastDue => {
                self.paid.first().map_or_else(|| self.dunning_end(), |paid| self.start_of(*paid))
            }
            Standing::Provisional => self.dunning_end(),
            Standing::Paused => self.pause.and_then(|pause| pause.until).unwrap_or(Timestamp::NEVER),
        }
    }

    /// Returns the instant of the next grant of an allowance in the present period.
    pub fn next_given(&self, index: usize) -> Option<Timestamp> {
        if self.is_paused() {
            return None;
        }
        let (allowance, k) = (self.sold.allowances.get(index)?, *self.given.get(index)?);
        self.window(allowance, k).map(|window| window.from)
    }

    /// Returns the instant of its next due event.
    pub fn next_time(&self) -> Timestamp {
        let given = (0..self.sold.allowances.len()).filter_map(|index| self.next_given(index));
        given.chain([self.turn()]).min().unwrap_or(Timestamp::NEVER)
    }

    /// Returns the instant at which it grants credits again, as far as is known.
    pub fn next_renewal(&self) -> Option<Timestamp> {
        let renews = self.end != Some(self.period + 1) && self.standing == Standing::Active;
        let pauses = self.pause.is_some() && !self.paid.contains(&(self.period + 1));
        let renews = renews && !pauses || self.is_paused();
        let end = Some(self.turn()).filter(|end| renews && *end < Timestamp::NEVER);
        (0..self.sold.allowances.len()).filter_map(|index| self.next_given(index)).chain(end).min()
    }

    /// Grants an allowance for the window that contains `now`. Returns the grants to issue: that of the allowance, and
    /// those of the unused credits of its unit that roll over.
    pub fn give(&mut self, index: usize, unused: &[Unused], now: Timestamp) -> Vec<Grant> {
        let Some(allowance) = self.sold.allowances.get(index) else { return Vec::new() };
        let Some((k, window)) = self.window_at(allowance, now) else { return Vec::new() };
        let share = self.given_for(allowance, &window);
        let in_advance = self.advance.get(allowance.unit.as_str()).min(share);
        let amount = share - in_advance;
        let lifetime = (window.from, window.until);
        let new = self.grant(index, k, allowance.unit.clone(), amount, lifetime, now);
        let carried = allowance.rollover.map(|rule| carried_over(&rule, &allowance.unit, unused));
        let rolled = carried.into_iter().flatten().map(|(times, amount)| {
            let id = OriginId::of_rollover(self.number, self.period, k, times);
            let details = GrantDetails { rolled: times, period: None, ..new.details.clone() };
            Grant { key: GrantKey::new(Origin::Rollover, id, new.key.n), amount, details, ..new.clone() }
        });
        let grants = rolled.chain([new.clone()]).filter(|grant| grant.amount > 0).collect();
        if in_advance > 0 {
            let unit = allowance.unit.clone();
            self.advance.set(&unit, self.advance.get(unit.as_str()) - in_advance);
        }
        if let Some(given) = self.given.get_mut(index) {
            *given = k + 1;
        }
        grants
    }

    /// A grant of the present period.
    pub fn grant(
        &self,
        index: usize,
        k: u32,
        unit: UnitId,
        amount: i64,
        (effective_time, expire_time): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Grant {
        let source = if self.sold.term.is_once() { Source::Free } else { Source::Subscription };
        Grant {
            key: GrantKey::new(
                Origin::Period,
                OriginId::of_period(self.number, self.period, k),
                index_u16(index),
            ),
            unit,
            source,
            priority: 0,
            effective_time,
            expire_time,
            warn_time: self.sold.alerts.warn_time(effective_time.max(now), expire_time),
            create_time: now,
            amount,
            parts: Parts::default(),
            clawback: None,
            details: GrantDetails {
                reason: self.sold.plan.clone(),
                period: (self.number > 0).then(|| self.period_start()),
                ..GrantDetails::default()
            },
        }
    }
}

#[expect(clippy::expect_used, reason = "two allowances must not issue grants of the same key")]
fn index_u16(index: usize) -> u16 {
    u16::try_from(index)
        .expect("a plan has one allowance per unit and cadence, and a catalog far fewer than 65,536")
}
