//! Seats: a plan that is sold several times to one wallet.

use super::prelude::*;

/// Each seat has 30 credits a month, of which 10 roll over, and two open jobs; `solo` is lower, `annual` is longer.
const TEAMS: &str = r#"
    [[plans]]
    id = "team"
    rank = 2
    term = "MONTH"
    allowances = [{ unit = "credits", amount = 30, rollover = { cap = 10 } }]
    limits = { concurrency = { per_seat = 2 } }
    list_price = { currency = "EUR", minor_units = 1000 }
    refund = { window = "24h" }

    [[plans]]
    id = "solo"
    rank = 1
    term = "MONTH"
    allowances = [{ unit = "credits", amount = 10 }]
    limits = { concurrency = 1 }

    [[plans]]
    id = "taste"
    rank = 1
    term = "7 DAY"
    once = true
    then = "team"
    allowances = [{ unit = "credits", amount = 5 }]
"#;

#[track_caller]
fn on_teams(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&format!("{TEAMS}{CATALOG}"), steps)
}

/// A wallet on 11 April with three seats sold on 1 April: 20 of 30 days are left.
#[track_caller]
fn three_seats() -> World {
    on_teams([until("2026-04-01"), subscribe("s", "team").seats(3), until("2026-04-11"), process_due()])
}

#[test]
fn seats_multiply_allowances_and_what_rolls_over() {
    three_seats()
        .then([from(Source::Subscription, 90), seats(3)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("rollover:1.1.0.1 30, period:1.1.0 90")]);
}

#[test]
fn limits_per_seat_are_multiplied_and_others_are_not() {
    on_teams([top_up(100), subscribe("s", "team").seats(2)])
        .and(reserve("a", 1))
        .and(reserve("b", 1))
        .and(reserve("c", 1))
        .and(reserve("d", 1))
        .when(reserve("e", 1))
        .then([refused("CONCURRENCY_LIMIT"), saying("limit", "4")]);
    on_teams([top_up(100), subscribe("s", "solo").seats(2), reserve("a", 1)])
        .when(reserve("b", 1))
        .then([refused("CONCURRENCY_LIMIT"), saying("limit", "1")]);
}

#[test]
fn more_seats_are_an_upgrade_now_and_give_the_difference() {
    three_seats()
        .when(change_plan("c", "team").seats(5))
        .then([
            wrote(&[EntryKind::PlanChanged]),
            // Two seats of 30 for 20 of 30 days.
            issued("period:2.0.0 40"),
            seats(5),
            pending("nothing"),
        ])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("rollover:2.1.0.1 50, period:2.1.0 150")]);
}

#[test]
fn fewer_seats_begin_at_the_end_of_the_period() {
    three_seats()
        .when(change_plan("c", "team").seats(1))
        .then([issued(""), pending("team"), seats(3)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("rollover:2.1.0.1 10, period:2.1.0 30"), seats(1)]);
}

#[test]
fn a_change_of_plan_keeps_the_seats_unless_the_caller_names_them() {
    on_teams([until("2026-04-01"), subscribe("s", "solo").seats(3)])
        .when(change_plan("c", "team"))
        .then([seats(3), issued("period:2.0.0 60")]);
    on_teams([until("2026-04-01"), subscribe("s", "solo").seats(3)])
        .when(change_plan("c", "team").seats(1))
        .then([seats(1), issued("")])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("rollover:2.1.0.1 10, period:2.1.0 30")]);
}

#[test]
fn the_present_plan_and_seats_undo_a_change_to_come() {
    three_seats()
        .and(change_plan("c", "team").seats(1))
        .when(change_plan("u", "team"))
        .then([pending("nothing"), seats(3)]);
    three_seats()
        .and(change_plan("c", "solo"))
        .when(change_plan("u", "team").seats(3))
        .then([pending("nothing"), seats(3)]);
}

#[test]
fn seats_added_and_removed_in_one_term_give_at_most_those_of_the_most_seats() {
    let mut world = three_seats();
    for n in 0..4 {
        world = world.and(change_plan(&format!("up-{n}"), "team").seats(9));
        world = world.and(change_plan(&format!("down-{n}"), "team").seats(3).at_once());
    }
    // 90 at first, and 180 for 20 of 30 days.
    world.then([from(Source::Subscription, 210)]);
}

