//! Notifications: once when a balance falls below a threshold or reaches 0, when it recovers, and before credits
//! expire.

use wallet_core::catalog::Threshold::{Amount, Percent};

use super::prelude::*;

/// Returns the plans of the scenarios with thresholds: free 40 %, creator 20 % and 3, pro 20 %. On pro, expiry is
/// warned of three days ahead.
fn warning_plans() -> String {
    let of = |toml: String, plan: &str, says: &str| {
        let id = format!("id = \"{plan}\"");
        assert!(toml.contains(&id), "{plan}");
        toml.replacen(&id, &format!("{id}\n{says}"), 1)
    };
    let toml = of(with_plans(), "free", "thresholds = { credits = [\"40%\"] }");
    let toml = of(toml, "creator", "thresholds = { credits = [\"20%\", 3] }");
    of(toml, "pro", "thresholds = { credits = [\"20%\"] }\nexpiry_warning_days = 3")
}

#[test]
fn a_low_balance_is_notified_once_by_the_reserve_that_causes_it() {
    given([top_up(100), update("u").low("credits", &[Amount(20), Amount(5)])])
        .when(reserve("a", 80))
        .then([notified_nothing(), warned(&[])])
        .when(reserve("b", 1))
        .then([notified(&["5: credits at 19, below 20"]), warned(&["credits at 19, below 20"])])
        .when(reserve("c", 1))
        .then([notified_nothing(), warned(&["credits at 18, below 20"])])
        .when(reserve("d", 14))
        .then([notified(&["7: credits at 4, below 5"]), warned(&["credits at 4, below 5"])])
        .when(settle("a", 80))
        .then([notified_nothing()]);
}

#[test]
fn a_threshold_is_re_armed_10_percent_above_it() {
    let low = || given([top_up(100), update("u").low("credits", &[Amount(25)]), reserve("a", 76)]);
    low()
        .then([all_notified(&["4: credits at 24, below 25"])])
        .and(give("g", 3))
        .when(reserve("b", 3))
        .then([notified_nothing(), available(24)]);
    low()
        .and(give("g", 4))
        .when(reserve("b", 3))
        .then([notified_nothing(), available(25)])
        .when(reserve("c", 1))
        .then([notified(&["7: credits at 24, below 25"])]);
}

#[test]
fn a_recovery_is_notified_once_per_threshold_the_lowest_first() {
    given([top_up(100), update("u").low("credits", &[Amount(50), Amount(20)]), reserve("a", 100)])
        .then([all_notified(&[
            "4: credits at 0, below 50",
            "4: credits at 0, below 20",
            "4: credits exhausted",
        ])])
        .when(give("one", 1))
        .then([notified(&["5: credits at 1, no longer exhausted"])])
        .when(give("two", 21))
        .then([notified(&["6: credits at 22, above 20 again"])])
        .when(give("more", 32))
        .then([notified_nothing(), available(54)])
        .when(give("last", 1))
        .then([notified(&["8: credits at 55, above 50 again"])])
        .when(give("over", 100))
        .then([notified_nothing()])
        .when(reserve("b", 155))
        .and(cancel("b"))
        .then([notified(&[
            "11: credits at 155, no longer exhausted",
            "11: credits at 155, above 20 again",
            "11: credits at 155, above 50 again",
        ])]);
}

#[test]
fn first_credits_and_thresholds_that_are_gone_are_no_recovery() {
    given([])
        .when(top_up(100))
        .then([notified_nothing()])
        .and(update("u").low("credits", &[Amount(50), Amount(20)]))
        .and(reserve("a", 90))
        .then([all_notified(&["4: credits at 10, below 50", "4: credits at 10, below 20"])])
        .and(update("v").low("credits", &[Amount(20)]))
        .when(cancel("a"))
        .then([notified(&["6: credits at 100, above 20 again"])]);
}

/// The allowance of the second week is decided with the profile that the end of the hold changed.
#[test]
fn re_armed_thresholds_are_kept_by_later_due_events() {
    given_catalog(&with_plans(), [subscribe("s", "gym"), update("u").low("credits", &[Amount(50)])])
        .and(reserve("a", 60))
        .then([all_notified(&["4: credits at 45, below 50"])])
        .and(wait(days(8)))
        .when(reserve("b", 60))
        .then([notified(&["5: credits at 105, above 50 again", "8: credits at 45, below 50"])]);
}

#[test]
fn replays_and_refusals_notify_nothing_and_replays_still_warn() {
    given([top_up(10), update("u").low("credits", &[Amount(5)])])
        .when(reserve("a", 11))
        .then([refused("INSUFFICIENT_CREDITS"), notified_nothing()])
        .and(reserve("b", 6))
        .when(reserve("b", 6))
        .then([replayed(), notified_nothing(), warned(&["credits at 4, below 5"])]);
}

#[test]
fn exhaustion_is_notified_each_time_a_balance_above_0_reaches_0() {
    given([top_up(10)])
        .when(reserve("a", 10))
        .then([notified(&["3: credits exhausted"]), warned(&["credits exhausted"])])
        .when(reserve("none", 0))
        .then([notified_nothing(), warned(&["credits exhausted"])])
        .when(fail("a"))
        .then([notified(&["5: credits at 10, no longer exhausted"]), available(10)])
        .when(reserve("b", 10))
        .then([notified(&["6: credits exhausted"])]);
}

