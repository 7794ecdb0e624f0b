//! A year of every plan of the five products, with payments an hour late, three days early, or in turn: at every moment
//! a wallet has exactly the credits of the windows that were paid for, less those that it used.

use std::collections::BTreeMap;

use wallet_core::Amounts;
use wallet_core::catalog::Plan;
use wallet_core::posting::{Part, moved_to};

use super::prelude::*;

/// The months from January 2026 on, in days.
const MONTHS: [u64; 14] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28];

/// The end of the year in hours.
const YEAR: u64 = 365 * 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timing {
    Late,
    Early,
    InTurn,
}

/// Returns the boundaries of a term in hours since the start, beyond the end of the year.
fn boundaries(term: &str) -> Vec<u64> {
    let months = MONTHS.iter().scan(0, |sum, days| {
        *sum += days * 24;
        Some(*sum)
    });
    match term {
        "MONTH" => [0].into_iter().chain(months).collect(),
        "WEEK" => (0..60).map(|week| week * 7 * 24).collect(),
        "YEAR" => (0..3).map(|year| year * YEAR).collect(),
        other => panic!("no product has the term {other}"),
    }
}

fn last_before(boundaries: &[u64], hour: u64) -> u64 {
    *boundaries.iter().rfind(|at| **at <= hour).unwrap()
}

/// A year in progress: the wallet, its plan, and the payments and use so far.
struct Year {
    world: World,
    plan: Plan,
    renewal: &'static str,
    periods: Vec<u64>,
    paid: Vec<u64>,
    /// The use of each unit in the window that began at this hour.
    used: BTreeMap<(String, u64), i64>,
    hour: u64,
}

impl Year {
    fn of(catalog: &str, plan: &str, renewal: &'static str) -> Self {
        let mut text = catalog.to_owned();
        for term in ["MONTH", "WEEK", "YEAR"] {
            let line = format!("term = \"{term}\"\n");
            text = text.replace(&line, &format!("{line}renewal = \"{renewal}\"\ndunning = \"72h\"\n"));
        }
        let world = given_catalog(&text, [subscribe("s", plan)]);
        let plan = world.catalogs.current.plan(plan).unwrap().clone();
        let periods = boundaries(&plan.term.to_string());
        Self { world, plan, renewal, periods, paid: vec![0], used: BTreeMap::new(), hour: 0 }
    }

    fn step(mut self, step: Step) -> Self {
        self.world = self.world.and(step);
        self
    }

    fn until(mut self, hour: u64) -> Self {
        if hour > self.hour {
            let pause = hours(hour - self.hour);
            self = self.step(wait(pause));
            self.hour = hour;
        }
        self
    }

    fn pay(mut self, start: u64) -> Self {
        self = self.step(pay(&format!("p{start}")));
        self.paid.push(start);
        self
    }

    /// Uses a tenth of the allowances of the present windows.
    fn spend(mut self) -> Self {
        for (unit, amount, window) in self.windows() {
            let increment = self.world.catalogs.current.unit(&unit).unwrap().increment;
            let part = amount / 10 / increment * increment;
            if part > 0 && self.expected(&unit) > part {
                let id = format!("job-{unit}-{}", self.hour);
                self = self.step(reserve_amounts(&id, &[(&unit, part)], &[])).step(settle_as_reserved(&id));
                *self.used.entry((unit, window)).or_default() += part;
            }
        }
        self
    }

    /// Returns the unit, the amount and the start of each present window.
    fn windows(&self) -> Vec<(String, i64, u64)> {
        let of = |allowance: &wallet_core::catalog::Allowance| {
            let cadence = allowance.cadence.unwrap_or(self.plan.term).to_string();
            let window = last_before(&boundaries(&cadence), self.hour);
            (allowance.unit.to_string(), allowance.amount, window)
        };
        self.plan.allowances.iter().map(of).collect()
    }

    fn expected(&self, unit: &str) -> i64 {
        let given =
            self.renewal != "ON_PAYMENT" || self.paid.contains(&last_before(&self.periods, self.hour));
        let windows = self.windows().into_iter().filter(|(of, ..)| given && of == unit);
        windows.map(|(_, n, from)| n - self.used.get(&(unit.to_owned(), from)).copied().unwrap_or(0)).sum()
    }

