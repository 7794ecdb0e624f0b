//! The price of a period whose payment has no amount: the list price at which it was paid, also after the plan has changed.

use wallet_core::refund::UsedCredits::{Forgive, Owe};

use super::prelude::*;

/// A year for 120.00 and one for 1,200.00, and a month for 10.00 and one for 40.00. All can be refunded in part.
const PRICED: &str = r#"
    [[plans]]
    id = "small-year"
    rank = 4
    term = "YEAR"
    list_price = { currency = "EUR", minor_units = 12000 }
    allowances = [{ unit = "credits", amount = 1200 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "large-year"
    rank = 5
    term = "YEAR"
    list_price = { currency = "EUR", minor_units = 120000 }
    allowances = [{ unit = "credits", amount = 12000 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "small"
    rank = 4
    term = "MONTH"
    renewal = "ON_PAYMENT"
    existing = "FOLLOW"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 100 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "large"
    rank = 5
    term = "MONTH"
    renewal = "ON_PAYMENT"
    list_price = { currency = "EUR", minor_units = 4000 }
    allowances = [{ unit = "credits", amount = 400 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "daily"
    rank = 4
    term = "MONTH"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 10, cadence = "DAY" }]

    [[plans]]
    id = "at-once"
    rank = 5
    term = "MONTH"
    list_price = { currency = "EUR", minor_units = 2000 }
    allowances = [{ unit = "credits", amount = 620 }]
"#;

/// A month whose price only the platform knows.
const UNPRICED: &str = r#"
    [[plans]]
    id = "unpriced"
    rank = 6
    term = "MONTH"
    renewal = "ON_PAYMENT"
    allowances = [{ unit = "credits", amount = 500 }]
    refund = { window = "20d", partial = "UNUSED" }
"#;

fn catalog() -> String {
    format!("{}{PRICED}", with_plans())
}

#[track_caller]
fn sold(plan: &str, steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&catalog(), [subscribe("s", plan)].into_iter().chain(steps))
}

#[test]
fn a_year_paid_ahead_goes_back_at_the_price_before_the_upgrade() {
    let paid_ahead =
        || sold("small-year", [pay("p").for_period("2027-01-01"), change_plan("c", "large-year")]);
    // 1,200.00 for this year and 120.00 for the next one.
    paid_ahead().when(refund_subscription("r")).then([gave_all_back("r", 132_000), unsubscribed()]);
    // 219 of 365 days are 60 %.
    paid_ahead().and(until("2026-05-27")).when(refund_subscription("r")).then([gave("r", 72_000 + 12_000)]);
    // The year has begun as the better plan, and 120.00 were paid for it.
    let begun = || paid_ahead().and(until("2027-01-01")).then([plan("large-year"), active()]);
    begun().when(refund_subscription("r")).then([gave_all_back("r", 12_000)]);
    begun().and(until("2027-05-27")).when(refund_subscription("r")).then([gave("r", 7_200)]);
    begun()
        .when(provider_refund_period("r", "2027-01-01", 6_000, Forgive))
        .then([done(), from(Source::Subscription, 6_000)]);
    // The year after it is sold at the list price.
    begun().and(until("2028-01-01")).when(refund_subscription("r")).then([gave_all_back("r", 120_000)]);
}

#[test]
fn a_period_paid_ahead_keeps_its_price_when_an_upgrade_begins_within_it() {
    let begun = sold("small-year", [pay("p").for_period("2027-01-01"), change_plan("c", "large-year")])
        .and(until("2027-05-27"))
        .and(change_plan("d", "large-year").ranked(9));
    begun.when(refund_subscription("r")).then([gave("r", 7_200)]);
}

#[test]
fn a_period_that_was_paid_ahead_goes_back_before_it_begins_at_its_price() {
    let back = |id: &str, cents: i64| provider_refund_period(id, "2026-02-01", cents, Forgive);
    sold("small", [pay("p"), change_plan("c", "large")])
        .when(back("more", 4_000))
        .then([refused("INVALID_FIELD")])
        .when(back("r", 1_000))
        .then([done(), paid_through("2026-02-01")])
        .when(back("failed", 0))
        .then([done(), paid_through("2026-03-01")])
        .when(refund_subscription("f"))
        .then([gave_all_back("f", 5_000)]);
    // Without the payment, the period is sold at the price of the better plan.
    sold("small", [pay("p"), change_plan("c", "large"), back("r", 1_000), until("2026-02-02"), pay("q")])
        .when(refund_subscription("f"))
        .then([gave_all_back("f", 4_000)]);
}

#[test]
fn an_upgrade_within_a_period_is_paid_for_the_rest_of_it() {
    // 20 of 30 days are left: 10.00 and two thirds of 30.00 were paid.
    let upgraded = || sold("small", [until("2026-01-11"), change_plan("c", "large")]);
    let april = || {
        let sale =
            [until("2026-04-01"), subscribe("s", "small"), until("2026-04-11"), change_plan("c", "large")];
        given_catalog(&catalog(), sale)
    };
    april().when(refund_subscription("r")).then([gave_all_back("r", 3_000)]);
    // A share is one of the price of the present plan, and never more than was paid.
    april().and(until("2026-04-22")).when(refund_subscription("r")).then([gave("r", 1_200)]);
    upgraded().and(until("2026-01-12")).when(refund_subscription("r")).then([gave_all_back("r", 3_032)]);
    // The provider has paid all of it back, which the list prices show as 30.00.
    let back = |cents| provider_refund_period("b", "2026-04-01", cents, Forgive);
    april().when(back(1_500)).then([done(), from(Source::Subscription, 150)]);
    april().when(back(3_001)).then([done(), from(Source::Subscription, 0)]);
    april().when(back(4_001)).then([refused("INVALID_FIELD")]);
}

#[test]
fn a_payment_ahead_has_the_price_of_the_plan_that_it_is_for() {
    // Another plan is to begin.
    let changes = [change_plan("c", "small").at_the_end(), pay("p")];
    sold("large", changes).when(refund_subscription("r")).then([gave_all_back("r", 4_000 + 1_000)]);
    // The catalog asks for more from the next period on.
    let dearer = Step::Publish(catalog().replacen("minor_units = 1000 ", "minor_units = 1500 ", 1));
    sold("small", [pay("before"), dearer.clone(), buy("t", 1), until("2026-02-01")])
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 1_000)]);
    sold("small", [dearer, buy("t", 1), pay("after"), until("2026-02-01")])
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 1_500)]);
}