#[test]
fn negotiated_amounts_are_those_of_the_wallet_whatever_its_seats() {
    on_teams([subscribe("s", "team").seats(4).negotiated("credits", 70).allowing("concurrency", 3)])
        .then([from(Source::Subscription, 70), negotiated_limit("concurrency", 3)]);
}

#[test]
fn negotiated_terms_stay_when_the_seats_change() {
    let negotiated = || {
        let sale = subscribe("s", "team").seats(4).negotiated("credits", 70).allowing("concurrency", 3);
        on_teams([sale.entitling("fixed", 20), until("2026-01-11")])
    };
    for seats in [5, 3] {
        negotiated()
            .when(change_plan("c", "team").seats(seats))
            .then([issued(""), negotiated_limit("concurrency", 3)])
            .and(until("2026-02-01"))
            .and(process_due())
            .then([
                from(Source::Subscription, 70 + 10 * i64::from(seats)),
                negotiated_limit("concurrency", 3),
            ])
            .when(reserve("job", 21))
            .then([refused("LIMIT_EXCEEDED")]);
    }
    // Terms that the caller names are complete.
    negotiated()
        .when(change_plan("c", "team").seats(5).negotiated("credits", 170))
        .then([issued("period:2.0.0 68")]);
}

#[test]
fn seats_change_in_the_same_way_after_the_plan_has_got_another_rank() {
    for rank in ["rank = 1", "rank = 3"] {
        let ranked = || Step::Publish(format!("{TEAMS}{CATALOG}").replacen("rank = 2", rank, 1));
        three_seats()
            .and(ranked())
            .when(change_plan("c", "team").seats(5))
            .then([issued("period:2.0.0 40"), seats(5)]);
        three_seats().and(ranked()).when(change_plan("c", "team").seats(1)).then([
            issued(""),
            pending("team"),
            seats(3),
        ]);
    }
}

#[test]
fn the_plan_after_a_trial_has_its_seats() {
    on_teams([subscribe("s", "taste").seats(2), until("2026-01-08")]).when(process_due()).then([
        plan("team"),
        seats(2),
        issued("rollover:2.0.0.1 10, period:2.0.0 60"),
    ]);
}

#[test]
fn a_refund_pays_back_the_price_of_all_seats() {
    on_teams([subscribe("s", "team").seats(3)])
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 3000)]);
}

#[test]
fn seats_are_from_1_to_10000_and_their_credits_fit_in_a_wallet() {
    for wrong in [0, 10_001] {
        on_teams([]).when(subscribe("s", "team").seats(wrong)).then([refused("INVALID_FIELD")]);
    }
    on_teams([]).when(subscribe("s", "team").seats(10_000)).then([from(Source::Subscription, 300_000)]);
    let large = format!("{TEAMS}{CATALOG}").replace("amount = 30", "amount = 1_000_000_000_000");
    given_catalog(&large, []).when(subscribe("s", "team").seats(1_001)).then([refused("INVALID_FIELD")]);
}

#[test]
fn the_plan_after_a_trial_must_fit_in_a_wallet_with_all_its_seats() {
    let large = format!("{TEAMS}{CATALOG}").replace("amount = 30", "amount = 1_000_000_000_000");
    given_catalog(&large, []).when(subscribe("s", "taste").seats(1_001)).then([refused("INVALID_FIELD")]);
    given_catalog(&large, []).when(subscribe("s", "taste").seats(1_000)).then([plan("taste")]);
}

#[test]
fn a_plan_that_is_too_large_for_the_seats_of_the_wallet_is_no_remedy() {
    // Two allowances of the largest amount: with 10,000 seats, their sum exceeds 64 bits.
    let largest = "amount = 999_999_999_999_999 }, { id = \"weekly\", unit = \"credits\", cadence = \"WEEK\", \
                   amount = 999_999_999_999_999";
    let large = TEAMS.replace("amount = 30, rollover = { cap = 10 }", largest);
    given_catalog(&format!("{large}{CATALOG}"), [subscribe("s", "solo").seats(10_000)])
        .when(reserve("a", 200_000))
        .then([refused("INSUFFICIENT_CREDITS"), not_saying("plans")]);
}