    #[track_caller]
    fn check(self) -> Self {
        let wallet = self.world.seen();
        for unit in self.plan.allowances.iter().map(|allowance| &allowance.unit) {
            let grants = wallet.grants.values().filter(|grant| grant.is_of_plan() && grant.unit == *unit);
            let there: i64 = grants.map(|grant| grant.parts.available).sum();
            let (plan, renewal) = (&self.plan.id, self.renewal);
            assert_eq!(
                there,
                self.expected(unit.as_str()),
                "{plan}, {renewal}: {unit} in hour {}",
                self.hour
            );
        }
        self
    }

    /// Returns the credits of the plan that were issued and not revoked.
    fn issued(&self) -> Amounts {
        let mut sum = Amounts::none();
        for grant in self.world.seen().grants.values().filter(|grant| grant.is_of_plan()) {
            sum.add(&grant.unit, grant.amount - grant.parts.revoked);
        }
        sum
    }
}

fn live(catalog: &str, plan: &str, renewal: &'static str, timing: Timing) {
    let mut year = Year::of(catalog, plan, renewal).check();
    let ends: Vec<u64> = year.periods.iter().copied().filter(|start| (1..=YEAR).contains(start)).collect();
    let is_early = |n: usize| timing == Timing::Early || (timing == Timing::InTurn && n % 2 == 1);
    let last = YEAR + if year.periods.contains(&YEAR) { 24 } else { 0 };
    for (n, start) in ends.iter().copied().enumerate() {
        let before = year.periods[n];
        for day in (before / 24)..(start / 24) {
            year = year.until(day * 24 + 12).check();
            if day % 5 == 2 {
                year = year.spend().check();
            }
            if renewal != "AUTOMATIC" && is_early(n) && day + 3 == start / 24 {
                year = year.pay(start).check();
            }
        }
        year = year.until(start).check();
        if renewal != "AUTOMATIC" && !is_early(n) {
            year = year.until(start + 1).pay(start).check();
        }
    }
    year = year.until(last).check();
    // From here on nothing is paid any more.
    let paid_until = *year.periods.iter().find(|at| **at > *ends.last().unwrap()).unwrap();
    if renewal != "AUTOMATIC" && paid_until < 2 * YEAR {
        let sold = year.issued();
        year = year.until(paid_until + 40 * 24);
        let figures = year.world.seen();
        assert!(figures.profile.subscription.is_none(), "{plan}, {renewal}: it has ended");
        for grant in figures.grants.values().filter(|grant| grant.is_of_plan()) {
            assert_eq!(grant.parts.available, 0, "{plan}, {renewal}: {} is left", grant.key);
        }
        assert_eq!(year.issued(), sold, "{plan}, {renewal}: unpaid credits");
        let revoked = year.world.lazy.entries.iter().map(|entry| moved_to(&entry.postings, Part::Revoked));
        let revoked: i64 = revoked.flat_map(|sums| sums.iter().map(|(_, n)| n).collect::<Vec<_>>()).sum();
        assert!(revoked == 0 || renewal == "PROVISIONAL", "{plan}, {renewal}: {revoked} were revoked");
    }
}

fn live_all(catalog: &str) {
    let parsed = wallet_core::catalog::Catalog::parse(catalog).unwrap();
    let plans = parsed.plans().iter().filter(|plan| !plan.term.is_once() && !plan.allowances.is_empty());
    let mut lived = 0;
    for plan in plans {
        for timing in [Timing::Late, Timing::Early, Timing::InTurn] {
            live(catalog, &plan.id, "ON_PAYMENT", timing);
            live(catalog, &plan.id, "PROVISIONAL", timing);
        }
        live(catalog, &plan.id, "AUTOMATIC", Timing::Early);
        lived += 1;
    }
    assert!(lived >= 2, "{lived} plans");
}

#[test]
fn a_year_of_clickraft_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/clickraft.toml"));
}

#[test]
fn a_year_of_flarecut_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/flarecut.toml"));
}

#[test]
fn a_year_of_flikly_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/flikly.toml"));
}

#[test]
fn a_year_of_kreatorflow_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/kreatorflow.toml"));
}

#[test]
fn a_year_of_trainings_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/trainings.toml"));
}
