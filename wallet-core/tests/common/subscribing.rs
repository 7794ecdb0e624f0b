//! Steps and facts of subscriptions, and days of the calendar.

use chrono::NaiveDate;

use wallet_core::catalog::{Conditions, Entitlement, Matcher};
use wallet_core::decide::{
    CancelSubscription, ChangePlan, PauseSubscription, RecordPayment, ResumeSubscription, Subscribe,
};
use wallet_core::grant::Money;
use wallet_core::payment::Paid;
use wallet_core::posting::{Account, Part};
use wallet_core::sold::Overrides;
use wallet_core::subscription::{Pending, Standing, Subscription, UnusedCredits, When};
use wallet_core::{Command, OriginId, RequestId, Source, Timestamp};

use super::facts::Fact;
use super::steps::{Step, unit};
use super::world::{CATALOG, World};

/// Returns the catalog of the scenarios with plans, and with packs that depend on them.
pub(crate) fn with_plans() -> String {
    format!("{}{CATALOG}", include_str!("plans.toml"))
}

/// Returns the same plans without the free credits of a new wallet.
pub(crate) fn plans_without_free_credits() -> String {
    with_plans().replacen(r#"allowances = [{ unit = "credits", amount = 5 }]"#, "", 1)
}

/// Returns midnight of a day: "2026-02-28".
pub(crate) fn day(date: &str) -> Timestamp {
    let date: NaiveDate = date.parse().unwrap();
    date.and_hms_opt(0, 0, 0).unwrap().and_utc().into()
}

/// Time passes until midnight of this day.
pub(crate) fn until(date: &str) -> Step {
    Step::Until(day(date))
}

fn request(id: &str) -> RequestId {
    RequestId::parse(id).unwrap()
}

pub(crate) fn subscribe(id: &str, plan: &str) -> Step {
    Step::Command(Command::Subscribe(Subscribe {
        request: request(id),
        plan: plan.to_owned(),
        overrides: Overrides::default(),
        quantity: None,
        anchor: None,
        paid: Paid::default(),
    }))
}

pub(crate) fn change_plan(id: &str, plan: &str) -> Step {
    Step::Command(Command::ChangePlan(ChangePlan {
        request: request(id),
        plan: plan.to_owned(),
        overrides: Overrides::default(),
        quantity: None,
        when: None,
        unused: None,
        paid: Paid::default(),
    }))
}

/// The subscription is cancelled with effect at the end of its period.
pub(crate) fn unsubscribe(id: &str) -> Step {
    cancel_subscription(id, false)
}

/// The subscription is cancelled at once, with its credits.
pub(crate) fn unsubscribe_now(id: &str) -> Step {
    cancel_subscription(id, true)
}

fn cancel_subscription(id: &str, now: bool) -> Step {
    let reason = "asked to".to_owned();
    Step::Command(Command::CancelSubscription(CancelSubscription {
        request: request(id),
        now,
        expire_credits: now,
        reason,
    }))
}

/// The subscription pauses at the end of what is paid.
pub(crate) fn pause(id: &str) -> Step {
    Step::Command(Command::PauseSubscription(PauseSubscription {
        request: request(id),
        until: None,
        reason: String::new(),
    }))
}

pub(crate) fn resume(id: &str) -> Step {
    Step::Command(Command::ResumeSubscription(ResumeSubscription { request: request(id) }))
}

/// The payment of the next period is recorded.
pub(crate) fn pay(id: &str) -> Step {
    Step::Command(Command::RecordPayment(RecordPayment {
        request: request(id),
        period_start: None,
        paid: Paid::default(),
        reason: String::new(),
    }))
}

/// Parameters of a sale.
impl Step {
    /// Counts the periods from midnight of this day.
    pub(crate) fn anchored(mut self, date: &str) -> Self {
        match &mut self {
            Step::Command(Command::Subscribe(subscribe)) => subscribe.anchor = Some(day(date)),
            other => panic!("not a subscribe: {other:?}"),
        }
        self
    }

    /// The change of plan takes effect now.
    pub(crate) fn at_once(self) -> Self {
        self.changing(|change| change.when = Some(When::Now))
    }

    /// The change of plan takes effect at the end of what was paid.
    pub(crate) fn at_the_end(self) -> Self {
        self.changing(|change| change.when = Some(When::AtPeriodEnd))
    }

    /// The old plan's credits live on.
    pub(crate) fn keeping(mut self) -> Self {
        match &mut self {
            Step::Command(Command::CancelSubscription(cancel)) => cancel.expire_credits = false,
            _ => return self.changing(|change| change.unused = Some(UnusedCredits::Keep)),
        }
        self
    }

    fn changing(mut self, set: impl FnOnce(&mut ChangePlan)) -> Self {
        match &mut self {
            Step::Command(Command::ChangePlan(change)) => set(change),
            other => panic!("not a change of plan: {other:?}"),
        }
        self
    }

    /// Names the period that is paid by its first day.
    pub(crate) fn for_period(self, date: &str) -> Self {
        self.for_period_at(day(date))
    }

    /// Names the period that is paid by its start.
    pub(crate) fn for_period_at(mut self, start: Timestamp) -> Self {
        match &mut self {
            Step::Command(Command::RecordPayment(payment)) => payment.period_start = Some(start),
            other => panic!("not a payment: {other:?}"),
        }
        self
    }

    /// Names the payment, and its amount in cents.
    pub(crate) fn invoiced(self, reference: &str, cents: i64) -> Self {
        self.paid(Some(cents), Some(reference.parse().unwrap()))
    }

    /// Names the payment, and not its amount.
    pub(crate) fn referring(self, reference: &str) -> Self {
        self.paid(None, Some(reference.parse().unwrap()))
    }

    /// Names the amount of the payment in cents, and not its reference.
    pub(crate) fn of_cents(self, cents: i64) -> Self {
        self.paid(Some(cents), None)
    }

    fn paid(mut self, cents: Option<i64>, reference: Option<OriginId>) -> Self {
        let amount = cents.map(|minor_units| Money { currency: "EUR".to_owned(), minor_units });
        let paid = Paid { amount, reference };
        match &mut self {
            Step::Command(Command::RecordPayment(payment)) => payment.paid = paid,
            Step::Command(Command::Subscribe(subscribe)) => subscribe.paid = paid,
            Step::Command(Command::ChangePlan(change)) => change.paid = paid,
            other => panic!("not a payment: {other:?}"),
        }
        self
    }

    /// Overrides the allowance of a unit with `n`.
    pub(crate) fn negotiated(mut self, of: &str, n: i64) -> Self {
        self.overrides().allowances.set(&unit(of), n);
        self
    }

    /// Overrides a limit with `n`.
    pub(crate) fn allowing(mut self, limit: &str, n: u64) -> Self {
        self.overrides().limits.insert(limit.to_owned(), n);
        self
    }

    /// Overrides the entitlements with jobs of this kind, up to `n` of quantity `n`, besides earlier overrides.
    pub(crate) fn entitling(mut self, kind: &str, n: i64) -> Self {
        let max = [("n".to_owned(), n.into())].into();
        let kind = Matcher::Prefix(kind.to_owned());
        let entitlement = Entitlement { kind, conditions: Conditions::default(), max };
        self.overrides().entitlements.get_or_insert_default().push(entitlement);
        self
    }

    pub(crate) fn ranked(mut self, rank: u32) -> Self {
        self.overrides().rank = Some(rank);
        self
    }

    /// The pause ends automatically on this day.
    pub(crate) fn ending(mut self, date: &str) -> Self {
        match &mut self {
            Step::Command(Command::PauseSubscription(pause)) => pause.until = Some(day(date)),
            other => panic!("not a pause: {other:?}"),
        }
        self
    }

    /// The plan is sold for this many seats.
    pub(crate) fn seats(mut self, n: u32) -> Self {
        match &mut self {
            Step::Command(Command::Subscribe(subscribe)) => subscribe.quantity = Some(n),
            Step::Command(Command::ChangePlan(change)) => change.quantity = Some(n),
            other => panic!("not a sale: {other:?}"),
        }
        self
    }

    fn overrides(&mut self) -> &mut Overrides {
        match self {
            Step::Command(Command::Subscribe(subscribe)) => &mut subscribe.overrides,
            Step::Command(Command::ChangePlan(change)) => &mut change.overrides,
            other => panic!("not a sale: {other:?}"),
        }
    }
}

fn of_subscription<T: std::fmt::Debug + 'static>(
    what: &str,
    expected: T,
    get: impl Fn(&Subscription) -> T + 'static,
) -> Fact {
    Fact::new(what, Some(expected), move |world| world.seen().profile.subscription.as_deref().map(&get))
}

