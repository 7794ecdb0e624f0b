//! Grace: credits that return to an expired grant live 24 hours more, at most 72 hours after the first expiry.

use super::prelude::*;

/// Returns a wallet with 10 credits, held by a job until `end`, whose grant expires after one hour.
fn pinned_until(end: u64) -> World {
    given([give("a", 10).until(hours(1)), reserve("job", 10).ttl(hours(24))]).and(wait(hours(end)))
}

#[test]
fn grace_lives_24_hours_from_its_issue() {
    pinned_until(20)
        .and(fail("job"))
        .then([lapses("grace:job", hours(44)), available(10)])
        .when(wait(hours(24)))
        .then([available(0), parts("grace:job", "expired 10")]);
}

#[test]
fn grace_of_an_expired_hold_counts_from_its_deadline() {
    pinned_until(40).when(poke()).then([
        state("job", State::Expired),
        lapses("grace:job", hours(48)),
        effective(&[hours(24)]),
        available(10),
    ]);
    pinned_until(50).when(poke()).then([
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
        lapses("grace:job", hours(44)),
        lapses("grace:second", hours(1 + 72)),
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
            lapsed("third", 10),
            no_grant("grace:third"),
            available(0),
        ]);
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
