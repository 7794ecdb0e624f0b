//! Settle of an expired hold: only with `accept_late`, in full or not at all, within 72 hours.

use super::prelude::*;

/// Returns a wallet of `credits` with a job of 40, an hour after its reserve. The hold expired after 30 minutes.
fn expired(credits: i64) -> World {
    given([top_up(credits), reserve_kind("job", "open", 40)]).and(wait(hours(1))).then([
        state("job", State::Expired),
        available(credits),
        held(0),
    ])
}

#[test]
fn a_late_settle_charges_what_is_available_in_full() {
    for (actual, charge) in [(30, 30), (40, 40), (48, 40)] {
        expired(100).when(settle("job", actual).late()).then([
            done(),
            state("job", State::Settled),
            charged("job", charge),
            uncollected("job", actual - charge),
            available(100 - charge),
            wrote(&[EntryKind::HoldExpired, EntryKind::SettledLate]),
        ]);
    }
}

#[test]
fn entries_of_due_events_have_the_system_as_their_author() {
    expired(100).when(settle("job", 30).late()).then([authors(&["system", "local"])]);
}

#[test]
fn a_late_settle_that_cannot_be_paid_in_full_changes_nothing() {
    expired(100)
        .and(reserve("other", 61))
        .when(settle("job", 40).late())
        .then([
            refused("INSUFFICIENT_CREDITS"),
            saying("shortfall", "1"),
            state("job", State::Expired),
            available(39),
            wrote_nothing(),
        ])
        .and(buy("more", 1))
        .when(settle("job", 40).late())
        .then([done(), state("job", State::Settled), available(0)]);
}

#[test]
fn a_settle_without_accept_late_is_refused_after_expiry() {
    expired(100).when(settle("job", 40)).then([
        refused("RESERVATION_EXPIRED"),
        state("job", State::Expired),
        available(100),
    ]);
}

#[test]
fn the_window_closes_72_hours_after_the_deadline() {
    let close = minutes(30) + hours(72);
    let last = close - hours(1) - std::time::Duration::from_micros(1);
    expired(100).and(wait(last)).when(settle("job", 40).late()).then([done(), state("job", State::Settled)]);
    expired(100)
        .and(wait(close - hours(1)))
        .when(settle("job", 40).late())
        .then([refused("RESERVATION_EXPIRED"), state("job", State::Expired)]);
}

#[test]
fn an_expired_job_that_is_cancelled_or_failed_cannot_be_settled_any_more() {
    let closed = [
        (cancel("job"), State::Cancelled, "RESERVATION_CANCELLED"),
        (stop("job"), State::Cancelled, "RESERVATION_CANCELLED"),
        (cancel("job").allow_missing(), State::Cancelled, "RESERVATION_CANCELLED"),
        (fail("job"), State::Failed, "IDEMPOTENCY_MISMATCH"),
    ];
    for (step, ended, reason) in closed {
        let kind = if ended == State::Failed { EntryKind::Failed } else { EntryKind::Cancelled };
        expired(100)
            .when(step.clone())
            .then([
                done(),
                state("job", ended),
                charged("job", 0),
                returned("job", 40),
                fee("job", 0),
                available(100),
                wrote(&[EntryKind::HoldExpired, kind]),
            ])
            .when(settle("job", 40).late())
            .then([refused(reason), saying("state", ended.as_str()), available(100), wrote_nothing()])
            .when(step)
            .then([replayed(), state("job", ended), wrote_nothing()])
            .when(wait(days(9)))
            .when(settle("job", 40).late())
            .then([refused(reason), available(100)]);
    }
}

#[test]
fn the_first_command_that_ends_an_expired_job_wins() {
    expired(100).and(settle("job", 40).late()).when(cancel("job")).then([
        refused("RESERVATION_SETTLED"),
        state("job", State::Settled),
        available(60),
    ]);
    expired(100)
        .and(cancel("job"))
        .when(stop("job"))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "reason")])
        .when(fail("job"))
        .then([refused("RESERVATION_CANCELLED")])
        .when(reserve_kind("job", "open", 40).started())
        .then([refused("RESERVATION_CANCELLED")]);
}

#[test]
fn an_expired_job_does_not_change_after_the_late_window() {
    let close = minutes(30) + hours(72);
    for step in [fail("job"), cancel("job")] {
        expired(100).and(wait(close - hours(1))).when(step).then([
            done(),
            state("job", State::Expired),
            wrote(&[EntryKind::HoldExpired]),
        ]);
    }
}

#[test]
fn a_lower_attempt_cannot_end_an_expired_job() {
    given([top_up(100), reserve_kind("job", "open", 40), start("job", 2).worker("w2")])
        .and(wait(hours(1)))
        .when(fail("job").attempt(1))
        .then([refused("STALE_ATTEMPT"), state("job", State::Expired)])
        .when(settle("job", 40).late().attempt(2))
        .then([done(), state("job", State::Settled)]);
}

#[test]
fn a_late_settle_takes_new_allocations_in_the_usual_order() {
    given([top_up(40), reserve("job", 40)])
        .and(wait(hours(1)))
        .and(give("free", 10))
        .when(settle("job", 40).late())
        .then([charged_to("job", "grant:free 10, top_up:t 30"), available(10)]);
}

#[test]
fn a_late_settle_of_several_units_takes_all_or_nothing() {
    given([top_up(40), buy_of("p", "trainings", 1), reserve_both("job", "both", 40, 1)])
        .and(wait(hours(1)))
        .and(reserve_amounts("other", &[("trainings", 1)], &[]))
        .when(settle_usage("job", &[("n", "40"), ("t", "1")]).late())
        .then([refused("INSUFFICIENT_CREDITS"), saying("unit", "trainings"), available(40)]);
}

#[test]
fn a_suspended_or_indebted_wallet_can_still_be_settled_late() {
    expired(100).and(suspend("s")).when(settle("job", 40).late()).then([done(), available(60)]);
}
