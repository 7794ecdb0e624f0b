//! Running jobs: start, heartbeats, deadlines and attempts.

use super::prelude::*;

#[test]
fn a_hold_lives_30_minutes_or_the_requested_time_up_to_24_hours() {
    given([top_up(100)])
        .and(reserve("usual", 10))
        .and(reserve("long", 10).ttl(hours(5)))
        .and(reserve("longest", 10).ttl(hours(25)))
        .then([deadline("usual", minutes(30)), deadline("long", hours(5)), deadline("longest", hours(24))])
        .when(wait(minutes(30)))
        .then([state("usual", State::Expired), state("long", State::Held), available(80)]);
}

#[test]
fn start_with_a_lease_shortens_the_deadline() {
    given([top_up(100), reserve("job", 10), wait(minutes(1))])
        .when(start("job", 1).lease(seconds(90)))
        .then([
            state("job", State::Processing),
            deadline("job", seconds(150)),
            run_by("job", "w1, attempt 1"),
            wrote(&[EntryKind::Started]),
        ])
        .when(wait(seconds(90)))
        .then([state("job", State::Expired), available(100)]);
}

#[test]
fn s9_start_without_a_lease_begins_the_ttl_anew_and_needs_no_heartbeat() {
    given([top_up(100), reserve("job", 10), wait(minutes(25))])
        .when(start("job", 1))
        .then([deadline("job", minutes(55))])
        .and(wait(minutes(10)))
        .when(settle("job", 10))
        .then([done(), charged("job", 10)]);
    given([top_up(100), reserve("job", 10).ttl(hours(20)), wait(hours(5))])
        .when(start("job", 1))
        .then([deadline("job", hours(24))]);
}

#[test]
fn the_price_rule_may_name_a_lease_and_the_worker_another_or_none() {
    for (step, end) in [
        (start("job", 1), minutes(1) + seconds(60)),
        (start("job", 1).lease(seconds(10)), minutes(1) + seconds(10)),
        (start("job", 1).lease(seconds(0)), minutes(31)),
    ] {
        given([top_up(100), reserve_kind("job", "leased", 10), wait(minutes(1))])
            .when(step)
            .then([deadline("job", end)]);
    }
}

#[test]
fn reserve_and_start_in_one_call_is_one_entry() {
    given([top_up(100)]).when(reserve_kind("job", "leased", 10).started()).then([
        state("job", State::Processing),
        deadline("job", seconds(60)),
        run_by("job", "w1, attempt 1"),
        wrote(&[EntryKind::Reserved]),
    ]);
}

#[test]
fn reserve_with_start_takes_a_job_that_was_reserved_before_as_start_does() {
    given([top_up(100), reserve("job", 10), wait(minutes(1))])
        .when(reserve("job", 10).started())
        .then([
            done(),
            state("job", State::Processing),
            deadline("job", minutes(31)),
            run_by("job", "w1, attempt 1"),
            wrote(&[EntryKind::Started]),
        ])
        .when(reserve("job", 10).started())
        .then([replayed()])
        .when(reserve("job", 10))
        .then([replayed()])
        .when(start("job", 2))
        .then([run_by("job", "w1, attempt 2")])
        .when(reserve("job", 10).started())
        .then([refused("STALE_ATTEMPT")]);
}

#[test]
fn a_heartbeat_moves_the_deadline_by_the_lease_and_writes_no_entry() {
    given([top_up(100), reserve_kind("job", "leased", 10).started(), wait(seconds(50))])
        .when(extend("job").attempt(1))
        .then([done(), deadline("job", seconds(110)), wrote_nothing()])
        .and(wait(seconds(50)))
        .when(extend("job").lease(seconds(20)))
        .then([deadline("job", seconds(120))]);
}

#[test]
fn a_heartbeat_never_moves_the_deadline_back() {
    given([top_up(100), reserve("job", 10), start("job", 1)]).when(extend("job").lease(seconds(5))).then([
        done(),
        deadline("job", minutes(30)),
        wrote_nothing(),
    ]);
}

#[test]
fn without_a_lease_a_heartbeat_extends_by_60_seconds() {
    given([top_up(100), reserve("job", 10), start("job", 1), wait(minutes(30) - seconds(1))])
        .when(extend("job"))
        .then([deadline("job", minutes(30) + seconds(59))]);
}

