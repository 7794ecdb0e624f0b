//! Cancel: its fees, and cancels of jobs that are not reserved yet.

use super::prelude::*;

#[test]
fn a_cancel_fee_is_rounded_down_in_favour_of_the_user() {
    for (reserved, charge, back) in [(25, 12, 13), (1, 0, 1), (0, 0, 0), (40, 20, 20), (99, 49, 50)] {
        given([top_up(100), reserve("job", reserved), start("job", 1)]).when(cancel("job")).then([
            done(),
            state("job", State::Cancelled),
            fee("job", charge),
            charged("job", charge),
            returned("job", back),
            available(100 - charge),
            held(0),
        ]);
    }
}

#[test]
fn a_fee_is_a_whole_number_of_increments() {
    given([buy_of("t", "coins", 100), reserve_kind("job", "coins", 55), start("job", 1)])
        .when(cancel("job"))
        .then([fee_of("job", "coins", 25), returned_of("job", "coins", 30), available_of("coins", 75)]);
}

#[test]
fn a_cancel_before_the_start_is_free() {
    given([top_up(100), reserve("job", 25)]).when(cancel("job")).then([
        fee("job", 0),
        charged("job", 0),
        returned("job", 25),
        available(100),
    ]);
}

#[test]
fn a_job_that_was_reserved_and_started_at_once_costs_a_fee() {
    given([top_up(100), reserve("job", 25).started()])
        .when(cancel("job"))
        .then([fee("job", 12), available(88)]);
}

#[test]
fn the_platforms_cancel_is_free_at_any_time() {
    for step in [reserve("job", 25), reserve("job", 25).started()] {
        given([top_up(100), step]).when(stop("job")).then([
            state("job", State::Cancelled),
            fee("job", 0),
            returned("job", 25),
            available(100),
        ]);
    }
}

#[test]
fn a_started_training_is_charged_in_full_by_a_cancel() {
    given([top_up(100), buy_of("p", "trainings", 2), reserve_both("job", "both", 10, 2).started()])
        .when(cancel("job"))
        .then([
            fee("job", 5),
            fee_of("job", "trainings", 2),
            returned_of("job", "trainings", 0),
            available_of("trainings", 0),
        ]);
}

#[test]
fn a_fee_above_the_callers_limit_refuses_the_cancel() {
    given([top_up(100), reserve("job", 25), start("job", 1)])
        .when(cancel("job").max_fee("credits", 11))
        .then([
            refused("FEE_ABOVE_LIMIT"),
            saying("fee", "12"),
            saying("max_fee", "11"),
            state("job", State::Processing),
            held(25),
            wrote_nothing(),
        ])
        .when(cancel("job").max_fee("credits", 12))
        .then([done(), fee("job", 12)]);
}

#[test]
fn fees_are_those_pinned_at_reserve() {
    let dearer =
        CATALOG.replace("[policies.cancel_fees]", "[policies.cancel_fees]\ncredits = { processing = 100 }");
    given([top_up(100), reserve("old", 20)])
        .and(Step::Publish(dearer))
        .and(reserve("new", 20))
        .and(start("old", 1))
        .and(start("new", 1))
        .and(cancel("old"))
        .when(cancel("new"))
        .then([fee("old", 10), fee("new", 20)]);
}

#[test]
fn a_cancel_before_its_reserve_leaves_a_tombstone() {
    given([top_up(100)])
        .when(cancel("job"))
        .then([refused("RESERVATION_NOT_FOUND"), unknown("job")])
        .when(cancel("job").allow_missing())
        .then([done(), state("job", State::Cancelled), wrote(&[EntryKind::Cancelled])])
        .when(reserve("job", 40))
        .then([refused("RESERVATION_CANCELLED"), available(100), held(0), wrote_nothing()])
        .when(cancel("job").allow_missing())
        .then([replayed()]);
}

#[test]
fn a_tombstone_needs_a_wallet() {
    let mut world = World::new(CATALOG);
    let Step::Command(command) = cancel("job").allow_missing() else { unreachable!() };
    world.run(&command);
    world.then([refused("WALLET_NOT_FOUND"), unknown("job")]);
}
