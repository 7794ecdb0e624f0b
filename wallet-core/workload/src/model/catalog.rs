//! `catalog.toml` as plain tables, and the prices of its rules in plain arithmetic.

use wallet_core::catalog::Threshold;
use wallet_core::{Operation, UnitId};

use super::calendar::{DAY, Every, HOUR, NEVER, SECOND};

/// The id of a unit.
pub(crate) type Unit = &'static str;

/// All units with their increments, ordered by id.
pub(crate) const UNITS: [(Unit, i64); 3] = [("coins", 5), ("credits", 1), ("trainings", 1)];

/// The only version of the catalog.
pub(crate) const VERSION: i64 = 1;

/// Returns the unit with this id, if there is one.
pub(crate) fn unit(id: &UnitId) -> Option<Unit> {
    UNITS.iter().map(|(unit, _)| *unit).find(|unit| *unit == id.as_str())
}

/// Returns the increment of a unit.
pub(crate) fn step(unit: Unit) -> i64 {
    UNITS.iter().find(|(id, _)| *id == unit).map_or(1, |(_, step)| *step)
}

/// An allowance of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) unit: Unit,
    pub(crate) amount: i64,
    pub(crate) every: Every,
    pub(crate) rolls: Option<Rolls>,
}

/// A rollover: the cap, the percentage, and the number of times (0 for no limit).
pub(crate) type Rolls = (i64, i64, u32);

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) id: &'static str,
    pub(crate) rank: u32,
    pub(crate) every: Every,
    pub(crate) on_payment: bool,
    /// The percentage of a period that is given before its payment, if it begins without one.
    pub(crate) provisional: Option<i64>,
    /// True for a trial.
    pub(crate) once: bool,
    /// The plan that follows a trial.
    pub(crate) then: Option<&'static str>,
    pub(crate) dunning: i64,
    /// The price of a period in cents.
    pub(crate) money: Option<i64>,
    pub(crate) allowances: &'static [(Unit, i64, Every, Option<Rolls>)],
    /// The kinds of jobs that the plan allows; all if empty.
    pub(crate) kinds: &'static [&'static str],
    pub(crate) concurrency: Option<u64>,
    /// True if each seat has the maximum of open jobs.
    pub(crate) per_seat: bool,
    /// The thresholds of low balances.
    pub(crate) low: &'static [(Unit, &'static [Threshold])],
    /// The number of days by which a warning precedes the expiry of credits.
    pub(crate) warns: i64,
    pub(crate) refund: Refund,
}

impl Plan {
    /// Returns the maximum number of open jobs for a number of seats.
    pub(crate) fn most_jobs(&self, seats: u32) -> Option<u64> {
        self.concurrency.map(|most| if self.per_seat { most * u64::from(seats) } else { most })
    }
}

/// The refund of a pack or of a plan's period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refund {
    /// The time in which everything is paid back; 0 for never.
    pub(crate) window: i64,
    pub(crate) only_unused: bool,
    /// True if the unused part is paid back otherwise.
    pub(crate) unused: bool,
}

const NO_REFUND: Refund = Refund { window: 0, only_unused: true, unused: false };
const IN_A_DAY: Refund = Refund { window: 24 * HOUR, ..NO_REFUND };

impl Refund {
    /// The refund of credits that are in no pack.
    pub(crate) const OF_AMOUNTS: Refund = IN_A_DAY;
}

/// The maximum of `n` in plans that name kinds.
pub(crate) const MOST_N: i64 = 150;
/// The plan of wallets without a subscription.
pub(crate) const DEFAULT: &str = "free";

const fn plan(
    id: &'static str,
    rank: u32,
    every: Every,
    allowances: &'static [(Unit, i64, Every, Option<Rolls>)],
) -> Plan {
    Plan {
        id,
        rank,
        every,
        on_payment: false,
        provisional: None,
        once: false,
        then: None,
        dunning: 7 * DAY,
        money: None,
        allowances,
        kinds: &[],
        concurrency: None,
        per_seat: false,
        low: &[],
        warns: 0,
        refund: Refund { unused: matches!(every, Every::Months(12)), ..NO_REFUND },
    }
}

const fn on_payment(plan: Plan) -> Plan {
    Plan { on_payment: true, ..plan }
}