#[test]
fn no_hold_lives_beyond_24_hours_after_its_reserve() {
    given([top_up(100), reserve("job", 10).ttl(hours(23)), wait(hours(22))])
        .when(extend("job").lease(hours(5)))
        .then([deadline("job", hours(24))])
        .when(start("job", 1).lease(hours(5)))
        .then([deadline("job", hours(24))])
        .when(wait(hours(2)))
        .then([state("job", State::Expired)]);
}

#[test]
fn a_heartbeat_for_a_finished_job_shows_how_it_ended() {
    for (step, ended) in [
        (cancel("job"), State::Cancelled),
        (settle("job", 5), State::Settled),
        (fail("job"), State::Failed),
        (wait(minutes(31)), State::Expired),
    ] {
        given([top_up(100), reserve("job", 10), start("job", 1)])
            .and(step)
            .and(process_due())
            .when(extend("job").attempt(1))
            .then([done(), state("job", ended), wrote_nothing()]);
    }
}

#[test]
fn a_higher_attempt_takes_over_the_job_and_the_lower_one_is_refused() {
    let taken = || {
        given([top_up(100), reserve_kind("job", "leased", 10), start("job", 1), wait(seconds(30))])
            .and(start("job", 2).worker("w2"))
            .then([
                run_by("job", "w2, attempt 2"),
                deadline("job", seconds(90)),
                wrote(&[EntryKind::Started]),
            ])
    };
    for step in
        [start("job", 1), extend("job").attempt(1), settle("job", 5).attempt(1), fail("job").attempt(1)]
    {
        taken().when(step).then([
            refused("STALE_ATTEMPT"),
            saying("attempt", "2"),
            saying("worker", "w2"),
            run_by("job", "w2, attempt 2"),
            wrote_nothing(),
        ]);
    }
    taken().when(settle("job", 5).attempt(2)).then([done(), charged("job", 5)]);
    taken().when(settle("job", 5)).then([done(), charged("job", 5)]);
    taken().when(start("job", 2).worker("w2")).then([replayed(), wrote_nothing()]);
    taken().when(start("job", 2).worker("w3")).then([refused("STALE_ATTEMPT")]);
}

#[test]
fn a_higher_attempt_is_accepted_because_its_start_may_be_lost() {
    given([top_up(100), reserve("job", 10), start("job", 1)])
        .when(settle("job", 5).attempt(2))
        .then([done(), state("job", State::Settled)]);
}

#[test]
fn a_takeover_without_a_lease_has_the_ttl_again() {
    given([
        top_up(100),
        reserve_kind("job", "leased", 10).ttl(minutes(20)),
        start("job", 1),
        wait(seconds(50)),
    ])
    .when(start("job", 2).worker("w2").lease(seconds(0)))
    .then([deadline("job", minutes(20) + seconds(50))]);
}

#[test]
fn after_the_lease_has_expired_no_attempt_takes_over() {
    given([top_up(100), reserve_kind("job", "leased", 10), start("job", 1), wait(seconds(60))])
        .when(start("job", 2))
        .then([refused("RESERVATION_EXPIRED"), wrote(&[EntryKind::HoldExpired])]);
}

#[test]
fn a_rule_may_let_its_holds_last_up_to_7_days() {
    let long = CATALOG.replacen("kind = \"fixed\"", "kind = \"fixed\"\npolicies = { max_hold = \"7d\" }", 1);
    let world = |ttl: u64| given_catalog(&long, [top_up(100), reserve("job", 40).ttl(hours(ttl))]);
    world(24 * 6).then([deadline("job", hours(24 * 6))]).and(wait(hours(24 * 5))).then([held(40)]);
    given([top_up(100)]).when(reserve("job", 40).ttl(hours(30))).then([deadline("job", hours(24))]);
    world(24 * 7)
        .and(Step::Publish(CATALOG.into()))
        .and(wait(hours(24 * 7 - 1)))
        .and(extend("job"))
        .then([deadline("job", hours(24 * 7)), held(40)])
        .and(wait(hours(1)))
        .when(process_due())
        .then([state("job", State::Expired), available(100)]);
}
