//! RecordRefund: the payment provider has paid back a purchase, in full or in part. The total counts, not the parts.

use wallet_core::refund::UsedCredits::{Forgive, Owe};
use wallet_core::wallet::WalletStatus::{Active, Suspended};

use super::prelude::*;

/// 100 credits for 10.00.
fn bought() -> Step {
    buy("t", 100).for_cents(1000)
}

/// Returns steps after which `n` of the credits are charged.
fn used(n: i64) -> [Step; 3] {
    [bought(), reserve("job", n), settle_as_reserved("job")]
}

#[test]
fn the_refunded_share_of_the_credits_is_taken_back() {
    given([bought()])
        .when(provider_refund("r", "t", 250, Forgive))
        .then([
            done(),
            wrote(&[EntryKind::RefundRecorded]),
            parts("top_up:t", "available 75, paid out 25"),
            status(Active),
        ])
        .when(provider_refund("r", "t", 250, Forgive))
        .then([replayed(), wrote_nothing(), available(75)])
        .when(provider_refund("again", "t", 250, Forgive))
        .then([done(), available(75)])
        .when(provider_refund("more", "t", 500, Forgive))
        .then([parts("top_up:t", "available 50, paid out 50")])
        .when(provider_refund("all", "t", 1000, Forgive))
        .then([parts("top_up:t", "paid out 100"), debt(0)]);
}

#[test]
fn a_share_is_rounded_in_favour_of_the_customer() {
    given([buy("t", 10).for_cents(300)])
        .when(provider_refund("r", "t", 100, Forgive))
        .then([available(7)])
        .when(provider_refund("s", "t", 200, Forgive))
        .then([available(4)])
        .when(provider_refund("u", "t", 300, Forgive))
        .then([available(0)]);
}

#[test]
fn a_refund_that_failed_gives_the_credits_back() {
    given([bought(), provider_refund("r", "t", 600, Owe)])
        .then([available(40)])
        .when(provider_refund("failed", "t", 100, Owe))
        .then([parts("top_up:t", "available 90, paid out 10")])
        .when(provider_refund("too", "t", 0, Owe))
        .then([parts("top_up:t", "available 100")])
        .when(refund("f", "t"))
        .then([done(), parts("top_up:t", "paid out 100")]);
}

#[test]
fn used_credits_are_forgiven_or_become_debt() {
    given(used(70)).when(provider_refund("r", "t", 500, Forgive)).then([
        parts("top_up:t", "consumed 70, paid out 30"),
        debt(0),
        status(Active),
    ]);
    given(used(70))
        .when(provider_refund("r", "t", 500, Owe))
        .then([parts("top_up:t", "consumed 70, paid out 30"), debt(20)])
        .when(provider_refund("s", "t", 1000, Owe))
        .then([debt(70)])
        .when(provider_refund("u", "t", 200, Owe))
        .then([parts("top_up:t", "available 10, consumed 70, paid out 20"), debt(0)]);
    given(used(70)).and(give("gift", 15)).when(provider_refund("r", "t", 500, Owe)).then([
        parts("grant:gift", "consumed 15"),
        debt(5),
        available(0),
    ]);
}

#[test]
fn the_last_call_decides_whether_used_credits_are_owed() {
    given(used(70))
        .and(provider_refund("r", "t", 1000, Owe))
        .then([debt(70)])
        .when(provider_refund("mercy", "t", 1000, Forgive))
        .then([debt(0), available(0)])
        .when(provider_refund("s", "t", 1000, Owe))
        .then([debt(70)]);
}

#[test]
fn debt_of_a_failed_refund_that_was_repaid_returns_as_a_correction() {
    given(used(70))
        .and(provider_refund("r", "t", 1000, Owe))
        .and(buy("u", 50))
        .then([debt(20), available(0)])
        .when(provider_refund("failed", "t", 0, Owe))
        .then([
            debt(0),
            parts("top_up:t", "available 30, consumed 70"),
            parts("correction:failed", "available 50"),
        ]);
}

#[test]
fn held_credits_are_taken_when_they_return() {
    given([bought(), reserve("job", 80), provider_refund("r", "t", 500, Forgive)])
        .then([parts("top_up:t", "held 80, paid out 20")])
        .when(fail("job"))
        .then([parts("top_up:t", "available 50, paid out 50"), returned("job", 50), forfeited("job", 30)]);
    given([bought(), reserve("job", 80), provider_refund("r", "t", 500, Forgive), wait(hours(30))])
        .when(process_due())
        .then([parts("top_up:t", "available 50, paid out 50")]);
}

#[test]
fn a_running_job_may_use_forgiven_credits_and_owes_the_others() {
    given([bought(), reserve("job", 80), provider_refund("r", "t", 500, Forgive)])
        .when(settle_as_reserved("job"))
        .then([parts("top_up:t", "consumed 80, paid out 20"), charged("job", 80), debt(0)]);
    given([bought(), reserve("job", 80), provider_refund("r", "t", 500, Owe)])
        .when(settle_as_reserved("job"))
        .then([
            parts("top_up:t", "consumed 50, paid out 50"),
            charged_to("job", "top_up:t 50, debt 30"),
            forfeited("job", 30),
            debt(30),
        ]);
    given([bought(), reserve("job", 80), provider_refund("r", "t", 500, Owe), give("gift", 20)])
        .when(settle("job", 60))
        .then([charged_to("job", "top_up:t 50, grant:gift 10"), debt(0), available(10)]);
}