pub(crate) const PLANS: [Plan; 18] = [
    Plan {
        concurrency: Some(6),
        low: &[("credits", &[Threshold::Percent(25)])],
        ..plan("free", 0, Every::Once, &[("credits", 40, Every::Once, None)])
    },
    plan("trial", 1, Every::Once, &[("credits", 60, Every::Once, None)]),
    Plan {
        kinds: &["fixed", "open", "leased", "both", "preset"],
        low: &[("credits", &[Threshold::Percent(20), Threshold::Amount(45)])],
        warns: 3,
        ..plan("creator", 1, Every::Months(1), &[("credits", 300, Every::Months(1), None)])
    },
    Plan {
        concurrency: Some(5),
        per_seat: true,
        money: Some(1_900),
        refund: IN_A_DAY,
        ..plan("pro", 2, Every::Months(1), &[("credits", 900, Every::Months(1), None)])
    },
    plan(
        "studio",
        3,
        Every::Months(1),
        &[
            ("credits", 2500, Every::Months(1), None),
            ("trainings", 8, Every::Months(1), None),
            ("coins", 100, Every::Months(1), None),
        ],
    ),
    Plan {
        low: &[("trainings", &[Threshold::Amount(1), Threshold::Percent(100)])],
        warns: 2,
        money: Some(700),
        refund: Refund { window: 48 * HOUR, only_unused: false, unused: true },
        ..plan(
            "keeper",
            1,
            Every::Months(1),
            &[
                ("credits", 400, Every::Months(1), Some((150, 100, 2))),
                ("trainings", 3, Every::Days(7), None),
            ],
        )
    },
    plan(
        "keeper-pro",
        2,
        Every::Months(1),
        &[
            ("credits", 1000, Every::Months(1), Some((600, 100, 1))),
            ("trainings", 5, Every::Days(7), Some((NEVER, 50, 0))),
        ],
    ),
    Plan { warns: 7, ..plan("week", 1, Every::Days(7), &[("credits", 100, Every::Days(7), None)]) },
    Plan {
        money: Some(11_999),
        warns: 14,
        ..plan(
            "annual",
            2,
            Every::Months(12),
            &[("credits", 500, Every::Months(1), None), ("trainings", 2, Every::Days(7), None)],
        )
    },
    plan(
        "quarter",
        2,
        Every::Months(3),
        &[
            ("credits", 600, Every::Months(1), None),
            ("trainings", 5, Every::Days(10), None),
            ("coins", 95, Every::Days(14), Some((NEVER, 50, 1))),
        ],
    ),
    plan(
        "drip",
        1,
        Every::Days(14),
        &[("credits", 9, Every::Days(1), Some((20, 100, 3))), ("coins", 60, Every::Days(14), None)],
    ),
    Plan {
        money: Some(600),
        ..on_payment(plan("prepaid", 1, Every::Months(1), &[("credits", 300, Every::Months(1), None)]))
    },
    Plan {
        money: Some(2_001),
        ..on_payment(plan(
            "prepaid-pro",
            2,
            Every::Months(1),
            &[("credits", 1000, Every::Months(1), Some((300, 100, 1)))],
        ))
    },
    Plan {
        dunning: 30 * DAY,
        ..on_payment(plan("patient", 1, Every::Days(7), &[("credits", 100, Every::Days(7), None)]))
    },
    Plan {
        provisional: Some(40),
        dunning: 3 * DAY,
        ..plan(
            "lenient",
            1,
            Every::Months(1),
            &[
                ("credits", 305, Every::Months(1), Some((90, 100, 1))),
                ("coins", 75, Every::Days(1), None),
                ("coins", 130, Every::Days(7), None),
            ],
        )
    },
    Plan {
        provisional: Some(100),
        dunning: 30 * DAY,
        ..plan("brief", 2, Every::Days(7), &[("credits", 120, Every::Days(7), None)])
    },
    Plan { once: true, ..plan("taste", 1, Every::Days(10), &[("credits", 70, Every::Days(10), None)]) },
    Plan {
        once: true,
        then: Some("prepaid-pro"),
        ..plan("start", 2, Every::Months(1), &[("credits", 500, Every::Months(1), None)])
    },
];

pub(crate) fn find_plan(id: &str) -> Option<&'static Plan> {
    PLANS.iter().find(|plan| plan.id == id)
}

/// The expiry of a pack by the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackExpiry {
    Never,
    Days(i64),
    Months(i64),
}

/// A pack of credits for sale.
#[derive(Debug)]
pub(crate) struct Pack {
    pub(crate) id: &'static str,
    pub(crate) amounts: &'static [(Unit, i64)],
    pub(crate) expiry: PackExpiry,
    pub(crate) with_subscription: bool,
    /// The plans that may buy the pack; all wallets if empty.
    pub(crate) plans: &'static [&'static str],
    /// The list price in cents.
    pub(crate) price: Option<i64>,
    pub(crate) refund: Refund,
}

/// All packs, their amounts ordered by unit.
pub(crate) const PACKS: [Pack; 5] = [
    Pack {
        id: "starter",
        amounts: &[("credits", 50)],
        expiry: PackExpiry::Never,
        with_subscription: false,
        plans: &[],
        price: Some(500),
        refund: IN_A_DAY,
    },
    Pack {
        id: "bundle",
        amounts: &[("credits", 100), ("trainings", 2)],
        expiry: PackExpiry::Months(1),
        with_subscription: false,
        plans: &[],
        price: None,
        refund: Refund { window: 2 * HOUR, unused: true, ..NO_REFUND },
    },
    Pack {
        id: "tied",
        amounts: &[("credits", 50), ("trainings", 2)],
        expiry: PackExpiry::Never,
        with_subscription: true,
        plans: &[],
        price: None,
        refund: Refund { only_unused: false, ..IN_A_DAY },
    },
    Pack {
        id: "add-on",
        amounts: &[("credits", 500)],
        expiry: PackExpiry::Months(12),
        with_subscription: true,
        plans: &["creator", "pro", "annual", "prepaid"],
        price: Some(4_000),
        refund: NO_REFUND,
    },
    Pack {
        id: "quick",
        amounts: &[("coins", 40), ("credits", 80)],
        expiry: PackExpiry::Days(3),
        with_subscription: false,
        plans: &[],
        price: None,
        refund: Refund { unused: true, ..NO_REFUND },
    },
];

