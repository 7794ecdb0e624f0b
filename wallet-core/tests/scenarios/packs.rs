//! Packs that depend on plans and subscriptions, and holds across the expiry of their grants.

use super::prelude::*;

#[track_caller]
fn on_plans(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&with_plans(), steps)
}

#[test]
fn a_pack_for_some_plans_is_neither_sold_nor_suggested_on_others() {
    on_plans([])
        .when(buy_pack("p", "add-on"))
        .then([
            refused("PACK_NOT_AVAILABLE"),
            saying("pack_id", "add-on"),
            saying("plans", "creator,pro,annual,prepaid"),
            no_grant("top_up:p"),
        ])
        .when(reserve("job", 60))
        .then([refused("INSUFFICIENT_CREDITS"), saying("packs", "bundle")])
        .and(subscribe("s", "creator"))
        .when(reserve("job", 100))
        .then([refused("INSUFFICIENT_CREDITS"), saying("packs", "add-on,bundle")])
        .when(buy_pack("p", "add-on"))
        .then([done(), from(Source::Purchased, 500)]);
}

#[test]
fn a_pack_expires_by_its_own_rule_while_the_subscription_continues() {
    on_plans([subscribe("s", "creator"), until("2026-01-10"), buy_pack("p", "add-on")])
        .then([lives("top_up:p", "2026-01-10", "2027-01-10")])
        .and(until("2027-01-10"))
        .when(process_due())
        .then([parts("top_up:p", "expired 500"), active()]);
}

#[test]
fn a_pack_expires_with_the_subscription_if_that_ends_earlier() {
    let bought = || on_plans([subscribe("s", "creator"), buy_pack("p", "add-on"), buy_pack("q", "tied")]);
    bought()
        .and(top_up(7))
        .and(unsubscribe("x"))
        .when(until("2026-01-31"))
        .then([from(Source::Purchased, 557), available_of("trainings", 2)])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([
            wrote(&[EntryKind::GrantExpired, EntryKind::SubscriptionEnded]),
            parts("top_up:p", "expired 500"),
            lives("top_up:p", "2026-01-01", "2026-02-01"),
            parts("top_up:q", "expired 50"),
            parts("top_up:q#1", "expired 2"),
            from(Source::Purchased, 7),
            available_of("trainings", 0),
        ]);
    bought().and(until("2026-01-05")).when(unsubscribe_now("x")).then([
        lives("top_up:p", "2026-01-01", "2026-01-05"),
        parts("top_up:p", "expired 500"),
        from(Source::Purchased, 0),
    ]);
}

#[test]
fn a_plan_change_does_not_expire_packs_tied_to_the_subscription() {
    let kept = || [from(Source::Purchased, 550), parts("top_up:q#1", "available 2")];
    on_plans([subscribe("s", "creator"), buy_pack("p", "add-on"), buy_pack("q", "tied")])
        .when(change_plan("up", "pro"))
        .then(kept())
        .and(change_plan("down", "creator"))
        .and(until("2026-02-01"))
        .when(process_due())
        .then([plan("creator")])
        .then(kept())
        .when(change_plan("year", "annual"))
        .then(kept())
        .when(change_plan("once", "free"))
        .then(kept());
}

#[test]
fn a_hold_pins_credits_of_a_period_that_has_ended() {
    let across = || {
        on_plans([subscribe("s", "creator"), until("2026-01-31"), wait(hours(23))])
            .and(reserve("job", 30).ttl(hours(3)))
            .and(until("2026-02-01"))
            .and(wait(hours(1)))
    };
    across().then([held(30), from(Source::Subscription, 30)]).when(settle("job", 20)).then([
        done(),
        charged("job", 20),
        returned("job", 10),
        parts("period:1.0.0", "consumed 20, expired 10"),
        parts("grace:job", "available 10"),
        from(Source::Subscription, 30),
    ]);
    across().when(fail("job")).then([
        parts("grace:job", "available 30"),
        expires("grace:job", days(32) + hours(1)),
        stems_from("grace:job", "period:1.0.0"),
        from(Source::Grace, 30),
    ]);
    across().when(cancel("job")).then([returned("job", 30), from(Source::Grace, 30)]);
}

#[test]
fn a_hold_pins_credits_of_a_subscription_that_has_ended() {
    let ended = || {
        on_plans([subscribe("s", "creator"), buy_pack("p", "add-on")])
            .and(reserve("job", 40).ttl(hours(5)))
            .and(wait(hours(1)))
            .and(unsubscribe_now("x"))
    };
    ended()
        .then([
            held(40),
            available(0),
            held_from("job", "period:1.0.0 30, period:0.0.0 5, top_up:p 5"),
            parts("top_up:p", "held 5, expired 495"),
        ])
        .when(settle("job", 38))
        .then([done(), charged("job", 38), available(2), parts("period:1.0.0", "consumed 30")]);
    ended().when(fail("job")).then([
        done(),
        from(Source::Grace, 35),
        from(Source::Free, 5),
        parts("grace:job", "available 30"),
        parts("grace:job#1", "available 5"),
        stems_from("grace:job#1", "top_up:p"),
        expires("grace:job", hours(25)),
    ]);
}

#[test]
fn a_new_subscription_does_not_restore_credits_expired_with_the_old_one() {
    on_plans([subscribe("s", "creator"), buy_pack("p", "add-on"), unsubscribe_now("x")])
        .when(subscribe("again", "creator"))
        .then([from(Source::Purchased, 0), from(Source::Subscription, 30)]);
}