#[test]
fn the_amounts_of_payments_come_before_list_prices() {
    sold("small", [pay("p").invoiced("in_2", 900), change_plan("c", "large").invoiced("in_3", 2_950)])
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 2_950 + 900)]);
}

#[test]
fn a_plan_without_a_list_price_leaves_the_price_of_its_period() {
    let april = |steps: Vec<Step>| {
        let sale = [until("2026-04-01"), subscribe("s", "small"), change_plan("c", "unpriced")];
        let plans = format!("{}{UNPRICED}", catalog());
        given_catalog(&plans, sale.into_iter().chain(steps))
    };
    april(vec![]).when(refund_subscription("r")).then([gave_all_back("r", 1_000)]);
    april(vec![until("2026-04-16")])
        .when(provider_refund_period("r", "2026-04-01", 1_001, Forgive))
        .then([refused("INVALID_FIELD")]);
    // The next plan with a price is paid for from 10.00 on: 20 of 30 days of 30.00.
    april(vec![until("2026-04-11"), change_plan("d", "large").at_once()])
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 3_000)]);
    let may = || april(vec![pay("p"), until("2026-05-02")]);
    may().when(refund_subscription("r")).then(not_refundable("NO_PRICE"));
}

#[test]
fn a_total_recorded_again_after_an_upgrade_with_more_credits_gives_nothing_back() {
    let back = |id: &str, cents: i64| provider_refund_period(id, "2026-01-01", cents, Forgive);
    // 310 credits for 10.00. Half of them, 155 of the 200 to come, are withheld, also from the 410 of the upgrade.
    sold("daily", [until("2026-01-11"), back("half", 500)])
        .then([from(Source::Subscription, 10)])
        .and(change_plan("c", "at-once"))
        .then([from(Source::Subscription, 10 + 410 - 155)])
        .when(back("again", 500))
        .then([from(Source::Subscription, 265)])
        .when(back("more", 600))
        .then([from(Source::Subscription, 265)])
        .when(back("all", 1677))
        .then([from(Source::Subscription, 0)]);
}

#[test]
fn a_total_recorded_again_after_an_upgrade_keeps_its_share() {
    let back = |id: &str, cents: i64, used| provider_refund_period(id, "2026-04-01", cents, used);
    // 30.00 for the rest of the month and 300 credits for it.
    let upgraded = |steps: Vec<Step>| {
        let sale = [until("2026-04-01"), subscribe("s", "small")];
        let steps = sale.into_iter().chain(steps).chain([change_plan("c", "large")]);
        given_catalog(&catalog(), steps)
    };
    upgraded(vec![back("half", 500, Forgive)])
        .then([parts("period:1.0.0", "available 50, paid out 50"), from(Source::Subscription, 350)])
        .when(back("again", 500, Forgive))
        .then([done(), parts("period:1.0.0", "available 50, paid out 50"), from(Source::Subscription, 350)])
        // A tenth of 40.00 leaves 360 of 400 credits.
        .when(back("less", 400, Forgive))
        .then([from(Source::Subscription, 360)]);
    let used = || vec![reserve("job", 80), settle_as_reserved("job"), back("half", 500, Forgive)];
    upgraded(used())
        .then([parts("period:1.0.0", "consumed 80, paid out 20"), debt(0)])
        .when(back("owed", 500, Owe))
        // 30 of the used credits are not paid. The upgrade repays them.
        .then([done(), debt(0), from(Source::Subscription, 270)])
        .when(back("forgiven", 500, Forgive))
        .then([debt(0), available_of("credits", 305)]);
}

