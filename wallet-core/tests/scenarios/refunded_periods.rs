//! RecordRefund with a period: the payment provider has paid back a month or a year. The total counts, not the parts, and the
//! windows to come are refunded before the credits that were given.

use wallet_core::Command;
use wallet_core::refund::UsedCredits::{Forgive, Owe};

use super::prelude::*;

/// Returns a wallet with 100 credits a month for 10.00, paid in January 2026.
fn monthly(steps: impl IntoIterator<Item = Step>) -> World {
    let first = subscribe("s", "pro").invoiced("in_1", 1000);
    given_catalog(&plans_without_free_credits(), [first].into_iter().chain(steps))
}

/// Returns a wallet with 100 credits a month and a training a week for 120.00 a year.
fn yearly(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&plans_without_free_credits(), [subscribe("s", "annual")].into_iter().chain(steps))
}

fn refunded(id: &str, cents: i64) -> Step {
    provider_refund_period(id, "2026-01-01", cents, Forgive)
}

fn owed(id: &str, cents: i64) -> Step {
    provider_refund_period(id, "2026-01-01", cents, Owe)
}

fn used(n: i64) -> [Step; 2] {
    [reserve("job", n), settle_as_reserved("job")]
}

#[test]
fn the_refunded_share_of_a_period_is_taken_back_and_the_plan_stays() {
    monthly([])
        .when(refunded("r", 250))
        .then([done(), wrote(&[EntryKind::RefundRecorded]), active(), plan("pro")])
        .then([parts("period:1.0.0", "available 75, paid out 25")])
        .when(refunded("r", 250))
        .then([replayed(), wrote_nothing()])
        .when(refunded("more", 1000))
        .then([parts("period:1.0.0", "paid out 100")])
        .when(refunded("failed", 0))
        .then([parts("period:1.0.0", "available 100")])
        .and(refunded("again", 1000))
        .when(until("2026-02-01"))
        .then([from(Source::Subscription, 100)]);
}

#[test]
fn used_credits_of_a_period_are_forgiven_or_owed() {
    monthly(used(70))
        .when(refunded("r", 500))
        .then([parts("period:1.0.0", "consumed 70, paid out 30"), debt(0)]);
    monthly(used(70))
        .when(owed("r", 500))
        .then([parts("period:1.0.0", "consumed 70, paid out 30"), debt(20)])
        .when(owed("more", 1000))
        .then([debt(70)])
        .when(owed("less", 200))
        .then([parts("period:1.0.0", "available 10, consumed 70, paid out 20"), debt(0)]);
}

#[test]
fn a_period_that_has_ended_can_be_refunded() {
    monthly(used(70))
        .and(until("2026-03-10"))
        .when(owed("r", 500))
        .then([parts("period:1.0.0", "consumed 70, expired 30"), debt(0), available(80)])
        .then([parts("period:1.2.0", "available 80, consumed 20")])
        .when(owed("failed", 0))
        .then([available(100), parts("correction:failed", "available 20")]);
    monthly([])
        .and(unsubscribe("c"))
        .and(until("2026-03-10"))
        .when(refunded("r", 1000))
        .then([done(), parts("period:1.0.0", "expired 100")]);
}

#[test]
fn a_raise_after_the_end_of_a_period_gives_nothing_back_when_it_is_lowered_again() {
    monthly([refunded("r", 500), unsubscribe("c"), until("2026-03-10"), refunded("more", 1000)])
        .then([parts("period:1.0.0", "expired 50, paid out 50")])
        .when(refunded("less", 500))
        .then([parts("period:1.0.0", "expired 50, paid out 50"), available(0)])
        .when(refunded("failed", 0))
        .then([available(50), parts("correction:failed", "available 50")]);
    // Windows that were withheld and have begun count as refunded before those that expired.
    yearly([until("2026-06-10"), refunded("r", 6000), until("2026-08-10"), refunded("again", 6000)])
        .then([available(0), parts("period:1.0.7", "paid out 100")])
        .when(refunded("less", 4500))
        .then([
            available(150),
            parts("period:1.0.7", "available 100"),
            parts("correction:less", "available 50"),
        ]);
}

