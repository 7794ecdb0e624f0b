//! RecordChargeback: unspent credits are revoked, spent ones become debt, and the wallet is suspended.

use wallet_core::wallet::WalletStatus;

use super::prelude::*;

#[test]
fn unspent_credits_are_revoked_and_spent_ones_become_debt_above_any_limit() {
    given([give("gift", 7), top_up(100), reserve("job", 47), settle_as_reserved("job")])
        .when(charge_back("r", "t"))
        .then([
            wrote(&[EntryKind::ChargedBack]),
            parts("top_up:t", "consumed 40, revoked 60"),
            available(0),
            debt(40),
            status(WalletStatus::Suspended),
        ])
        .and(reactivate("ok"))
        .when(reserve("next", 1))
        .then([refused("IN_DEBT")])
        .and(buy("more", 50))
        .then([debt(0), available(10)]);
}

#[test]
fn held_credits_are_revoked_when_they_return() {
    given([top_up(100), reserve("job", 30), charge_back("r", "t")])
        .then([available(0), held(30), debt(0)])
        .when(fail("job"))
        .then([parts("top_up:t", "revoked 100"), returned("job", 0), forfeited("job", 30), debt(0)]);
}

#[test]
fn credits_of_the_purchase_that_a_running_job_spends_become_debt() {
    given([top_up(100), reserve("job", 30), charge_back("r", "t")]).when(settle("job", 20)).then([
        state("job", State::Settled),
        charged("job", 20),
        charged_to("job", "debt 20"),
        forfeited("job", 30),
        returned("job", 0),
        parts("top_up:t", "revoked 100"),
        debt(20),
    ]);
}

#[test]
fn a_fee_becomes_debt_and_the_rest_of_the_hold_returns_to_other_grants() {
    given([give("gift", 20), top_up(100), reserve("job", 40).started(), charge_back("r", "t")])
        .when(cancel("job"))
        .then([
            state("job", State::Cancelled),
            charged("job", 20),
            fee("job", 20),
            charged_to("job", "grant:gift 20"),
            debt(0),
        ]);
    given([top_up(100), reserve("job", 40).started(), charge_back("r", "t")]).when(cancel("job")).then([
        charged("job", 20),
        fee("job", 20),
        charged_to("job", "debt 20"),
        forfeited("job", 40),
        debt(20),
    ]);
}

#[test]
fn the_debt_of_a_chargeback_counts_towards_the_debt_limit() {
    given([may_owe(10), give("a", 10).until(hours(1)), top_up(100)])
        .and(reserve("job", 40).ttl(hours(4)).started())
        .and(wait(hours(2)))
        .and(charge_back("r", "t"))
        .when(fail_with("job", "NSFW"))
        // A quarter of 40, charged to the grant that has expired.
        .then([charged_to("job", "grant:a 10"), debt(0), parts("top_up:t", "revoked 100")]);
    given([may_owe(10), top_up(5), reserve_kind("job", "owing", 5), charge_back("r", "t")])
        .when(settle("job", 50))
        .then([charged_to("job", "debt 10"), uncollected("job", 40), debt(10)]);
}

#[test]
fn grace_credits_belong_to_the_purchase() {
    given_catalog(&CATALOG.replace("expiry = { months = 1 }", "expiry = { days = 1 }"), [])
        .and(buy_pack("b", "bundle"))
        .and(wait(hours(20)))
        .and(reserve("job", 30).ttl(hours(10)))
        .and(wait(hours(5)))
        .and(fail("job"))
        .and(reserve("next", 10))
        .and(settle("next", 10))
        .when(charge_back("r", "b"))
        .then([
            parts("top_up:b", "expired 100"),
            parts("grace:job", "consumed 10, revoked 20"),
            debt(10),
            available(0),
        ]);
}

#[test]
fn refunded_or_revoked_credits_are_not_clawed_back_twice() {
    given([top_up(100), refund("r", "t")]).when(charge_back("c", "t")).then([
        done(),
        parts("top_up:t", "paid out 100"),
        debt(0),
        status(WalletStatus::Suspended),
    ]);
    given([top_up(100), reserve("job", 30), settle_as_reserved("job"), revoke("r", "top_up:t")])
        .when(charge_back("c", "t"))
        .then([parts("top_up:t", "consumed 30, revoked 70"), debt(30)])
        .when(revoke("again", "top_up:t"))
        .when(charge_back("d", "t"))
        .then(not_refundable("CHARGED_BACK"));
}

#[test]
fn a_chargeback_is_recorded_once() {
    given([top_up(100), reserve("job", 30), settle_as_reserved("job"), charge_back("r", "t")])
        .when(charge_back("r", "t"))
        .then([replayed(), wrote_nothing(), debt(30)]);
    given([top_up(100), buy("u", 1), charge_back("r", "t")])
        .when(charge_back("r", "u"))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "top_up_id")]);
    given([top_up(100)]).when(charge_back("r", "no")).then([
        refused("TOP_UP_NOT_FOUND"),
        available(100),
        status(WalletStatus::Active),
    ]);
}
