//! ReverseChargeback: after a won dispute, the state before the chargeback is restored. CloseWallet: the end of a
//! wallet.

use wallet_core::wallet::WalletStatus::{Active, Closed, Suspended};

use super::prelude::*;

#[test]
fn a_won_dispute_returns_the_credits_and_ends_the_suspension() {
    given([top_up(50), reserve("job", 20), settle_as_reserved("job"), give("gift", 7)])
        .and(charge_back("c", "t"))
        .then([status(Suspended), debt(13), available(0)])
        .when(win_dispute("w", "t"))
        .then([
            done(),
            wrote(&[EntryKind::ChargebackReversed]),
            status(Active),
            debt(0),
            parts("top_up:t", "available 30, consumed 20"),
            parts("correction:w", "available 7"),
        ]);
}

#[test]
fn debt_that_was_repaid_since_returns_as_a_correction_that_never_expires() {
    given([top_up(50), reserve("job", 50), settle_as_reserved("job"), charge_back("c", "t")])
        .and(buy("u", 30))
        .then([debt(20), available(0)])
        .when(win_dispute("w", "t"))
        .then([debt(0), available(30), from(Source::Adjustment, 30), parts("correction:w", "available 30")])
        .when(win_dispute("w", "t"))
        .then([replayed(), available(30)])
        .when(win_dispute("again", "t"))
        .then([refused("NOT_CHARGED_BACK")]);
}

#[test]
fn credits_that_returned_from_jobs_during_the_dispute_come_back_too() {
    given([top_up(50), reserve("job", 20), charge_back("c", "t"), fail("job")])
        .then([parts("top_up:t", "revoked 50"), available(0)])
        .when(win_dispute("w", "t"))
        .then([parts("top_up:t", "available 50"), available(50), status(Active)]);
    let held = given([top_up(50), reserve("job", 20), charge_back("c", "t"), win_dispute("w", "t")]);
    held.then([parts("top_up:t", "available 30, held 20")])
        .when(fail("job"))
        .then([parts("top_up:t", "available 50"), available(50)]);
}

#[test]
fn credits_that_expired_during_the_dispute_come_back_for_30_days() {
    given([buy_pack("b", "bundle"), charge_back("c", "b"), wait(days(40))])
        .when(win_dispute("w", "b"))
        .then([
            parts("top_up:b", "expired 100"),
            parts("correction:w", "available 100"),
            parts("correction:w#1", "available 2"),
            expires("correction:w", days(70)),
            stems_from("correction:w", "top_up:b"),
            from(Source::Purchased, 100),
        ])
        .when(charge_back("again", "b"))
        .then([parts("correction:w", "revoked 100"), status(Suspended)]);
}

#[test]
fn a_suspension_ends_only_if_nothing_else_holds_it() {
    let two = || given([buy("a", 10), buy("b", 10), charge_back("c", "a"), charge_back("d", "b")]);
    two()
        .when(win_dispute("w", "b"))
        .then([status(Suspended)])
        .when(win_dispute("v", "a"))
        .then([status(Active)]);
    given([top_up(10), suspend("s"), charge_back("c", "t")])
        .when(win_dispute("w", "t"))
        .then([status(Suspended), available(10)]);
    given([top_up(10), charge_back("c", "t"), suspend("s")])
        .when(win_dispute("w", "t"))
        .then([status(Suspended)]);
}

#[test]
fn credits_revoked_before_the_dispute_stay_revoked() {
    given([top_up(10), revoke("r", "top_up:t"), charge_back("c", "t")])
        .when(win_dispute("w", "t"))
        .then([parts("top_up:t", "revoked 10"), available(0)])
        .when(refund("f", "t"))
        .then(not_refundable("REVOKED"));
    given([top_up(10)]).when(win_dispute("w", "t")).then([refused("NOT_CHARGED_BACK")]);
    given([]).when(win_dispute("w", "t")).then([refused("TOP_UP_NOT_FOUND")]);
}

#[test]
fn credits_revoked_during_the_dispute_stay_revoked() {
    given([top_up(50), reserve("job", 20), charge_back("c", "t"), revoke("r", "top_up:t"), fail("job")])
        .when(win_dispute("w", "t"))
        .then([parts("top_up:t", "revoked 50"), available(0), status(Active)])
        .when(charge_back("again", "t"))
        .when(win_dispute("v", "t"))
        .then([parts("top_up:t", "revoked 50"), available(0)]);
    given([buy_pack("b", "bundle"), charge_back("c", "b"), revoke("r", "top_up:b#1")])
        .when(win_dispute("w", "b"))
        .then([parts("top_up:b", "available 100"), parts("top_up:b#1", "revoked 2")]);
}

#[test]
fn a_closed_wallet_has_no_credits_and_takes_none() {
    given_catalog(&with_plans(), [subscribe("s", "creator"), top_up(50), give("later", 9).from(hours(2))])
        .when(close("x"))
        .then([
            done(),
            wrote(&[EntryKind::WalletClosed]),
            status(Closed),
            available(0),
            unsubscribed(),
            parts("top_up:t", "revoked 50"),
            parts("grant:later", "revoked 9"),
        ])
        .when(close("x"))
        .then([replayed(), wrote_nothing()])
        .when(close("y"))
        .then([refused("WALLET_CLOSED")])
        .when(buy("u", 5))
        .then([refused("WALLET_CLOSED")])
        .when(subscribe("t", "creator"))
        .then([refused("WALLET_CLOSED")])
        .when(reserve("job", 1))
        .then([refused("WALLET_CLOSED")])
        .when(reactivate("a"))
        .then([refused("WALLET_CLOSED")])
        .when(top_up(50))
        .then([replayed(), available(0)])
        .and(until("2026-06-01"))
        .when(process_due())
        .then([wrote_nothing(), available(0)]);
}

#[test]
fn a_wallet_with_running_jobs_or_debt_is_not_closed() {
    given([top_up(50), reserve("job", 20)])
        .when(close("x"))
        .then([refused("OPEN_RESERVATIONS"), saying("open", "1"), status(Active)])
        .and(settle("job", 20))
        .when(close("x"))
        .then([done(), status(Closed), parts("top_up:t", "consumed 20, revoked 30")]);
    given([top_up(50), reserve("job", 50), settle_as_reserved("job"), charge_back("c", "t")])
        .when(close("x"))
        .then([refused("IN_DEBT"), saying("debt", "50")]);
}