#[test]
fn held_credits_of_a_period_are_taken_when_they_return() {
    monthly([reserve("job", 80), refunded("r", 500)])
        .then([parts("period:1.0.0", "held 80, paid out 20")])
        .when(fail("job"))
        .then([
            parts("period:1.0.0", "available 50, paid out 50"),
            returned("job", 50),
            forfeited("job", 30),
        ]);
    monthly([reserve("job", 80), owed("r", 500)]).when(settle_as_reserved("job")).then([
        parts("period:1.0.0", "consumed 50, paid out 50"),
        charged_to("job", "period:1.0.0 50, debt 30"),
    ]);
    monthly(used(70))
        .and(owed("r", 1000))
        .when(reverse("v", "job", 30))
        .then([parts("period:1.0.0", "consumed 40, paid out 60"), debt(40)]);
}

#[test]
fn held_credits_that_return_after_the_period_count_as_its_own() {
    monthly([until("2026-01-31"), wait(hours(12)), reserve("job", 100).ttl(hours(24)), until("2026-02-01")])
        .and(refunded("r", 600))
        .when(fail("job"))
        .then([parts("period:1.0.0", "expired 40, paid out 60"), available(140)])
        .when(refunded("more", 800))
        .then([available(120)]);
}

#[test]
fn windows_to_come_are_refunded_first_and_the_last_of_them_before_the_others() {
    let june = || yearly([until("2026-06-10")]);
    june()
        .when(refunded("r", 3500))
        // 350 of 1,200 credits: the last three months, and half of the month before. 15 of the 53 trainings, too.
        .then([available(100), debt(0), available_of("trainings", 1)])
        .when(until("2026-09-01"))
        .then([available(50), parts("period:1.0.8", "available 50, paid out 50")])
        .when(until("2026-10-01"))
        .then([available(0), parts("period:1.0.9", "paid out 100")])
        .when(until("2026-12-31"))
        .then([available(0)])
        .when(until("2027-01-01"))
        .then([available(100)]);
    june().and(refunded("r", 12_000)).then([available(0)]).when(until("2026-12-01")).then([available(0)]);
}

#[test]
fn a_repeated_refund_or_chargeback_has_its_first_reply() {
    let charged_back = || charge_back_period("c", "2026-01-01");
    yearly([])
        .when(refunded("r", 6000))
        .then([replied(Some(6000), 600)])
        .and(until("2026-10-10"))
        .and(refunded("failed", 1000))
        .when(refunded("r", 6000))
        .then([replayed(), replied(Some(6000), 600)])
        .when(charged_back())
        .then([replied(None, 200)])
        .and(until("2026-11-10"))
        .when(charged_back())
        .then([replayed(), replied(None, 200)])
        .and(win_period("w", "2026-01-01"))
        .when(charged_back())
        .then([replayed(), replied(None, 200)])
        .when(refunded("failed", 1000))
        .then([replayed(), replied(Some(1000), 100)]);
}

#[test]
fn cancelled_windows_are_refunded_first() {
    // Half of the year are 600 credits, and 1,100 were still to come.
    let year = subscribe("s", "annual").invoiced("in_1", 12_000);
    given_catalog(&plans_without_free_credits(), [year, refunded("r", 6000), unsubscribe_now("c").keeping()])
        .then([available(100)])
        .when(refunded("again", 6000))
        .then([available(100)])
        .when(refunded("less", 5000))
        .then([available(100)])
        .when(refunded("more", 11_500))
        .then([available(50)])
        .when(refunded("failed", 0))
        .then([available(100)]);
}

#[test]
fn a_year_whose_refund_failed_gives_the_windows_again() {
    yearly([refunded("r", 12_000)])
        .then([available(0), available_of("trainings", 0)])
        .and(until("2026-03-10"))
        .then([available(0), parts("period:1.0.1", "paid out 100")])
        .when(refunded("failed", 0))
        // The credits of January and February are corrections: their windows have ended.
        .then([available(300), parts("period:1.0.2", "available 100"), debt(0)])
        .when(until("2026-04-01"))
        .then([parts("period:1.0.3", "available 100")]);
}