#[test]
fn several_jobs_of_a_purchase_leave_the_credits_that_are_paid() {
    let jobs = || given([bought(), reserve("a", 40), reserve("b", 60), provider_refund("r", "t", 500, Owe)]);
    jobs().and(fail("a")).when(fail("b")).then([parts("top_up:t", "available 50, paid out 50"), debt(0)]);
    jobs().and(settle_as_reserved("a")).when(fail("b")).then([available(10), debt(0)]);
    jobs().and(fail("b")).when(settle_as_reserved("a")).then([available(10), debt(0)]);
}

#[test]
fn a_reversed_charge_reduces_the_debt_first() {
    given(used(70))
        .and(provider_refund("r", "t", 1000, Owe))
        .when(reverse("v", "job", 30))
        .then([parts("top_up:t", "consumed 40, paid out 60"), debt(40), available(0)])
        .when(provider_refund("s", "t", 0, Owe))
        .then([parts("top_up:t", "available 60, consumed 40"), debt(0)]);
    given(used(70))
        .and(provider_refund("r", "t", 500, Forgive))
        .when(reverse_all("v", "job"))
        .then([parts("top_up:t", "available 50, paid out 50"), debt(0)]);
}

#[test]
fn expired_credits_count_as_refunded_first() {
    given([buy_pack("b", "bundle").for_cents(1000), wait(days(31) - minutes(10)), reserve("job", 60)])
        .and(wait(hours(1)))
        .when(provider_refund("r", "b", 400, Owe))
        .then([parts("top_up:b", "expired 100"), available(60), debt(0)])
        .when(provider_refund("s", "b", 500, Owe))
        .then([available(50)])
        .when(provider_refund("u", "b", 400, Owe))
        .then([available(60)]);
}

#[test]
fn credits_that_expired_after_the_refund_do_not_come_back() {
    given([buy_pack("b", "bundle").for_cents(1000), provider_refund("r", "b", 500, Forgive), wait(days(40))])
        .when(provider_refund("again", "b", 500, Forgive))
        .then([available(0), parts("top_up:b", "expired 50, paid out 50")])
        .when(provider_refund("failed", "b", 200, Forgive))
        .then([
            parts("top_up:b", "expired 80, paid out 20"),
            parts("correction:failed", "available 30"),
            stems_from("correction:failed", "top_up:b"),
        ]);
}

#[test]
fn a_raise_after_the_expiry_gives_nothing_back_when_it_is_lowered_again() {
    let raised = || {
        let bought = [buy_pack("b", "bundle").for_cents(1000), provider_refund("r", "b", 500, Forgive)];
        given(bought).and(wait(days(40))).when(provider_refund("more", "b", 1000, Forgive))
    };
    raised()
        .then([available(0), parts("top_up:b", "expired 50, paid out 50")])
        .when(provider_refund("less", "b", 500, Forgive))
        .then([available(0), parts("top_up:b", "expired 50, paid out 50")])
        .when(provider_refund("least", "b", 250, Forgive))
        .then([parts("top_up:b", "expired 75, paid out 25"), parts("correction:least", "available 25")]);
    raised()
        .when(provider_refund("failed", "b", 0, Forgive))
        .then([parts("top_up:b", "expired 100"), parts("correction:failed", "available 50")])
        .when(provider_refund("again", "b", 600, Forgive))
        .then([parts("correction:failed", "available 40, paid out 10")]);
}

#[test]
fn other_ways_to_return_the_money_exclude_each_other() {
    given([bought(), provider_refund("r", "t", 100, Forgive)])
        .when(refund("f", "t"))
        .then(not_refundable("ALREADY_REFUNDED"));
    given([bought(), refund("f", "t")])
        .when(provider_refund("r", "t", 100, Forgive))
        .then(not_refundable("ALREADY_REFUNDED"));
    given([bought(), charge_back("c", "t")])
        .when(provider_refund("r", "t", 100, Forgive))
        .then(not_refundable("CHARGED_BACK"));
    given([bought(), close("x")])
        .when(provider_refund("r", "t", 100, Forgive))
        .then([refused("WALLET_CLOSED")]);
    given([bought(), revoke("v", "top_up:t"), provider_refund("r", "t", 500, Owe)])
        .when(provider_refund("s", "t", 0, Owe))
        .then([parts("top_up:t", "revoked 100"), debt(0)]);
}

#[test]
fn a_chargeback_after_a_refund_takes_the_rest_and_a_won_dispute_returns_it() {
    let disputed = || given(used(70)).and(provider_refund("r", "t", 500, Owe)).and(charge_back("c", "t"));
    disputed()
        .then([parts("top_up:t", "consumed 70, paid out 30"), debt(70), status(Suspended)])
        .when(win_dispute("w", "t"))
        .then([debt(20), status(Active), available(0)])
        .when(provider_refund("s", "t", 0, Owe))
        .then([debt(0), parts("top_up:t", "available 30, consumed 70")]);
    disputed()
        .and(reverse("v", "job", 30))
        .then([debt(40)])
        .when(win_dispute("w", "t"))
        .then([debt(0), available(10)]);
}

#[test]
fn a_refund_needs_the_price_of_the_purchase() {
    given([top_up(10)]).when(provider_refund("r", "t", 100, Owe)).then(not_refundable("NO_PRICE"));
    given([bought()]).when(provider_refund("r", "t", 1001, Owe)).then([refused("INVALID_FIELD")]);
    given([]).when(provider_refund("r", "t", 1, Owe)).then([refused("TOP_UP_NOT_FOUND")]);
    given([bought().paid_by("pi_1"), buy("u", 10).for_cents(100).paid_by("pi_1").line("2")])
        .when(provider_refund_payment("r", "pi_1", 100, Owe))
        .then([refused("INVALID_FIELD")]);
    given([bought().paid_by("pi_1")])
        .when(provider_refund_payment("r", "pi_1", 100, Owe))
        .then([done(), available(90)]);
}