#[test]
fn a_downgrade_to_the_plan_that_was_paid_for_leaves_its_price() {
    let back_at = |day| {
        let upgraded = [pay("p").for_period("2027-01-01"), change_plan("c", "large-year"), until(day)];
        sold("small-year", upgraded).and(change_plan("d", "small-year").at_once())
    };
    back_at("2027-01-01").when(refund_subscription("r")).then([gave_all_back("r", 12_000)]);
    back_at("2027-01-02").when(provider_refund_period("r", "2027-01-01", 12_000, Forgive)).then([done()]);
}

#[test]
fn a_new_price_of_a_renewal_is_none_of_the_period_before() {
    let cheaper = Step::Publish(catalog().replacen("minor_units = 1000 ", "minor_units = 500 ", 1));
    sold("small", [cheaper, buy("t", 1), pay("p"), until("2026-02-02")])
        .when(provider_refund_period("r", "2026-01-01", 1_000, Forgive))
        .then([done()]);
}

#[test]
fn a_period_keeps_its_price_when_another_plan_has_begun_since() {
    let january = |id: &str, cents: i64| provider_refund_period(id, "2026-01-01", cents, Forgive);
    let later = [
        vec![change_plan("c", "large").at_the_end(), pay("p"), until("2026-02-02")],
        vec![pay("p"), until("2026-02-11"), change_plan("c", "large")],
        vec![until("2026-02-02"), change_plan("c", "large")],
        vec![pay("p"), until("2026-02-02"), change_plan("c", "large"), change_plan("d", "small").at_once()],
        vec![pay("p"), pay("q"), until("2026-02-02"), change_plan("c", "large"), until("2026-03-02")],
    ];
    for steps in later {
        sold("small", steps)
            .when(january("more", 1_001))
            .then([refused("INVALID_FIELD")])
            .when(january("r", 1_000))
            .then([done()]);
    }
    // 10.00, and 30.00 for 21 of 31 days.
    sold("small", [until("2026-01-11"), change_plan("c", "large"), pay("p"), until("2026-02-02")])
        .when(january("more", 4_001))
        .then([refused("INVALID_FIELD")])
        .when(january("r", 3_032))
        .then([done()]);
}

/// The next period begins provisionally as the dearer plan, and ends unpaid.
#[test]
fn a_plan_that_began_unpaid_leaves_the_price_of_the_period_before() {
    let provisional = "renewal = \"PROVISIONAL\"\ndunning = \"2d\"\nprovisional_share = 50";
    let plans = PRICED.replace("renewal = \"ON_PAYMENT\"", provisional).replace("\"20d\"", "\"60d\"");
    let waits_for_march = || {
        let pays_march = [change_plan("c", "large").at_the_end(), pay("m").for_period("2026-03-01")];
        let steps = [subscribe("s", "small")].into_iter().chain(pays_march).chain([until("2026-02-04")]);
        given_catalog(&format!("{}{plans}", with_plans()), steps)
    };
    waits_for_march().when(refund_subscription("r")).then([gave_all_back("r", 1_000 + 4_000)]);
    waits_for_march()
        .when(provider_refund_period("r", "2026-01-01", 4_000, Forgive))
        .then([refused("INVALID_FIELD")]);
}

#[test]
fn a_failed_refund_ahead_puts_a_change_of_plan_off_again() {
    for plan_then in ["large", "large-year"] {
        let paid = [pay("a").for_period("2026-02-01"), pay("b").for_period("2026-03-01")];
        sold("small", paid.into_iter().chain([change_plan("c", plan_then).at_the_end()]))
            .then([pending_on("2026-04-01")])
            .when(provider_refund_period("d", "2026-03-01", 1_000, Forgive))
            .then([done(), pending_on("2026-03-01")])
            .when(provider_refund_period("e", "2026-03-01", 0, Forgive))
            .then([done(), pending_on("2026-04-01")])
            .and(until("2026-03-02"))
            .when(process_due())
            .then([plan("small"), from(Source::Subscription, 100)]);
    }
}
