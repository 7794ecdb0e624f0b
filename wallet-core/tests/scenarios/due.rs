//! Due events: in the order of their instants, one entry each, independent of when the wallet is accessed.
//! Every other scenario checks this too: a twin of its wallet is swept at every instant and must agree.

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
    .when(process_due())
    .then([
        wrote(&[EntryKind::HoldExpired, EntryKind::GrantExpired, EntryKind::GrantEffective]),
        effective(&[hours(1), hours(1), hours(1)]),
        parts("grace:job", "available 10"),
        parts("grace:job#1", "available 5"),
        parts("grant:next", "available 10"),
        expires("grace:job", hours(25)),
    ]);
}

#[test]
fn events_are_processed_in_the_order_of_their_instants_and_not_of_kinds() {
    given([
        give("c", 10).from(hours(1)).until(hours(5)),
        give("b", 10).until(hours(3)),
        top_up(10),
        reserve("job", 20).ttl(hours(4)),
        reserve("none", 0).ttl(hours(2)),
    ])
    .and(wait(hours(40)))
    .when(process_due())
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
fn due_events_are_kept_even_if_the_command_is_refused() {
    given([give("a", 10).until(hours(1)), reserve("job", 4)])
        .and(wait(hours(2)))
        .when(reserve("next", 100))
        .then([
            refused("INSUFFICIENT_CREDITS"),
            wrote(&[EntryKind::HoldExpired, EntryKind::GrantExpired]),
            effective(&[minutes(30), hours(1)]),
            unknown("next"),
        ])
        .when(process_due())
        .then([wrote_nothing()]);
}

#[test]
fn a_clock_that_goes_back_undoes_no_expiry_and_keeps_entries_in_order() {
    given([give("a", 10).until(hours(1)), wait(hours(2)), top_up(10)])
        .and(Step::ClockBack(hours(3)))
        .when(reserve("job", 20))
        .then([refused("INSUFFICIENT_CREDITS"), saying("available", "10")])
        .when(reserve("job", 10))
        .then([done(), deadline("job", hours(2) + minutes(30)), effective(&[hours(2)])]);
}

#[test]
fn a_frozen_wallet_accepts_no_command_and_processes_no_due_event() {
    given([give("a", 10).until(hours(1)), top_up(10), reserve("job", 15)])
        .and(Step::Freeze)
        .and(wait(hours(5)))
        .then([state("job", State::Held), held(15), available(5)])
        .when(settle("job", 15))
        .then([refused("WALLET_FROZEN"), wrote_nothing(), state("job", State::Held)])
        .when(buy("more", 10))
        .then([refused("WALLET_FROZEN"), available(5)])
        .when(process_due())
        .then([refused("WALLET_FROZEN"), wrote_nothing()]);
}
