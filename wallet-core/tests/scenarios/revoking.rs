//! RevokeGrant: available credits are revoked at once, held ones when they return.

use super::prelude::*;

#[test]
fn unspent_credits_of_a_grant_are_revoked() {
    given([top_up(100), reserve("job", 30), settle("job", 30)]).when(revoke("r", "top_up:t")).then([
        done(),
        available(0),
        parts("top_up:t", "consumed 30, revoked 70"),
        wrote(&[EntryKind::GrantRevoked]),
    ]);
}

#[test]
fn held_credits_are_revoked_when_they_return_and_not_before() {
    let running = || {
        given([top_up(100), reserve("job", 30)]).and(revoke("r", "top_up:t")).then([
            available(0),
            held(30),
            parts("top_up:t", "held 30, revoked 70"),
        ])
    };
    running().when(settle("job", 20)).then([
        charged("job", 20),
        forfeited("job", 10),
        returned("job", 0),
        available(0),
        parts("top_up:t", "consumed 20, revoked 80"),
    ]);
    for step in [fail("job"), stop("job"), cancel("job")] {
        running().when(step).then([
            forfeited("job", 30),
            available(0),
            held(0),
            parts("top_up:t", "revoked 100"),
            no_grant("grace:job"),
        ]);
    }
}

#[test]
fn a_revoked_grant_leads_to_no_grace() {
    given([give("a", 10).until(hours(1)), reserve("job", 10).ttl(hours(3)), revoke("r", "grant:a")])
        .and(wait(hours(2)))
        .when(fail("job"))
        .then([forfeited("job", 10), parts("grant:a", "revoked 10"), no_grant("grace:job")]);
}

#[test]
fn a_revoked_pending_grant_never_becomes_effective() {
    given([give("later", 50).from(hours(2)), revoke("r", "grant:later")])
        .when(wait(hours(3)))
        .then([available(0), parts("grant:later", "revoked 50")]);
}

#[test]
fn an_unknown_grant_cannot_be_revoked() {
    given([top_up(10)]).when(revoke("r", "grant:no")).then([refused("GRANT_NOT_FOUND"), available(10)]);
}

#[test]
fn an_id_with_the_prefix_of_a_public_grant_id_is_refused() {
    for word in ["top_up:", "grant:", "grace:", "period:"] {
        given([top_up(10)])
            .when(give(&format!("{word}t"), 5))
            .then([refused("INVALID_FIELD"), available(10), wrote_nothing()])
            .when(buy(&format!("{word}t"), 5))
            .then([refused("INVALID_FIELD"), available(10), wrote_nothing()])
            .and(give("promo:t", 5))
            .when(revoke("r", "grant:promo:t"))
            .then([done(), available(10)]);
    }
}