#[test]
fn parts_of_a_year_end_where_one_whole_refund_ends() {
    let whole = || yearly(used(60)).and(refunded("w", 7777));
    let parts = || yearly(used(60)).and(owed("a", 12_000)).and(refunded("b", 1)).and(refunded("c", 7777));
    for date in ["2026-01-02", "2026-05-20", "2026-12-31"] {
        let figures = |world: World| {
            let seen = world.and(until(date)).seen();
            ["credits", "trainings"].map(|unit| (seen.balance(unit).available, seen.balance(unit).debt))
        };
        assert_eq!(figures(whole()), figures(parts()), "{date}");
    }
}

#[test]
fn the_price_of_a_period_is_its_payments_or_the_list_price() {
    monthly([change_plan("up", "studio").invoiced("in_2", 500)]).when(refunded("r", 1500)).then([
        done(),
        available(0),
        available_of("trainings", 0),
    ]);
    monthly([]).when(refunded("r", 1001)).then([refused("INVALID_FIELD")]);
    monthly([until("2026-02-10")])
        .when(provider_refund_period("r", "2026-02-01", 100, Forgive))
        .then(not_refundable("NO_PRICE"));
    yearly([until("2027-02-10")]).when(refunded("r", 12_000)).then([done()]);
    given_catalog(&plans_without_free_credits(), [subscribe("s", "pro")])
        .when(refunded("r", 100))
        .then(not_refundable("NO_PRICE"));
}

#[test]
fn an_upgrade_after_a_refund_is_paid_for_by_itself() {
    let upgraded =
        |refund: Step| monthly(used(70)).and(refund).and(change_plan("up", "studio").invoiced("in_2", 2000));
    upgraded(refunded("r", 1000))
        .then([parts("period:2.0.0", "available 200"), debt(0)])
        .and(reserve("next", 150))
        .when(fail("next"))
        .then([parts("period:2.0.0", "available 200"), returned("next", 150)]);
    upgraded(owed("r", 1000))
        .then([parts("period:2.0.0", "available 130, consumed 70"), debt(0)])
        .and(reserve("next", 100))
        .when(settle_as_reserved("next"))
        .then([parts("period:2.0.0", "available 30, consumed 170"), debt(0)]);
}

#[test]
fn only_a_period_that_has_begun_can_be_refunded() {
    monthly([])
        .when(provider_refund_period("r", "2026-01-02", 100, Forgive))
        .then([refused("INVALID_FIELD")]);
    monthly([pay("p").for_period("2026-02-01")])
        .when(provider_refund_period("r", "2026-03-01", 100, Forgive))
        .then([refused("INVALID_FIELD")]);
    given([]).when(refunded("r", 100)).then([refused("INVALID_FIELD")]);
    monthly([unsubscribe_now("c"), close("x")]).when(refunded("r", 100)).then([refused("WALLET_CLOSED")]);
}

#[test]
fn other_refunds_of_a_period_exclude_a_recorded_one() {
    yearly([refunded("r", 100)]).when(refund_subscription("f")).then(not_refundable("ALREADY_REFUNDED"));
    yearly([refunded("r", 100), refunded("failed", 0)]).when(refund_subscription("f")).then([done()]);
    yearly([refund_subscription("f")]).when(refunded("r", 100)).then(not_refundable("ALREADY_REFUNDED"));
}

#[test]
fn a_refund_takes_nothing_of_purchases_and_other_periods() {
    monthly([buy("t", 50).for_cents(500), until("2026-02-10")])
        .when(refunded("r", 1000))
        .then([parts("top_up:t", "available 50"), parts("period:1.1.0", "available 100")]);
}

#[test]
fn kreatorflow_records_refunds_that_its_own_rules_would_refuse() {
    let catalog = include_str!("../../../wallet-server/catalogs/kreatorflow.toml");
    let dollars = |step: Step| match step {
        Step::Command(Command::RecordRefund(mut refund)) => {
            refund.total.currency = "USD".to_owned();
            Step::Command(Command::RecordRefund(refund))
        }
        other => panic!("not a refund: {other:?}"),
    };
    let of = |plan: &str| given_catalog(catalog, [subscribe("s", plan)]);
    of("creator").when(refund_subscription("f")).then([done(), gave_all_back("f", 1500), unsubscribed()]);
    of("creator").and(wait(hours(25))).when(refund_subscription("f")).then(not_refundable("TOO_LATE"));
    of("creator")
        .and(wait(hours(25)))
        .when(dollars(refunded("r", 1500)))
        // The 20 free credits of the wallet stay.
        .then([done(), available(20), plan("creator")]);
    let half = of("creator-annual").and(until("2026-07-02")).and(unsubscribe("c"));
    half.when(dollars(refunded("r", 7500)))
        .then([done(), available(320)])
        .when(until("2026-12-31"))
        .then([available(20)]);
}

