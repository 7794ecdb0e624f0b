//! Refund rules of packs and plans, which a sale keeps: in full within a time, only while nothing is used, or in part.

use wallet_core::MAX_AMOUNT;

use super::prelude::*;

const RULES: &str = r#"
    [[packs]]
    id = "fair"
    amounts = { credits = 100, trainings = 3 }
    expiry = { days = 10 }
    refund = { window = "2h", partial = "UNUSED" }

    [[packs]]
    id = "final"
    amounts = { credits = 100 }
    refund = { window = "none" }

    [[packs]]
    id = "kind"
    amounts = { credits = 100 }
    refund = { only_unused = false }

    [[plans]]
    id = "month"
    rank = 4
    term = "MONTH"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 50 }]
    refund = {}

    [[plans]]
    id = "dues"
    rank = 4
    term = "MONTH"
    renewal = "ON_PAYMENT"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 50 }]
    refund = {}

    [[plans]]
    id = "arrears"
    rank = 4
    term = "MONTH"
    renewal = "ON_PAYMENT"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 50 }]
    refund = { window = "24h", partial = "UNUSED" }

    [[plans]]
    id = "year"
    rank = 5
    term = "YEAR"
    list_price = { currency = "EUR", minor_units = 36500 }
    allowances = [{ unit = "credits", amount = 100, cadence = "MONTH" }]
    refund = { window = "24h", partial = "UNUSED" }

    [[plans]]
    id = "lifetime"
    rank = 5
    term = "ONCE"
    list_price = { currency = "EUR", minor_units = 9000 }
    allowances = [{ unit = "credits", amount = 900 }]
    refund = { window = "24h", only_unused = false, partial = "UNUSED" }
"#;

#[track_caller]
fn by_rules(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&format!("{}{RULES}", with_plans()), steps)
}

#[test]
fn s14_an_unused_plan_of_any_term_is_refunded_in_full_within_its_window() {
    let almost = hours(24) - std::time::Duration::from_micros(1);
    for (plan, cents) in [("month", 1_000), ("year", 36_500), ("lifetime", 9_000)] {
        by_rules([subscribe("s", plan), wait(almost)]).when(refund_subscription("r")).then([
            gave_all_back("r", cents),
            unsubscribed(),
            available(5),
        ]);
    }
    by_rules([subscribe("s", "month"), wait(hours(24))])
        .when(refund_subscription("r"))
        .then(not_refundable("TOO_LATE"))
        .when(refund_subscription("r").asked_at(START.plus(hours(25))))
        .then([refused("INVALID_FIELD")])
        .when(refund_subscription("r").asked_at(START.plus(hours(23))))
        .then([gave_all_back("r", 1_000)]);
    by_rules([subscribe("s", "year"), wait(hours(24))])
        .when(refund_subscription("r"))
        .then([gave("r", 36_400), unsubscribed()]);
}

#[test]
fn a_period_that_is_over_gives_no_money_back_while_the_next_one_is_unpaid() {
    by_rules([subscribe("s", "arrears"), until("2026-02-05")])
        .when(process_due())
        .then([past_due()])
        .when(refund_subscription("r"))
        .then([gave("r", 0), unsubscribed()]);
}

#[test]
fn a_used_or_held_credit_keeps_a_plan_from_being_refunded_in_full() {
    by_rules([subscribe("s", "month"), reserve("job", 7)])
        .when(refund_subscription("r"))
        .then(not_refundable("HOLDS_OUTSTANDING"))
        .and(settle("job", 1))
        .when(refund_subscription("r"))
        .then(not_refundable("CREDITS_USED"));
    let spent = |plan, n| by_rules([subscribe("s", plan), reserve("job", n), settle_as_reserved("job")]);
    // 1,199 of 1,200 credits.
    spent("year", 1).when(refund_subscription("r")).then([gave("r", 36_469)]);
    // 5 of these credits were those of the default plan.
    spent("lifetime", 100).when(refund_subscription("r")).then([gave_all_back("r", 9_000), available(0)]);
    spent("lifetime", 450)
        .and(wait(hours(24)))
        .when(refund_subscription("r"))
        .then([gave("r", 4_550), available(0)]);
}

