//! Terms and cadences: counts of days, weeks, months and years, and windows that the end of a period cuts short.

use super::prelude::*;

/// Plans of other lengths. `weekly` gives 7 a week, in a month and in a year; `drip` gives one a day.
const LENGTHS: &str = r#"
    [[plans]]
    id = "drip"
    rank = 1
    term = "14 DAY"
    allowances = [{ unit = "credits", amount = 1, cadence = "DAY" }]

    [[plans]]
    id = "fortnight"
    rank = 1
    term = "2 WEEK"
    allowances = [{ unit = "credits", amount = 28 }]

    [[plans]]
    id = "quarter"
    rank = 2
    term = "3 MONTH"
    allowances = [{ unit = "credits", amount = 60 }]

    [[plans]]
    id = "quarter-by-month"
    rank = 2
    term = "3 MONTH"
    allowances = [{ unit = "credits", amount = 20, cadence = "MONTH" }]

    [[plans]]
    id = "weekly-month"
    rank = 1
    term = "MONTH"
    allowances = [{ unit = "credits", amount = 7, cadence = "WEEK" }]

    [[plans]]
    id = "weekly-year"
    rank = 1
    term = "YEAR"
    allowances = [{ unit = "credits", amount = 7, cadence = "WEEK" }]

    [[plans]]
    id = "thirty-days"
    rank = 1
    term = "30 DAY"
    allowances = [{ unit = "credits", amount = 30 }]

    [[plans]]
    id = "coined"
    rank = 1
    term = "MONTH"
    allowances = [{ unit = "coins", amount = 70, cadence = "WEEK" }]
"#;

#[track_caller]
fn on_lengths(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&format!("{}{LENGTHS}", with_plans()), steps)
}

#[test]
fn a_quarter_is_three_months_from_the_anchor() {
    on_lengths([subscribe("s", "quarter").anchored("2025-11-30")])
        .then([period("2025-11-30", "2026-02-28"), issued("period:1.0.0 60")])
        .and(until("2026-02-28"))
        .when(process_due())
        .then([period("2026-02-28", "2026-05-30"), issued("period:1.1.0 60")]);
}

#[test]
fn the_months_of_a_quarter_are_counted_from_the_anchor() {
    on_lengths([subscribe("s", "quarter-by-month").anchored("2025-10-31"), until("2026-01-31")])
        .when(process_due())
        .then([lives("period:1.1.0", "2026-01-31", "2026-02-28"), period("2026-01-31", "2026-04-30")])
        .and(until("2026-03-31"))
        .when(process_due())
        .then([
            lives("period:1.1.2", "2026-03-31", "2026-04-30"),
            issued("period:1.1.1 20, period:1.1.2 20"),
        ]);
}

#[test]
fn daily_credits_live_for_a_day() {
    on_lengths([subscribe("s", "drip")])
        .then([issued("period:1.0.0 1"), renews("2026-01-02"), period("2026-01-01", "2026-01-15")])
        .and(until("2026-01-15"))
        .when(process_due())
        .then([
            from(Source::Subscription, 1),
            given_in_all(15),
            lives("period:1.1.0", "2026-01-15", "2026-01-16"),
        ]);
}

#[test]
fn a_window_that_the_term_cuts_short_gives_its_share() {
    for (plan, anchor, in_all) in [
        ("weekly-year", "2026-01-01", 365),
        ("weekly-month", "2026-01-01", 365),
        ("weekly-month", "2025-12-31", 372),
    ] {
        on_lengths([subscribe("s", plan).anchored(anchor), until("2026-12-31")])
            .when(process_due())
            .then([given_in_all(in_all)]);
    }
    on_lengths([until("2028-01-01"), subscribe("s", "weekly-year"), until("2028-12-31")])
        .when(process_due())
        .then([given_in_all(366)]);
}

#[test]
fn a_share_is_rounded_up_to_the_increment() {
    on_lengths([subscribe("s", "coined"), until("2026-01-29")])
        .when(process_due())
        .then([issued("period:1.0.1 70, period:1.0.2 70, period:1.0.3 70, period:1.0.4 30")]);
}

#[test]
fn a_longer_term_of_the_same_rank_is_an_upgrade() {
    for (from, to, upgrade) in [
        ("drip", "thirty-days", true),
        ("thirty-days", "weekly-month", true),
        ("weekly-month", "thirty-days", false),
        ("fortnight", "week", false),
        ("quarter", "annual", true),
    ] {
        let changed = on_lengths([subscribe("s", from), change_plan("c", to)]);
        if upgrade {
            changed.then([plan(to), pending("nothing")]);
        } else {
            changed.then([plan(from), pending(to)]);
        }
    }
}

#[test]
fn two_weeks_and_fourteen_days_are_the_same_term() {
    on_lengths([subscribe("s", "drip"), until("2026-01-08"), change_plan("c", "fortnight").ranked(2)])
        .then([plan("fortnight"), period("2026-01-01", "2026-01-15"), given_in_all(21)]);
}

#[test]
fn p2_changes_within_a_term_that_cuts_windows_short_mint_nothing() {
    let plans = ["weekly-month", "creator", "gym", "pro"];
    for first in plans {
        for second in plans {
            for days in [0, 6, 27, 28, 29] {
                on_lengths([subscribe("s", first), wait(hours(24 * days + 1))])
                    .and(change_plan("c", second).at_once())
                    .and(change_plan("d", first).at_once())
                    .and(until("2026-01-31"))
                    .when(unsubscribe_now("x").keeping())
                    .then([given_at_most(102)]);
            }
        }
    }
}