/// The plan whose entitlements and prices apply.
pub(crate) fn plan(id: &str) -> Fact {
    Fact::new("the plan", id.to_owned(), |world| {
        let catalog = &world.catalogs.current;
        world.seen().plan_id(catalog).unwrap_or("none").to_owned()
    })
}

/// The wallet has no subscription.
pub(crate) fn unsubscribed() -> Fact {
    Fact::new("the subscription", None, |world| {
        world.seen().profile.subscription.map(|subscription| subscription.sold.plan)
    })
}

pub(crate) fn active() -> Fact {
    of_subscription("the standing", Standing::Active, |subscription| subscription.standing)
}

pub(crate) fn past_due() -> Fact {
    of_subscription("the standing", Standing::PastDue, |subscription| subscription.standing)
}

pub(crate) fn provisional() -> Fact {
    of_subscription("the standing", Standing::Provisional, |subscription| subscription.standing)
}

/// The pending change: "nothing", "end", or another plan's id.
pub(crate) fn pending(what: &str) -> Fact {
    of_subscription("what is pending", what.to_owned(), |subscription| match subscription.pending() {
        None => "nothing".to_owned(),
        Some((Pending::End, _)) => "end".to_owned(),
        Some((Pending::Change(sold), _)) => sold.plan.clone(),
    })
}

