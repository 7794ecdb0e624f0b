//! What falls due by itself: in the order of its instants, one entry each, whether or when anybody looks.
//! Every other scenario shows it too: a twin of its wallet is swept at every instant and must agree.

use super::prelude::*;

#[test]
fn ties_are_hold_expiry_then_grant_expiry_then_effect() {
    given([
        give("brief", 10).until(hours(1)),
        give("also", 10).until(hours(1)),
        give("next", 10).from(hours(1)),
        reserve("job", 15).ttl(hours(1)),
    ])
    .and(wait(hours(2)))
    .when(poke())
    .then([
        wrote(&[EntryKind::HoldExpired, EntryKind::GrantExpired, EntryKind::GrantEffective]),
        effective(&[hours(1), hours(1), hours(1)]),
        parts("grace:job", "available 10"),
        parts("grace:job#1", "available 5"),
        parts("grant:next", "available 10"),
        lapses("grace:job", hours(25)),
    ]);
}

#[test]
fn events_happen_in_the_order_of_their_instants_and_not_of_their_kinds() {
    given([
        give("c", 10).from(hours(1)).until(hours(5)),
        give("b", 10).until(hours(3)),
        top_up(10),
        reserve("job", 20).ttl(hours(4)),
        reserve("none", 0).ttl(hours(2)),
    ])
    .and(wait(hours(40)))
    .when(poke())
    .then([
        wrote(&[
            EntryKind::GrantEffective,
            EntryKind::HoldExpired,
            EntryKind::HoldExpired,
            EntryKind::GrantExpired,
            EntryKind::GrantExpired,
        ]),
        effective(&[hours(1), hours(2), hours(4), hours(5), hours(28)]),
        available(10),
    ]);
}

#[test]
fn what_was_due_is_kept_even_if_the_command_is_refused() {
    given([give("a", 10).until(hours(1)), reserve("job", 4)])
        .and(wait(hours(2)))
        .when(reserve("next", 100))
        .then([
            refused("INSUFFICIENT_CREDITS"),
            wrote(&[EntryKind::HoldExpired, EntryKind::GrantExpired]),
            effective(&[minutes(30), hours(1)]),
            unknown("next"),
        ])
        .when(poke())
        .then([wrote_nothing()]);
}

#[test]
fn a_clock_that_jumps_back_unexpires_nothing_and_entries_stay_in_order() {
    given([give("a", 10).until(hours(1)), wait(hours(2)), top_up(10)])
        .and(Step::ClockBack(hours(3)))
        .when(reserve("job", 20))
        .then([refused("INSUFFICIENT_CREDITS"), saying("available", "10")])
        .when(reserve("job", 10))
        .then([done(), deadline("job", hours(2) + minutes(30)), effective(&[hours(2)])]);
}

#[test]
fn a_frozen_wallet_takes_no_commands_and_its_deadlines_stand_still() {
    given([give("a", 10).until(hours(1)), top_up(10), reserve("job", 15)])
        .and(Step::Freeze)
        .and(wait(hours(5)))
        .then([state("job", State::Held), held(15), available(5)])
        .when(settle("job", 15))
        .then([refused("WALLET_FROZEN"), wrote_nothing(), state("job", State::Held)])
        .when(buy("more", 10))
        .then([refused("WALLET_FROZEN"), available(5)])
        .when(poke())
        .then([refused("WALLET_FROZEN"), wrote_nothing()]);
}
