//! Debt: credits that become available repay it first, so no wallet owes a unit that it has available.

use super::prelude::*;

/// Returns a wallet that owes 20 credits while a job of 50 runs.
fn owing_beside_a_hold() -> World {
    given([may_owe(20), give("gift", 50), reserve("running", 50), top_up(10)])
        .and(reserve_kind("dear", "owing", 10))
        .and(settle("dear", 30))
        .then([debt(20), available(0), held(50)])
}

#[test]
fn the_rest_of_a_settle_repays_debt_in_its_own_entry() {
    owing_beside_a_hold().when(settle("running", 10)).then([
        wrote(&[EntryKind::Settled]),
        charged("running", 10),
        charged_to("running", "grant:gift 10"),
        returned("running", 40),
        debt(0),
        available(20),
        parts("grant:gift", "available 20, consumed 30"),
    ]);
}

#[test]
fn credits_returned_by_a_failure_or_a_cancel_repay_debt() {
    for (step, kind) in [
        (fail("running"), EntryKind::Failed),
        (stop("running"), EntryKind::Cancelled),
        (cancel("running"), EntryKind::Cancelled),
    ] {
        owing_beside_a_hold().when(step).then([
            wrote(&[kind]),
            charged("running", 0),
            returned("running", 50),
            debt(0),
            available(30),
        ]);
    }
}

#[test]
fn credits_returned_by_an_expired_hold_repay_debt_at_its_deadline() {
    owing_beside_a_hold().when(wait(hours(1))).then([debt(0), available(30)]).when(process_due()).then([
        wrote(&[EntryKind::HoldExpired]),
        returned("running", 50),
        parts("grant:gift", "available 30, consumed 20"),
    ]);
}

#[test]
fn grace_credits_repay_debt_in_the_entry_that_issues_them() {
    given([may_owe(20), give("gift", 50).until(hours(1)), reserve("running", 50).ttl(hours(3))])
        .and(top_up(10))
        .and(reserve_kind("dear", "owing", 10))
        .and(settle("dear", 30))
        .and(wait(hours(2)))
        .when(fail("running"))
        .then([debt(0), available(30), parts("grace:running", "available 30, consumed 20")]);
}

#[test]
fn a_debt_larger_than_the_returned_credits_takes_all_of_them() {
    given([may_owe(90), give("gift", 10), reserve("running", 10), top_up(10)])
        .and(reserve_kind("dear", "owing", 10))
        .and(settle("dear", 100))
        .when(fail("running"))
        .then([debt(80), available(0), returned("running", 10), parts("grant:gift", "consumed 10")]);
}

#[test]
fn a_chargeback_makes_debt_only_of_what_available_credits_do_not_cover() {
    let used = || given([top_up(100), reserve("job", 60), settle_as_reserved("job"), give("gift", 90)]);
    used().when(charge_back("r", "t")).then([
        wrote(&[EntryKind::ChargedBack]),
        debt(0),
        available(30),
        parts("top_up:t", "consumed 60, revoked 40"),
        parts("grant:gift", "available 30, consumed 60"),
    ]);
    used()
        .and(reserve("next", 120))
        .and(charge_back("r", "t"))
        .then([debt(60), available(0)])
        .when(fail("next"))
        .then([debt(0), available(30), returned("next", 90), forfeited("next", 30)]);
}

#[test]
fn other_grants_repay_a_chargeback_in_spending_order() {
    given([top_up(100), reserve("job", 60), settle_as_reserved("job")])
        .and(give("later", 40).until(hours(9)))
        .and(give("sooner", 40).until(hours(5)))
        .when(charge_back("r", "t"))
        .then([
            parts("grant:sooner", "consumed 40"),
            parts("grant:later", "available 20, consumed 20"),
            debt(0),
        ]);
}

#[test]
fn a_hold_charges_credits_of_a_charged_back_purchase_last() {
    let running = || {
        given([top_up(30), reserve("all", 30), cancel("all")])
            .and(give("gift", 20).source(Source::Referral))
            .and(reserve("job", 50))
            .then([held_from("job", "top_up:t 30, grant:gift 20")])
            .and(charge_back("r", "t"))
    };
    running().when(settle("job", 15)).then([
        charged_to("job", "grant:gift 15"),
        returned("job", 5),
        forfeited("job", 30),
        debt(0),
        available(5),
        parts("top_up:t", "revoked 30"),
    ]);
    running().and(buy("more", 8)).when(settle("job", 40)).then([
        charged("job", 40),
        charged_to("job", "grant:gift 20, top_up:more 8, debt 12"),
        forfeited("job", 30),
        debt(12),
        available(0),
    ]);
}

#[test]
fn the_debt_limit_bounds_overage_and_not_the_debt_of_a_chargeback() {
    let running = |limit: i64| {
        given([may_owe(limit), top_up(50), reserve_kind("job", "owing", 50), charge_back("r", "t")])
    };
    running(100).when(settle("job", 300)).then([debt(100), charged("job", 100), uncollected("job", 200)]);
    running(30).when(settle("job", 300)).then([debt(50), charged("job", 50), uncollected("job", 250)]);
}

#[test]
fn overage_is_charged_after_the_charged_back_part_of_a_hold() {
    let running = |kind: &str| {
        given([top_up(30), reserve_kind("job", kind, 30), charge_back("r", "t"), buy("more", 33)])
    };
    running("open").when(settle("job", 36)).then([
        charged_to("job", "top_up:more 33"),
        uncollected("job", 3),
        debt(0),
    ]);
    running("strict")
        .when(settle("job", 36))
        .then([refused("INSUFFICIENT_CREDITS"), saying("shortfall", "3"), state("job", State::Held)])
        .and(buy("enough", 3))
        .when(settle("job", 36))
        .then([charged("job", 36), debt(0), available(0)]);
}