/// The day of the pending change.
pub(crate) fn pending_on(date: &str) -> Fact {
    of_subscription("the day of the pending change", Some(day(date)), |subscription| {
        subscription.pending().map(|(_, at)| at)
    })
}

/// The end of what was paid.
pub(crate) fn paid_through(date: &str) -> Fact {
    of_subscription("paid through", day(date), Subscription::paid_through)
}

/// The current period, from midnight to midnight.
pub(crate) fn period(from: &str, to: &str) -> Fact {
    let both = (day(from), day(to));
    of_subscription("the period", both, |subscription| {
        (subscription.period_start(), subscription.period_end())
    })
}

/// The time at which the subscription gives credits next.
pub(crate) fn renews(date: &str) -> Fact {
    of_subscription("the next renewal", Some(day(date)), Subscription::next_renewal)
}

/// The time at which a wallet without a subscription is given credits next.
pub(crate) fn free_renewal(date: &str) -> Fact {
    Fact::new("the next free credits", Some(day(date)), |world| world.seen().next_renewal())
}

pub(crate) fn never_renews() -> Fact {
    of_subscription("the next renewal", None, Subscription::next_renewal)
}

/// The available credits of one source.
pub(crate) fn from(source: Source, n: i64) -> Fact {
    Fact::new(format!("available from {source:?}"), n, move |world| {
        let seen = world.seen();
        let of =
            seen.grants.values().filter(|grant| grant.source == source && grant.unit.as_str() == "credits");
        of.map(|grant| grant.parts.available).sum::<i64>()
    })
}

/// The grants issued by the last step, in order: "period:1.1.0 30, period:1.1.0#1 2".
pub(crate) fn issued(grants: &str) -> Fact {
    Fact::new("issued grants", grants.to_owned(), |world: &World| {
        let postings = world.lazy.entries.iter().skip(world.mark).flat_map(|entry| &entry.postings);
        let issued = postings.filter_map(|posting| match &posting.account {
            Account::Grant(key) if posting.from == Part::Issued => Some(format!("{key} {}", posting.amount)),
            _ => None,
        });
        issued.collect::<Vec<_>>().join(", ")
    })
}

/// The days at which a grant becomes effective and expires.
pub(crate) fn lives(id: &str, start: &str, end: &str) -> Fact {
    super::facts::of_grant(id, "life", (day(start), day(end)), |grant| {
        (grant.effective_time, grant.expire_time)
    })
}

/// The day at which a grant becomes effective.
pub(crate) fn begins(id: &str, start: &str) -> Fact {
    super::facts::of_grant(id, "start", day(start), |grant| grant.effective_time)
}

/// The effective times of the entries of the last step, each at midnight of these days.
pub(crate) fn effective_on(dates: &[&str]) -> Fact {
    let dates: Vec<_> = dates.iter().map(|date| day(date)).collect();
    Fact::new("effective days", dates, |world| {
        world.lazy.entries.iter().skip(world.mark).map(|entry| entry.effective_time).collect()
    })
}

/// The number of all grants that subscriptions have issued.
pub(crate) fn period_grants(n: i32) -> Fact {
    Fact::new("grants of periods", n, |world| {
        let seen = world.seen();
        let given = seen.grants.values().filter(|grant| grant.source == Source::Subscription);
        i32::try_from(given.count()).unwrap()
    })
}

/// The credits that plans have issued so far.
pub(crate) fn given_in_all(n: i64) -> Fact {
    Fact::new("issued by plans", n, issued_by_plans)
}

/// The credits that plans have issued so far are at most `most`.
pub(crate) fn given_at_most(most: i64) -> Fact {
    Fact::new("beyond the most that plans may issue", 0, move |world| (issued_by_plans(world) - most).max(0))
}

fn issued_by_plans(world: &World) -> i64 {
    let seen = world.seen();
    let of_plans =
        seen.grants.values().filter(|grant| grant.is_of_plan() && grant.unit.as_str() == "credits");
    of_plans.map(|grant| grant.amount).sum()
}

/// A limit that was negotiated for the wallet.
pub(crate) fn negotiated_limit(name: &'static str, n: u64) -> Fact {
    of_subscription("the negotiated limit", Some(n), move |subscription| {
        subscription.sold.limits.get(name).copied()
    })
}

/// The number of seats of the subscription.
pub(crate) fn seats(n: u32) -> Fact {
    of_subscription("seats", n, |subscription| subscription.sold.quantity)
}

pub(crate) fn paused() -> Fact {
    of_subscription("the standing", Standing::Paused, |subscription| subscription.standing)
}

/// A pause is to come or present.
pub(crate) fn pausing(is: bool) -> Fact {
    of_subscription("a pause", is, |subscription| subscription.pause.is_some())
}

/// The catalog version of the terms.
pub(crate) fn sold_by(version: i64) -> Fact {
    of_subscription("the catalog version", version, |subscription| subscription.sold.catalog_version)
}