#[test]
fn the_window_of_a_later_period_begins_with_its_payment() {
    by_rules([subscribe("s", "month"), until("2026-02-01"), wait(hours(23))])
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 1_000)]);
    let late = || by_rules([subscribe("s", "dues"), until("2026-02-03"), pay("p"), wait(hours(23))]);
    late().when(refund_subscription("r")).then([gave_all_back("r", 1_000)]);
    late().when(refund_subscription("r").asked_at(START)).then([refused("INVALID_FIELD")]);
    late().and(wait(hours(1))).when(refund_subscription("r")).then(not_refundable("TOO_LATE"));
    by_rules([until("2026-01-20"), subscribe("s", "month").anchored("2026-01-01")])
        .when(refund_subscription("r"))
        .then(not_refundable("TOO_LATE"));
}

#[test]
fn a_full_refund_is_of_all_that_was_paid_for_the_period() {
    by_rules([subscribe("s", "month").invoiced("in_1", 800)])
        .and(change_plan("c", "dues").at_once().ranked(5).invoiced("in_2", 300))
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 1_100)]);
}

#[test]
fn the_unused_share_is_right_if_the_period_gives_more_than_an_integer_holds() {
    let amount = MAX_AMOUNT - 1;
    let every = |days: u32| {
        format!("{{ id = \"a{days}\", unit = \"credits\", amount = {amount}, cadence = \"{days} DAY\" }}")
    };
    let allowances: Vec<_> = (1..=90).map(every).collect();
    let plan = format!(
        "[[plans]]\nid = \"huge\"\nrank = 9\nterm = \"5 YEAR\"\n\
         refund = {{ window = \"1h\", partial = \"UNUSED\" }}\n\
         list_price = {{ currency = \"EUR\", minor_units = 182600 }}\nallowances = [{}]\n",
        allowances.join(", ")
    );
    given_catalog(&format!("{}{plan}", with_plans()), [subscribe("s", "huge")])
        .and(reserve("job", amount))
        .and(settle_as_reserved("job"))
        .and(wait(hours(1)))
        .when(refund_subscription("r"))
        // One of 9,280.8 daily amounts is used: 1,826 days, of which 1, 1/2, 1/3 ... 1/90 give one.
        .then([gave("r", 182_580), unsubscribed()]);
}

#[test]
fn a_purchase_is_refunded_by_the_rule_of_its_pack() {
    by_rules([buy_pack("b", "final")]).when(refund("r", "b")).then(not_refundable("NOT_OFFERED"));
    let spent =
        |pack| by_rules([buy_pack("b", pack).for_cents(999), reserve("job", 35), settle_as_reserved("job")]);
    // 30 of these credits are purchased: the default plan gives 5.
    spent("kind")
        .when(refund("r", "b"))
        .then([paid_back(999, None), parts("top_up:b", "consumed 30, paid out 70")]);
    spent("kind").and(wait(hours(24))).when(refund("r", "b")).then(not_refundable("TOO_LATE"));
    spent("fair")
        .when(refund("r", "b"))
        .then([paid_back(699, Some((70, 100))), parts("top_up:b", "consumed 30, paid out 70")])
        .and(reverse_all("v", "job"))
        .when(refund("r", "b"))
        .then([replayed(), paid_back(699, Some((70, 100)))])
        .when(refund("again", "b"))
        .then(not_refundable("ALREADY_REFUNDED"));
    by_rules([buy_pack("b", "fair").for_cents(999)]).when(refund("r", "b")).then([paid_back(999, None)]);
    by_rules([buy_pack("b", "fair").for_cents(999), wait(hours(2))])
        .when(refund("r", "b"))
        .then([paid_back(999, Some((1, 1)))]);
}

#[test]
fn a_partial_refund_waits_for_jobs_and_is_of_credits_that_are_left() {
    by_rules([buy_pack("b", "fair").for_cents(999), reserve("job", 35)])
        .when(refund("r", "b"))
        .then(not_refundable("HOLDS_OUTSTANDING"));
    by_rules([buy_pack("b", "fair").for_cents(999), wait(hours(24 * 10))])
        .when(refund("r", "b"))
        .then(not_refundable("CREDITS_USED"));
    by_rules([buy_pack("b", "fair").for_cents(999), wait(hours(24 * 10))])
        .when(refund("r", "b").asked_at(START))
        .then([paid_back(999, None), parts("top_up:b", "expired 100")]);
}

#[test]
fn a_sale_keeps_its_rule_when_the_catalog_changes() {
    let other =
        format!("{}{}", with_plans(), RULES.replace("refund = {", "refund = { window = \"none\" } # {"));
    by_rules([subscribe("s", "month"), buy_pack("b", "fair").for_cents(999), Step::Publish(other)])
        .when(refund("r", "b"))
        .then([paid_back(999, None)])
        .when(refund_subscription("q"))
        .then([gave_all_back("q", 1_000)]);
}