/// The overage policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    IfAvailable,
    Never,
    AllOrRefuse,
    Owe,
}

#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) id: &'static str,
    /// The charged units, each with its quantity and tenths of a minor unit for each.
    pub(crate) prices: &'static [(Unit, &'static str, i64)],
    /// The default of a missing quantity. Without one, the quantity is required.
    pub(crate) otherwise: Option<i64>,
    /// The maximum price.
    pub(crate) highest: Option<i64>,
    /// The most that Settle may charge, in percent of the reserved amount; none for no bound.
    pub(crate) most: Option<i64>,
    /// The least such bound.
    pub(crate) at_least: i64,
    pub(crate) max_hold: i64,
    pub(crate) beyond: Beyond,
    pub(crate) ttl: i64,
    pub(crate) lease: Option<i64>,
    /// The lifetime of credits that return to an expired lot.
    pub(crate) grace: i64,
    /// The lifetime of credits whose charge is reversed after their lot has expired.
    pub(crate) goodwill: i64,
}

/// The default time to live of a hold.
pub(crate) const TTL: i64 = HOUR / 2;
/// The default grace period.
pub(crate) const GRACE: i64 = 24 * HOUR;
/// The default goodwill period.
pub(crate) const GOODWILL: i64 = 30 * DAY;

const fn kind(id: &'static str, prices: &'static [(Unit, &'static str, i64)], most: i64) -> Kind {
    let (otherwise, highest) = (None, None);
    Kind {
        id,
        prices,
        otherwise,
        highest,
        most: Some(most),
        at_least: 0,
        max_hold: DAY,
        beyond: Beyond::IfAvailable,
        ttl: TTL,
        lease: None,
        grace: GRACE,
        goodwill: GOODWILL,
    }
}

/// All kinds of jobs, their prices ordered by unit.
pub(crate) const KINDS: [Kind; 9] = [
    Kind { grace: 3 * HOUR, ..kind("fixed", &[("credits", "n", 20)], 100) },
    Kind { goodwill: 2 * DAY, at_least: 30, ..kind("open", &[("credits", "n", 15)], 120) },
    Kind { beyond: Beyond::Never, max_hold: 4 * DAY, ..kind("capped", &[("credits", "n", 10)], 120) },
    Kind { beyond: Beyond::AllOrRefuse, ..kind("strict", &[("credits", "n", 10)], 150) },
    Kind { beyond: Beyond::Owe, grace: 72 * HOUR, ..kind("owing", &[("credits", "n", 10)], 1000) },
    kind("both", &[("credits", "n", 10), ("trainings", "t", 10)], 200),
    Kind { ttl: 300 * SECOND, lease: Some(60 * SECOND), ..kind("leased", &[("credits", "n", 10)], 100) },
    Kind { most: None, ..kind("coins", &[("coins", "n", 10)], 200) },
    Kind {
        otherwise: Some(160),
        highest: Some(40),
        at_least: 25,
        beyond: Beyond::AllOrRefuse,
        ..kind("preset", &[("credits", "n", 2)], 200)
    },
];

pub(crate) fn find_kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.id == id)
}

/// Returns the price of an operation, ordered by unit, or `None` if a quantity is missing.
pub(crate) fn price(kind: &Kind, operation: &Operation) -> Option<Vec<(Unit, i64)>> {
    let cost = |(unit, quantity, rate): &(Unit, &str, i64)| {
        let quantity = operation.quantities.get(*quantity).map(|n| n.to_minor(1));
        let tenths = quantity.unwrap_or(kind.otherwise.map(|n| n * 10))?;
        let hundredths = tenths * rate;
        Some((*unit, (up(hundredths, 100 * step(unit)) / 100).min(kind.highest.unwrap_or(i64::MAX))))
    };
    kind.prices.iter().map(cost).collect()
}

/// Rounds `n` up to a multiple of `step`.
pub(crate) fn up(n: i64, step: i64) -> i64 {
    (n + step - 1) / step * step
}

/// Returns `percent` of `n`, rounded down to a multiple of `step`.
pub(crate) fn share(n: i64, percent: i64, step: i64) -> i64 {
    n * percent / 100 / step * step
}

/// Returns the fee of a user's cancel of a started job, in percent.
pub(crate) fn cancel_percent(unit: Unit) -> i64 {
    if unit == "trainings" { 100 } else { 50 }
}

/// Returns the fee of a failure, in percent.
pub(crate) fn failure_percent(code: &str, unit: Unit) -> i64 {
    if code == "NSFW" && unit == "credits" { 25 } else { 0 }
}