#[test]
fn all_thresholds_crossed_at_once_are_notified_the_highest_first() {
    given([top_up(10), buy_of("t2", "trainings", 2)])
        .and(update("u").low("credits", &[Amount(3), Amount(8)]).low("trainings", &[Amount(2)]))
        .when(reserve_both("a", "both", 10, 1))
        .then([
            notified(&[
                "5: credits at 0, below 8",
                "5: credits at 0, below 3",
                "5: credits exhausted",
                "5: trainings at 1, below 2",
            ]),
            warned(&["credits exhausted", "trainings at 1, below 2"]),
        ]);
}

#[test]
fn a_percentage_threshold_is_relative_to_the_sold_allowance() {
    given_catalog(&warning_plans(), [])
        .when(reserve("w", 4))
        .then([notified(&["2: credits at 1, below 2"])])
        .and(cancel("w"))
        .and(subscribe("s", "creator"))
        .when(reserve("a", 30))
        .then([notified(&["5: credits at 5, below 6"])]);
    given_catalog(&warning_plans(), [subscribe("s", "creator").negotiated("credits", 50)])
        .when(reserve("a", 46))
        .then([notified(&["3: credits at 9, below 10"]), warned(&["credits at 9, below 10"])]);
}

#[test]
fn thresholds_of_the_wallet_override_the_plans_until_they_are_cleared() {
    given_catalog(&warning_plans(), [subscribe("s", "pro"), reserve("z", 5)])
        .and(update("a").low("credits", &[Percent(50)]))
        .when(reserve("b", 51))
        .then([notified(&["5: credits at 49, below 50"])])
        .and(update("c").low("credits", &[Amount(0)]))
        .when(reserve("d", 40))
        .then([notified_nothing(), warned(&[])])
        .and(cancel("d"))
        .and(update("e").low("credits", &[]))
        .when(reserve("f", 35))
        .then([notified(&["10: credits at 14, below 20"])]);
}

#[test]
fn a_renewal_re_arms_thresholds_without_notifying_the_expiry_before_it() {
    given_catalog(&warning_plans(), [reserve("w", 5), settle("w", 5), subscribe("s", "creator")])
        .and(until("2026-02-15"))
        .and(process_due())
        .then([all_notified(&[
            "2: credits at 0, below 2",
            "2: credits exhausted",
            "4: credits at 30, no longer exhausted",
        ])])
        .when(reserve("a", 25))
        .then([notified(&["7: credits at 5, below 6"])])
        .and(settle("a", 25))
        .and(until("2026-03-15"))
        .when(reserve("b", 25))
        .then([notified(&["10: credits at 30, above 6 again", "11: credits at 5, below 6"])]);
}

#[test]
fn the_end_of_a_subscription_is_notified_if_the_balance_reaches_0() {
    given_catalog(&warning_plans(), [reserve("w", 5), settle("w", 5), subscribe("s", "creator")])
        .and(unsubscribe("u"))
        .and(until("2026-02-15"))
        .when(process_due())
        .then([notified(&["7: credits at 0, below 2", "7: credits exhausted"])]);
}

#[test]
fn a_downgrade_uses_the_thresholds_of_the_smaller_plan_at_once() {
    given_catalog(&warning_plans(), [subscribe("s", "pro"), change_plan("d", "creator")])
        .and(until("2026-02-15"))
        .when(process_due())
        .then([effective_on(&["2026-01-29", "2026-02-01", "2026-02-01"])])
        .when(reserve("a", 29))
        .then([notified_nothing(), available(6)])
        .when(reserve("b", 1))
        .then([notified(&["8: credits at 5, below 6"])]);
}

#[test]
fn thresholds_follow_the_catalog_with_the_next_command() {
    let more = warning_plans().replace("\"20%\", 3", "\"50%\"");
    given_catalog(&warning_plans(), [subscribe("s", "creator"), reserve("w", 5)])
        .and(Step::Publish(more))
        .when(reserve("a", 14))
        .then([notified_nothing(), available(16)])
        .when(reserve("b", 2))
        .then([notified(&["5: credits at 14, below 15"])]);
}

#[test]
fn credits_that_expire_soon_are_notified_once_in_order_of_time() {
    given_catalog(&warning_plans(), [subscribe("s", "pro")])
        .and(buy_pack("p", "bundle"))
        .and(give("brief", 7).until(days(2)))
        .and(give("long", 7).until(days(10)))
        .and(wait(days(20)))
        .when(process_due())
        .then([
            wrote(&[EntryKind::GrantExpired, EntryKind::GrantExpiring, EntryKind::GrantExpired]),
            notified(&["7: grant:long with 7 credits ends after 240 h"]),
        ])
        .and(wait(days(10)))
        .when(process_due())
        .then([notified(&[
            "9: top_up:p with 100 credits ends after 744 h",
            "10: top_up:p#1 with 2 trainings ends after 744 h",
            "11: period:1.0.0 with 100 credits ends after 744 h",
        ])])
        .and(wait(hours(23)))
        .when(process_due())
        .then([wrote_nothing()]);
}

#[test]
fn used_revoked_and_expired_credits_cause_no_expiry_warning() {
    given_catalog(&warning_plans(), [reserve("w", 5), settle("w", 5), subscribe("s", "pro")])
        .and(give("used", 7).until(days(10)).priority(-1))
        .and(reserve("a", 100))
        .and(settle("a", 100))
        .and(reserve("b", 7))
        .and(settle("b", 7))
        .and(give("taken", 9).until(days(10)))
        .and(reserve("c", 2).ttl(hours(24)))
        .and(revoke("r", "grant:taken"))
        .and(wait(days(12)))
        .when(process_due())
        .then([wrote(&[EntryKind::HoldExpired])]);
}
