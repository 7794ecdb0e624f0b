//! A year of a plan with its payments as a timeline, which the scenarios of the core and the tests of a server follow. It knows
//! the calendar and nothing of the rules: a wallet has the credits of the windows that were paid for, less those that it used.

use std::collections::BTreeMap;

use wallet_core::catalog::{Catalog, Plan};

/// The months from January 2026 on, in days.
const MONTHS: [u64; 14] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28];

/// The end of the year in hours.
const YEAR: u64 = 365 * 24;

/// The time of the payments for periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// An hour after the period has begun.
    Late,
    /// Three days before.
    Early,
    InTurn,
}

/// The instants at which the wallet is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    Daily,
    /// Half a day before each window, at its start, and an hour after it.
    AtWindows,
}

/// A step of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// The wallet has exactly these credits of the plan.
    Look(BTreeMap<String, i64>),
    /// Uses credits of a unit.
    Use(String, i64),
    /// Pays the period that starts at this hour.
    Pay(u64),
    /// Forty days after the last paid period: the subscription has ended.
    Ended,
}

/// Returns a catalog in which every plan with periods renews in this way, with three days of dunning.
pub(crate) fn with_renewal(catalog: &str, renewal: &str) -> String {
    ["MONTH", "WEEK", "YEAR"].iter().fold(catalog.to_owned(), |text, term| {
        let line = format!("term = \"{term}\"\n");
        text.replace(&line, &format!("{line}renewal = \"{renewal}\"\ndunning = \"72h\"\n"))
    })
}

/// Returns the timeline of a plan from its sale on: hours since then, and what happens in them.
pub(crate) fn year(
    catalog: &Catalog,
    plan: &Plan,
    renewal: &str,
    timing: Timing,
    looks: Looks,
) -> Vec<(u64, Act)> {
    let periods = boundaries(&plan.term.to_string());
    let on_payment = renewal == "ON_PAYMENT";
    let mut year =
        Year { catalog, plan, on_payment, periods, paid: vec![0], used: BTreeMap::new(), acts: Vec::new() };
    year.live(renewal != "AUTOMATIC", timing, looks);
    year.acts
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

/// A year in the making: the plan, and what was paid and used.
struct Year<'a> {
    catalog: &'a Catalog,
    plan: &'a Plan,
    on_payment: bool,
    periods: Vec<u64>,
    paid: Vec<u64>,
    /// The use of each unit in the window that began at this hour.
    used: BTreeMap<(String, u64), i64>,
    acts: Vec<(u64, Act)>,
}

impl Year<'_> {
    fn live(&mut self, needs_payments: bool, timing: Timing, looks: Looks) {
        self.look(0);
        let periods = self.periods.clone();
        let ends: Vec<u64> = periods.iter().copied().filter(|start| (1..=YEAR).contains(start)).collect();
        let is_early = |n: usize| timing == Timing::Early || (timing == Timing::InTurn && n % 2 == 1);
        for (n, start) in ends.iter().copied().enumerate() {
            for day in (periods[n] / 24)..(start / 24) {
                let noon = day * 24 + 12;
                if looks == Looks::Daily || self.begins_window(noon + 12) {
                    self.look(noon);
                }
                if looks == Looks::AtWindows && self.begins_window(day * 24) && day * 24 > periods[n] {
                    self.look(day * 24);
                }
                if day % if looks == Looks::Daily { 5 } else { 15 } == 2 {
                    self.spend(noon);
                    self.look(noon);
                }
                if needs_payments && is_early(n) && day + 3 == start / 24 {
                    self.pay(noon, start);
                }
            }
            self.look(start);
            if needs_payments && !is_early(n) {
                self.pay(start + 1, start);
            }
        }
        let last = YEAR + if periods.contains(&YEAR) { 24 } else { 0 };
        self.look(last);
        // From here on nothing is paid any more.
        let paid_until = *periods.iter().find(|at| **at > *ends.last().unwrap()).unwrap();
        if needs_payments && paid_until < 2 * YEAR {
            self.acts.push((paid_until + 40 * 24, Act::Ended));
        }
    }

    fn look(&mut self, hour: u64) {
        let units = self.plan.allowances.iter().map(|allowance| allowance.unit.to_string());
        let expected = units.map(|unit| (unit.clone(), self.expected(&unit, hour))).collect();
        self.acts.push((hour, Act::Look(expected)));
    }

    fn pay(&mut self, hour: u64, start: u64) {
        self.paid.push(start);
        self.acts.push((hour, Act::Pay(start)));
        self.look(hour);
    }

    /// Uses a tenth of the allowances of the present windows.
    fn spend(&mut self, hour: u64) {
        for (unit, amount, window) in self.windows(hour) {
            let increment = self.catalog.unit(&unit).unwrap().increment;
            let part = amount / 10 / increment * increment;
            if part > 0 && self.expected(&unit, hour) > part {
                self.acts.push((hour, Act::Use(unit.clone(), part)));
                *self.used.entry((unit, window)).or_default() += part;
            }
        }
    }

    /// Returns the boundaries of an allowance.
    fn cadence(&self, allowance: &wallet_core::catalog::Allowance) -> Vec<u64> {
        boundaries(&allowance.cadence.unwrap_or(self.plan.term).to_string())
    }

    fn begins_window(&self, hour: u64) -> bool {
        self.plan.allowances.iter().any(|allowance| self.cadence(allowance).contains(&hour))
    }

    /// Returns the unit, the amount and the start of each window of this hour.
    fn windows(&self, hour: u64) -> Vec<(String, i64, u64)> {
        let of = |allowance: &wallet_core::catalog::Allowance| {
            (allowance.unit.to_string(), allowance.amount, last_before(&self.cadence(allowance), hour))
        };
        self.plan.allowances.iter().map(of).collect()
    }

    fn expected(&self, unit: &str, hour: u64) -> i64 {
        let given = !self.on_payment || self.paid.contains(&last_before(&self.periods, hour));
        let windows = self.windows(hour).into_iter().filter(|(of, ..)| given && of == unit);
        windows.map(|(_, n, from)| n - self.used.get(&(unit.to_owned(), from)).copied().unwrap_or(0)).sum()
    }
}
