//! Expiry of grants: a hold pins its credits, expired ones are charged first, and late returns become grace credits.

use super::prelude::*;

#[test]
fn unspent_credits_of_a_grant_expire_at_its_expiry() {
    given([give("a", 10).until(hours(1))])
        .when(wait(hours(1)))
        .then([available(0), parts("grant:a", "expired 10")])
        .when(process_due())
        .then([wrote(&[EntryKind::GrantExpired]), effective(&[hours(1)])]);
}

#[test]
fn the_end_of_a_grant_is_exclusive() {
    let last = hours(1) - std::time::Duration::from_micros(1);
    given([give("a", 10).until(hours(1))]).and(wait(last)).when(reserve("job", 10)).then([done(), held(10)]);
    given([give("a", 10).until(hours(1))])
        .and(wait(hours(1)))
        .when(reserve("job", 10))
        .then([refused("INSUFFICIENT_CREDITS"), wrote(&[EntryKind::GrantExpired])]);
}

#[test]
fn a_hold_pins_its_credits_beyond_the_end_of_their_grant() {
    given([give("a", 10).until(hours(1)), reserve("job", 10).ttl(hours(3))])
        .and(wait(hours(2)))
        .then([held(10), parts("grant:a", "held 10")])
        .when(settle("job", 10))
        .then([charged("job", 10), parts("grant:a", "consumed 10"), wrote(&[EntryKind::Settled])]);
}

#[test]
fn credits_of_an_expired_grant_are_charged_first() {
    let two = || {
        given([
            give("lasting", 10).priority(-1),
            give("brief", 10).until(hours(1)),
            reserve("job", 20).ttl(hours(3)),
        ])
        .then([held_from("job", "grant:lasting 10, grant:brief 10")])
    };
    two().when(settle("job", 12)).then([
        charged_to("job", "grant:lasting 10, grant:brief 2"),
        parts("grant:brief", "available 8, consumed 2"),
    ]);
    two().and(wait(hours(2))).when(settle("job", 12)).then([
        charged_to("job", "grant:lasting 2, grant:brief 10"),
        parts("grant:lasting", "available 8, consumed 2"),
        forfeited("job", 0),
    ]);
}

#[test]
fn a_fee_is_charged_to_an_expired_grant_first() {
    given([
        give("lasting", 10).priority(-1),
        give("brief", 10).until(hours(1)),
        reserve("job", 20).started().ttl(hours(3)),
    ])
    .and(wait(hours(2)))
    .when(cancel("job"))
    .then([
        charged_to("job", "grant:brief 10"),
        returned("job", 10),
        parts("grant:lasting", "available 10"),
    ]);
}

/// Returns a wallet with 10 credits held for a job, whose grant expired an hour ago.
fn expired_under_a_job() -> World {
    given([give("a", 10).until(hours(1)), reserve("job", 10).ttl(hours(3))]).and(wait(hours(2)))
}

#[test]
fn s5_the_remainder_of_a_settle_returns_as_grace_in_the_same_entry() {
    expired_under_a_job().when(settle("job", 4)).then([
        charged("job", 4),
        returned("job", 6),
        forfeited("job", 0),
        available(6),
        parts("grant:a", "consumed 4, expired 6"),
        parts("grace:job", "available 6"),
        expires("grace:job", hours(26)),
        stems_from("grace:job", "grant:a"),
        wrote(&[EntryKind::Settled]),
    ]);
    expired_under_a_job().when(settle("job", 10)).then([no_grant("grace:job"), available(0)]);
}

#[test]
fn s5_a_users_cancel_after_a_renewal_returns_the_credits() {
    given_catalog(&with_plans(), [subscribe("s", "creator"), until("2026-01-31"), wait(hours(23))])
        .and(reserve("job", 30).ttl(hours(2)))
        .and(until("2026-02-01"))
        .and(wait(minutes(20)))
        .then([held(30), from(Source::Subscription, 30)])
        .when(cancel("job"))
        .then([
            returned("job", 30),
            forfeited("job", 0),
            from(Source::Grace, 30),
            from(Source::Subscription, 30),
        ]);
}

#[test]
fn every_return_to_an_expired_grant_becomes_grace() {
    for (step, kind) in [
        (fail("job"), EntryKind::Failed),
        (stop("job"), EntryKind::Cancelled),
        (cancel("job"), EntryKind::Cancelled),
    ] {
        expired_under_a_job().when(step).then([
            returned("job", 10),
            forfeited("job", 0),
            available(10),
            parts("grant:a", "expired 10"),
            parts("grace:job", "available 10"),
            expires("grace:job", hours(26)),
            stems_from("grace:job", "grant:a"),
            wrote(&[kind]),
        ]);
    }
    expired_under_a_job().and(wait(hours(1))).when(process_due()).then([
        state("job", State::Expired),
        returned("job", 10),
        available(10),
        expires("grace:job", hours(27)),
        wrote(&[EntryKind::HoldExpired]),
        effective(&[hours(3)]),
    ]);
}

#[test]
fn a_failure_fee_is_charged_before_grace_is_given() {
    given([give("a", 40).until(hours(1)), reserve("job", 40).ttl(hours(3))])
        .and(wait(hours(2)))
        .when(fail_with("job", "NSFW"))
        .then([
            fee("job", 10),
            parts("grant:a", "consumed 10, expired 30"),
            parts("grace:job", "available 30"),
        ]);
}
