//! Refusals: their order if several apply, and the commands that a wallet accepts when it is not active.

use wallet_core::wallet::WalletStatus;

use super::prelude::*;

#[test]
fn the_checks_of_a_reserve_are_in_order() {
    // The reserve violates every check. Each row fixes one violation.
    let owing = || given([may_owe(20), top_up(10), reserve_kind("job", "owing", 10), settle("job", 30)]);
    owing()
        .and(suspend("s"))
        .when(reserve_kind("job", "unheard-of", 40))
        .then([refused("RESERVATION_SETTLED")])
        .when(reserve_kind("new", "unheard-of", 40).limit("credits", 1))
        .then([refused("NO_PRICE_RULE")])
        .when(reserve("new", 40).limit("credit", 1))
        .then([refused("INVALID_FIELD")])
        .when(reserve("new", 40).limit("credits", 1))
        .then([refused("PRICE_ABOVE_LIMIT")])
        .when(reserve("new", 40))
        .then([refused("WALLET_SUSPENDED")])
        .and(update("on").status(WalletStatus::Active))
        .when(reserve("new", 40))
        .then([refused("IN_DEBT")])
        .and(buy("u", 20))
        .when(reserve("new", 40))
        .then([refused("INSUFFICIENT_CREDITS")])
        .and(buy("v", 40))
        .when(reserve("new", 40))
        .then([done()]);
}

#[test]
fn suspension_blocks_a_reserve_and_nothing_else() {
    given([top_up(100), reserve("a", 10), reserve("b", 10), reserve("c", 10), suspend("s")])
        .when(reserve("d", 0))
        .then([refused("WALLET_SUSPENDED"), unknown("d")])
        .when(start("a", 1))
        .then([done()])
        .when(extend("a").lease(hours(2)))
        .then([done(), deadline("a", hours(2))])
        .when(settle("a", 10))
        .then([done()])
        .when(fail("b"))
        .then([done()])
        .when(cancel("c"))
        .then([done()])
        .when(buy("u", 10))
        .then([done()])
        .when(give("g", 10))
        .then([done()])
        .when(revoke("r", "grant:g"))
        .then([done(), available(100)]);
}

#[test]
fn a_wallet_that_does_not_exist_accepts_no_commands() {
    for step in
        [top_up(1), give("g", 1), reserve("job", 1), revoke("r", "grant:g"), suspend("s"), process_due()]
    {
        World::new(CATALOG).when(step).then([refused("WALLET_NOT_FOUND"), wrote_nothing()]);
    }
}

#[test]
fn a_debt_limit_cannot_be_set_below_the_debt() {
    given([may_owe(20), top_up(10), reserve_kind("job", "owing", 10), settle("job", 30)])
        .when(update("u").owing(19))
        .then([refused("INVALID_FIELD"), debt(20)])
        .when(update("u").owing(20))
        .then([done()]);
}
