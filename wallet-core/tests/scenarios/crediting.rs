//! TopUp and Grant: purchases, packs, payments, gifts, and the limit on open grants.

use wallet_core::wallet::MAX_OPEN_GRANTS;

use super::prelude::*;

#[test]
fn bought_credits_are_available_at_once_and_never_expire() {
    given([])
        .when(top_up(100))
        .then([done(), available(100), wrote(&[EntryKind::ToppedUp])])
        .when(wait(hours(24 * 365 * 50)))
        .then([available(100)]);
}

#[test]
fn a_pack_issues_its_amounts_in_one_entry_and_expires_by_its_rule() {
    given([])
        .when(buy_pack("p", "bundle"))
        .then([
            available(100),
            available_of("trainings", 2),
            expires("top_up:p", hours(24 * 31)),
            expires("top_up:p#1", hours(24 * 31)),
            wrote(&[EntryKind::ToppedUp]),
        ])
        .when(wait(hours(24 * 31)))
        .then([available(0), available_of("trainings", 0)]);
}

#[test]
fn a_month_counts_from_the_payment_by_the_calendar() {
    // 31 December: a month later is 31 January, not 30 days.
    given([])
        .when(buy_pack("p", "bundle").paid_at(START.minus(hours(24))))
        .then([expires("top_up:p", hours(24 * 30))]);
    given([wait(hours(24 * 30))])
        .when(buy_pack("p", "bundle"))
        .then([expires("top_up:p", hours(24 * (31 + 27)))]);
}

#[test]
fn a_payment_in_the_future_or_an_expired_pack_is_an_invalid_field() {
    given([])
        .when(top_up(10).paid_at(START.plus(seconds(1))))
        .then([refused("INVALID_FIELD"), wrote_nothing()])
        .when(buy_pack("p", "bundle").paid_at(START.minus(hours(24 * 31))))
        .then([refused("INVALID_FIELD"), no_grant("top_up:p")])
        .when(buy_pack("p", "no-such"))
        .then([refused("PACK_NOT_FOUND"), saying("pack_id", "no-such")])
        .when(buy_of("p", "bottles", 3))
        .then([refused("INVALID_FIELD")]);
}

#[test]
fn one_payment_under_two_ids_credits_once() {
    given([buy("a", 50).paid_by("pi_1")])
        .when(buy("b", 50).paid_by("pi_1"))
        .then([replayed(), available(50), no_grant("top_up:b"), wrote_nothing()])
        .when(buy("c", 50).paid_by("pi_2"))
        .then([done(), available(100)]);
}

#[test]
fn a_pending_grant_repays_debt_when_it_becomes_effective() {
    given([may_owe(20), top_up(10), reserve_kind("job", "owing", 10), settle("job", 30)])
        .and(give("later", 50).from(hours(2)))
        .then([available(0), debt(20), parts("grant:later", "pending 50")])
        .when(wait(hours(2)))
        .then([available(30), debt(0), parts("grant:later", "available 30, consumed 20")])
        .when(process_due())
        .then([wrote(&[EntryKind::GrantEffective]), effective(&[hours(2)])]);
}

#[test]
fn a_gift_in_the_past_is_effective_now() {
    given([wait(hours(5))]).when(give("g", 10).from(hours(1))).then([available(10), effective(&[hours(5)])]);
}

#[test]
fn a_gift_that_expires_before_it_is_effective_is_an_invalid_field() {
    given([wait(hours(5))])
        .when(give("g", 10).until(hours(5)))
        .then([refused("INVALID_FIELD")])
        .when(give("g", 10).from(hours(7)).until(hours(7)))
        .then([refused("INVALID_FIELD"), no_grant("grant:g")]);
}

#[test]
fn s8_the_number_of_open_grants_bounds_gifts_and_never_what_was_paid() {
    // Checking the invariants after each of 1,000 steps would be slow, so these run without checks.
    let mut world = given([give("0", 1)]);
    for n in 1..MAX_OPEN_GRANTS {
        let Step::Command(command) = give(&n.to_string(), 1) else { unreachable!() };
        world.run_unwatched(&command);
    }
    world
        .when(give("more", 1))
        .then([
            refused("LIMIT_EXCEEDED"),
            saying("limit", "open_grants"),
            saying("maximum", "1000"),
            saying("requested", "1001"),
        ])
        .when(give("0", 1))
        .then([replayed()])
        .and(reserve("job", 1))
        .when(give("more", 1))
        .then([refused("LIMIT_EXCEEDED")])
        .and(settle("job", 1))
        .when(give("more", 1))
        .then([done(), available(1_000)])
        .when(top_up(1))
        .then([done(), available(1_001)]);
}