/// Returns a wallet with 100 credits a month, of which every month is paid, and February was paid ahead for 10.00.
fn paid_ahead(steps: impl IntoIterator<Item = Step>) -> World {
    let catalog = plans_without_free_credits().replacen(
        "id = \"pro\"",
        "id = \"pro\"\nrenewal = \"ON_PAYMENT\"\ndunning = \"3d\"",
        1,
    );
    let february = [subscribe("s", "pro").invoiced("in_1", 1000), pay("p").invoiced("in_2", 1000)];
    given_catalog(&catalog, february.into_iter().chain(steps))
}

fn back(id: &str, cents: i64) -> Step {
    provider_refund_reference(id, "in_2", cents, Forgive)
}

#[test]
fn a_period_that_was_paid_ahead_is_unpaid_after_its_refund() {
    paid_ahead([])
        .when(back("r", 1000))
        .then([done(), replied(Some(1000), 0), available(100), wrote(&[EntryKind::RefundRecorded])])
        .then([paid_through("2026-02-01")])
        .when(back("r", 1000))
        .then([replayed(), replied(Some(1000), 0)])
        .when(back("again", 1000))
        .then([done(), replied(Some(1000), 0), paid_through("2026-02-01")])
        .when(pay("p2").invoiced("in_2", 1000))
        .then([refused("INVALID_FIELD"), paid_through("2026-02-01")])
        .and(until("2026-02-02"))
        .then([past_due(), available(0)])
        .when(pay("late").invoiced("in_3", 1000))
        .then([active(), available(100)])
        .when(provider_refund_reference("r3", "in_3", 500, Forgive))
        .then([done(), available(50)]);
    paid_ahead([until("2026-02-02")]).when(back("r", 1000)).then([done(), available(0), active()]);
}

#[test]
fn a_refund_of_a_period_ahead_that_failed_pays_it_again() {
    paid_ahead([back("r", 1000)])
        .when(back("failed", 0))
        .then([done(), replied(Some(0), 0), paid_through("2026-03-01")])
        .when(back("none", 0))
        .then([done(), paid_through("2026-03-01")])
        .and(until("2026-02-02"))
        .then([active(), available(100)]);
    paid_ahead([back("r", 1000), until("2026-02-02")])
        .when(back("failed", 0))
        .then([done(), past_due()])
        .when(pay("late"))
        .then([active(), available(100)]);
    paid_ahead([back("r", 1000), back("failed", 0)])
        .when(pay("twice").invoiced("in_2", 1000))
        .then([replayed(), paid_through("2026-03-01")]);
}

#[test]
fn a_period_ahead_is_refunded_in_full_or_not_at_all() {
    paid_ahead([])
        .when(back("r", 999))
        .then([refused("INVALID_FIELD")])
        .when(back("r", 1001))
        .then([refused("INVALID_FIELD")])
        .when(provider_refund_period("r", "2026-03-01", 1000, Forgive))
        .then([refused("INVALID_FIELD")])
        .when(charge_back_period("c", "2026-02-01"))
        .then([refused("INVALID_FIELD")]);
}

#[test]
fn an_end_after_what_was_paid_comes_earlier_after_a_refund() {
    paid_ahead([unsubscribe("x"), back("r", 1000)])
        .then([pending("end"), pending_on("2026-02-01")])
        .and(until("2026-02-02"))
        .then([unsubscribed()]);
    paid_ahead([change_plan("c", "creator"), back("r", 1000)])
        .then([pending("creator"), pending_on("2026-02-01")]);
    // March was paid ahead, and February is missing: the refund of March ends the wait for it.
    paid_ahead([
        back("r", 1000),
        pay("m").for_period("2026-03-01").invoiced("in_3", 1000),
        until("2026-02-20"),
    ])
    .then([past_due()])
    .when(provider_refund_reference("r3", "in_3", 1000, Forgive))
    .then([done()])
    .and(wait(minutes(1)))
    .then([unsubscribed()]);
}
