//! Grace: credits that return to an expired grant live for the grace period, 24 hours by default, and end at most 72 hours
//! after the first expiry.

use super::prelude::*;

/// Returns a wallet with 10 credits, held by a job until `end`, whose grant expires after one hour.
fn pinned_until(end: u64) -> World {
    pinned_under(CATALOG, end)
}

/// Returns the same wallet under another catalog.
fn pinned_under(catalog: &str, end: u64) -> World {
    given_catalog(catalog, [give("a", 10).until(hours(1)), reserve("job", 10).ttl(hours(24))])
        .and(wait(hours(end)))
}

#[test]
fn grace_lives_24_hours_from_its_issue() {
    pinned_until(20)
        .and(fail("job"))
        .then([expires("grace:job", hours(44)), available(10)])
        .when(wait(hours(24)))
        .then([available(0), parts("grace:job", "expired 10")]);
}

/// Returns the catalog of the scenarios with this grace period.
fn with_period(period: &str) -> String {
    format!("policies.grace_period = \"{period}\"\n{CATALOG}")
}

#[test]
fn a_catalog_may_set_the_grace_period_up_to_the_bound() {
    for (period, lifetime) in [("30m", minutes(30)), ("2h", hours(2)), ("48h", hours(48))] {
        pinned_under(&with_period(period), 20)
            .and(fail("job"))
            .then([expires("grace:job", hours(20) + lifetime), available(10)])
            .when(wait(lifetime))
            .then([available(0), parts("grace:job", "expired 10")]);
    }
    pinned_under(&with_period("72h"), 20).when(fail("job")).then([expires("grace:job", hours(1 + 72))]);
}

#[test]
fn a_rule_may_set_the_grace_period_of_its_jobs() {
    let brief =
        CATALOG.replacen("kind = \"open\"", "kind = \"open\"\npolicies = { grace_period = \"1h\" }", 1);
    given_catalog(&brief, [give("a", 20).until(hours(1))])
        .and(reserve_kind("brief", "open", 10).ttl(hours(3)))
        .and(reserve("usual", 10).ttl(hours(3)))
        .and(wait(hours(2)))
        .and(fail("brief"))
        .and(fail("usual"))
        .then([expires("grace:brief", hours(3)), expires("grace:usual", hours(26))]);
}

#[test]
fn a_hold_keeps_the_grace_period_of_its_reserve_when_the_catalog_changes() {
    let brief = with_period("2h");
    pinned_under(&brief, 20)
        .and(Step::Publish(CATALOG.into()))
        .when(fail("job"))
        .then([expires("grace:job", hours(22))]);
    pinned_under(&brief, 20)
        .and(Step::Publish(CATALOG.into()))
        .and(wait(hours(5)))
        .when(process_due())
        .then([state("job", State::Expired), expires("grace:job", hours(26)), available(10)]);
    pinned_under(CATALOG, 20)
        .and(Step::Publish(brief))
        .when(fail("job"))
        .then([expires("grace:job", hours(44))]);
}

#[test]
fn grace_of_an_expired_hold_counts_from_its_deadline() {
    pinned_until(40).when(process_due()).then([
        state("job", State::Expired),
        expires("grace:job", hours(48)),
        effective(&[hours(24)]),
        available(10),
    ]);
    pinned_until(50).when(process_due()).then([
        wrote(&[EntryKind::HoldExpired, EntryKind::GrantExpired]),
        effective(&[hours(24), hours(48)]),
        available(0),
    ]);
}

/// Returns a wallet with grace issued at hour 20, held at hour 43 and issued again at hour 63. The first grant
/// expired after one hour.
fn held_again_and_again() -> World {
    pinned_until(20)
        .and(fail("job"))
        .and(wait(hours(23)))
        .and(reserve("second", 10).ttl(hours(24)))
        .and(wait(hours(20)))
        .then([parts("grace:job", "held 10"), available(0)])
        .and(fail("second"))
}

#[test]
fn grace_of_grace_keeps_the_first_bound_and_stems_from_the_first_grant() {
    held_again_and_again().then([
        expires("grace:job", hours(44)),
        expires("grace:second", hours(1 + 72)),
        stems_from("grace:second", "grant:a"),
        available(10),
    ]);
}

#[test]
fn after_the_bound_no_grace_is_issued() {
    held_again_and_again()
        .and(wait(hours(9)))
        .and(reserve("third", 10).ttl(hours(24)))
        .and(wait(hours(1)))
        .then([held(10)])
        .when(fail("third"))
        .then([
            state("third", State::Failed),
            returned("third", 0),
            forfeited("third", 10),
            no_grant("grace:third"),
            available(0),
        ]);
}

#[test]
fn credits_of_a_hold_longer_than_the_bound_live_for_a_day() {
    let long = format!("policies.max_hold = \"7d\"\n{CATALOG}");
    let late = |period: &str| {
        given_catalog(&format!("{period}\n{long}"), [give("a", 10).until(hours(1))])
            .and(reserve("job", 10).ttl(hours(24 * 7)))
            .and(wait(hours(100)))
    };
    late("").when(cancel("job")).then([returned("job", 10), expires("grace:job", hours(124))]);
    late("policies.grace_period = \"72h\"").when(fail("job")).then([expires("grace:job", hours(124))]);
    late("policies.grace_period = \"1h\"").when(fail("job")).then([expires("grace:job", hours(101))]);
}

#[test]
fn grace_is_spent_before_everything_else() {
    pinned_until(20)
        .and(give("free", 10).until(hours(21)))
        .and(fail("job"))
        .when(reserve("next", 15))
        .then([held_from("next", "grace:job 10, grant:free 5")]);
}

#[test]
fn a_hold_on_several_expired_grants_gives_a_grace_for_each() {
    given([give("a", 10).until(hours(1)), give("b", 10).until(hours(2)), top_up(10)])
        .and(reserve("job", 30).ttl(hours(4)))
        .and(wait(hours(3)))
        .when(stop("job"))
        .then([
            returned("job", 30),
            stems_from("grace:job", "grant:a"),
            stems_from("grace:job#1", "grant:b"),
            parts("top_up:t", "available 10"),
            available(30),
        ]);
}

#[test]
fn grace_repays_debt_first_like_any_new_grant() {
    given([may_owe(6), give("a", 10).until(hours(1)), top_up(5)])
        .and(reserve("job", 10).ttl(hours(4)))
        .and(reserve_kind("dear", "owing", 5))
        .and(settle("dear", 11))
        .then([debt(6)])
        .and(wait(hours(2)))
        .when(fail("job"))
        .then([debt(0), returned("job", 10), parts("grace:job", "available 4, consumed 6"), available(4)]);
}
