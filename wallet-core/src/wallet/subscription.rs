//! Subscriptions: the present period, its payment, and the change at its end.
//!
//! `subscription_steps` has the ways in which a subscription continues, `period_windows` the windows of a period,
//! `period_grants` the credits that it gives for them, and `period_prices` its price.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalog::Renewal;
use crate::value::amount::Amounts;
use crate::value::payment_subject::PeriodId;
use crate::value::period::{boundary, period_at};
use crate::value::time::Timestamp;
use crate::wallet::grant::Money;
use crate::wallet::payment::PeriodPrice;
use crate::wallet::rollover::Unused;
use crate::wallet::sold::{PlanChange, Sold};

/// A wallet's subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The number of the sale within the wallet: 1, 2, 3... Plan changes count too.
    pub number: u32,
    /// The number of the sale with which it began. Changes of plan and of term keep it.
    pub id: u32,
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
    /// The prices of periods that the list price of the present terms does not show: of those that were paid ahead, and of
    /// the present one after a change of plan. None if the price is not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<u32, Option<PeriodPrice>>,
    /// The list prices of earlier terms, by the last period that had them. None if they had no price.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub earlier_prices: BTreeMap<u32, Option<Money>>,
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
    Expire,
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
    /// Returns the start of the present period.
    pub fn period_start(&self) -> Timestamp {
        self.start_of(self.period)
    }

    /// Returns the identity of the present period.
    pub fn period_id(&self) -> PeriodId {
        self.period_id_at(self.period_start())
    }

    /// Returns the identity of its period that starts at this instant.
    pub(crate) fn period_id_at(&self, start: Timestamp) -> PeriodId {
        PeriodId { subscription: self.id, start }
    }

    /// Returns the end of the present period.
    pub fn period_end(&self) -> Timestamp {
        self.start_of(self.period + 1)
    }

    /// Returns whether an instant lies in the present period.
    pub fn is_in_period(&self, at: Timestamp) -> bool {
        self.period_start() <= at && at < self.period_end()
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

    /// Returns the end of the last period that is paid, or whose plan renews without payments.
    pub fn paid_through(&self) -> Timestamp {
        self.start_of(self.unpaid_period())
    }

    /// Returns the instant at which the present period was paid: its start, unless it was paid late.
    pub fn paid_time(&self) -> Timestamp {
        self.paid_late.unwrap_or_else(|| self.period_start())
    }

    /// Returns the start of the unpaid period that contains `now`, if there is one.
    pub fn unpaid_start(&self, now: Timestamp) -> Option<Timestamp> {
        match self.standing {
            Standing::Active | Standing::Paused => None,
            Standing::PastDue => Some(self.clone().continued(now).period_start()),
            Standing::Provisional => Some(self.period_start()),
        }
    }

    /// Returns the later period that is paid and starts at this instant.
    pub fn paid_ahead(&self, start: Timestamp) -> Option<u32> {
        self.paid.iter().copied().find(|period| self.start_of(*period) == start)
    }

    /// Returns whether the present period or a later one starts at this instant. The period after one without an end never
    /// does.
    pub(crate) fn has_period(&self, start: Timestamp) -> bool {
        self.number_of(start).is_some_and(|number| number >= self.period)
    }

    /// Returns the number of the period that starts at this instant.
    pub(crate) fn number_of(&self, start: Timestamp) -> Option<u32> {
        let number = (start < Timestamp::NEVER).then(|| period_at(self.anchor, self.sold.term, start))?;
        (self.start_of(number) == start).then_some(number)
    }

    /// Returns whether it is paused now.
    pub fn is_paused(&self) -> bool {
        self.standing == Standing::Paused
    }

    /// Returns the condition on which the next period begins, by the terms that are valid then: AUTOMATIC if it is
    /// paid.
    pub fn next_condition(&self) -> Renewal {
        let sold = self.due_change().unwrap_or(&self.sold);
        if self.paid.contains(&(self.period + 1)) { Renewal::Automatic } else { sold.renewal }
    }

    /// Returns whether the present period, which is no trial, and the first one after those that are paid need no payment.
    pub(crate) fn renews_by_the_clock(&self) -> bool {
        let next = self.unpaid_period();
        let change = self.change.as_ref().filter(|change| change.period <= next);
        let is_automatic = |sold: &Sold| sold.renewal == Renewal::Automatic && !sold.term.is_once();
        self.standing == Standing::Active
            && is_automatic(&self.sold)
            && !self.sold.once
            && change.is_none_or(|change| is_automatic(&change.sold))
    }

    /// Returns the first period that is paid for the terms of the change to come.
    pub(crate) fn first_paid_of_change(&self) -> Option<u32> {
        let change = self.change.as_ref()?;
        self.paid.range(change.period..).next().copied()
    }

    /// Returns the terms with which a later period is to begin.
    pub(crate) fn terms_of(&self, period: u32) -> &Sold {
        let change = self.change.as_ref().filter(|change| change.period <= period);
        change.map(|change| &change.sold).or(self.following.as_deref()).unwrap_or(&self.sold)
    }

    /// Returns the terms of another plan that begin with the next period.
    pub(super) fn due_change(&self) -> Option<&Sold> {
        let change = self.change.as_ref().filter(|change| change.period <= self.period + 1);
        change.map(|change| &change.sold)
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

    /// Returns the instant of the requested change if it is the one to this plan and number of seats, the present number by
    /// default.
    pub fn change_time_to(&self, plan: &str, quantity: Option<u32>) -> Option<Timestamp> {
        let sold = &self.change.as_ref()?.sold;
        let is_the_one = sold.plan == plan && sold.quantity == quantity.unwrap_or(self.sold.quantity);
        self.change_time().filter(|_| is_the_one)
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
}
