//! Plans: the default plan, sales and their ends, terms that stay as sold or follow the catalog, and overrides.

use wallet_core::Command;
use wallet_core::decide::CreateWallet;

use super::prelude::*;

#[track_caller]
fn on_plans(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&with_plans(), steps)
}

#[test]
fn a_new_wallet_is_on_the_default_plan_and_has_its_allowance() {
    on_plans([])
        .then([plan("free"), unsubscribed(), issued("period:0.0.0 5"), from(Source::Free, 5)])
        .when(Step::Command(Command::CreateWallet(CreateWallet::default())))
        .then([replayed(), wrote_nothing(), available(5)])
        .when(until("2036-01-01"))
        .then([available(5)]);
}

#[test]
fn the_default_plan_gives_once_per_wallet_even_if_it_is_sold() {
    on_plans([subscribe("s", "free")])
        .then([issued(""), available(5), plan("free")])
        .and(unsubscribe_now("x"))
        .and(subscribe("c", "creator"))
        .when(change_plan("f", "free").at_once())
        .then([done(), issued(""), from(Source::Free, 5), plan("free")])
        .when(change_plan("t", "trial"))
        .then([issued("period:4.0.0 20"), from(Source::Free, 25)])
        .when(change_plan("n", "free").negotiated("trainings", 1))
        .then([issued("period:5.0.0 1"), from(Source::Free, 25)]);
}

#[test]
fn a_default_plan_that_came_later_gives_once_when_it_is_sold() {
    given_catalog(CATALOG, [])
        .then([plan("none"), issued("")])
        .and(Step::Publish(with_plans()))
        .when(subscribe("s", "free"))
        .then([issued("period:1.0.0 5"), from(Source::Free, 5)])
        .and(unsubscribe_now("x"))
        .when(subscribe("again", "free"))
        .then([issued(""), from(Source::Free, 5)]);
}

#[test]
fn a_sale_issues_the_first_period_at_once() {
    on_plans([until("2026-01-10")]).when(subscribe("s", "creator")).then([
        done(),
        wrote(&[EntryKind::Subscribed]),
        issued("period:1.0.0 30"),
        lives("period:1.0.0", "2026-01-10", "2026-02-10"),
        period("2026-01-10", "2026-02-10"),
        from(Source::Subscription, 30),
        from(Source::Free, 5),
        plan("creator"),
        active(),
        renews("2026-02-10"),
    ]);
}

#[test]
fn an_anchor_may_be_earlier_in_the_same_period() {
    on_plans([until("2026-01-20")])
        .when(subscribe("s", "creator").anchored("2026-01-05"))
        .then([
            issued("period:1.0.0 30"),
            lives("period:1.0.0", "2026-01-05", "2026-02-05"),
            renews("2026-02-05"),
        ])
        .and(until("2026-02-05"))
        .when(process_due())
        .then([issued("period:1.1.0 30"), effective_on(&["2026-02-05", "2026-02-05"])]);
}

#[test]
fn an_anchor_in_the_past_issues_the_current_week_and_no_earlier_one() {
    on_plans([until("2026-01-20")])
        .when(subscribe("s", "gym").anchored("2026-01-01"))
        .then([
            issued("period:1.0.0 100, period:1.0.2#1 2"),
            lives("period:1.0.2#1", "2026-01-15", "2026-01-22"),
            renews("2026-01-22"),
        ])
        .and(until("2026-01-22"))
        .when(process_due())
        .then([issued("period:1.0.3#1 2"), available_of("trainings", 2)]);
}

#[test]
fn s10_any_past_anchor_is_taken_and_the_period_that_is_now_computed() {
    on_plans([until("2026-02-05")])
        .when(subscribe("s", "creator").anchored("2026-02-06"))
        .then([refused("INVALID_FIELD")]);
    on_plans([until("2026-02-05")])
        .when(subscribe("s", "creator").anchored("2025-10-31"))
        .then([
            issued("period:1.3.0 30"),
            lives("period:1.3.0", "2026-01-31", "2026-02-28"),
            renews("2026-02-28"),
        ])
        .and(until("2026-03-01"))
        .then([period("2026-02-28", "2026-03-31")]);
}

#[test]
fn there_is_one_subscription_per_wallet_and_only_plans_of_the_catalog() {
    on_plans([])
        .when(subscribe("s", "platinum"))
        .then([refused("PLAN_NOT_FOUND"), saying("plan_id", "platinum")])
        .when(subscribe("s", "creator").negotiated("bottles", 3))
        .then([refused("INVALID_FIELD"), unsubscribed()])
        .and(subscribe("s", "creator"))
        .when(subscribe("again", "pro"))
        .then([refused("ALREADY_SUBSCRIBED"), saying("plan_id", "creator"), wrote_nothing(), plan("creator")])
        .when(change_plan("c", "platinum"))
        .then([refused("PLAN_NOT_FOUND")]);
}

#[test]
fn without_a_subscription_change_cancel_resume_and_payment_are_refused() {
    for step in [change_plan("r", "pro"), unsubscribe("r"), unsubscribe_now("r"), resume("r"), pay("r")] {
        on_plans([]).when(step).then([refused("SUBSCRIPTION_NOT_FOUND"), wrote_nothing()]);
    }
}

#[test]
fn a_cancel_ends_the_subscription_with_its_period() {
    on_plans([subscribe("s", "creator"), until("2026-01-10")])
        .when(unsubscribe("x"))
        .then([
            wrote(&[EntryKind::SubscriptionCancelled]),
            pending("end"),
            never_renews(),
            plan("creator"),
            from(Source::Subscription, 30),
        ])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([
            wrote(&[EntryKind::GrantExpired, EntryKind::SubscriptionEnded]),
            effective_on(&["2026-02-01", "2026-02-01"]),
            unsubscribed(),
            plan("free"),
            available(5),
        ])
        .when(until("2027-06-01"))
        .then([available(5), unsubscribed()]);
}

#[test]
fn a_cancel_now_expires_allowances_but_not_credits_given_once() {
    on_plans([subscribe("s", "studio"), top_up(7), until("2026-01-10")])
        .when(unsubscribe_now("x"))
        .then([
            wrote(&[EntryKind::SubscriptionCancelled]),
            unsubscribed(),
            plan("free"),
            parts("period:1.0.0", "expired 300"),
            parts("period:1.0.0#1", "expired 4"),
            from(Source::Free, 5),
            from(Source::Purchased, 7),
            available_of("trainings", 0),
        ])
        .when(process_due())
        .then([wrote_nothing()]);
}

#[test]
fn the_reply_to_a_cancel_now_shows_the_remaining_credits() {
    let world = on_plans([subscribe("s", "creator"), unsubscribe_now("x")]);
    let answer = world.reply.clone().unwrap().result.unwrap();
    let credits = answer.shown.balances().iter().find(|balance| balance.unit.as_str() == "credits").unwrap();
    assert_eq!((credits.total.available, credits.next_expiry), (5, None));
}

#[test]
fn a_cancel_can_be_undone_until_it_takes_effect() {
    on_plans([subscribe("s", "creator"), unsubscribe("x")])
        .when(resume("r"))
        .then([wrote(&[EntryKind::SubscriptionResumed]), pending("nothing"), renews("2026-02-01")])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("period:1.1.0 30"), active()])
        .and(unsubscribe("y"))
        .and(until("2026-03-01"))
        .when(resume("late"))
        .then([refused("SUBSCRIPTION_NOT_FOUND"), unsubscribed()]);
}

#[test]
fn after_the_end_a_new_sale_issues_new_grants() {
    on_plans([subscribe("s", "creator"), until("2026-01-10"), unsubscribe_now("x")])
        .when(subscribe("again", "creator"))
        .then([
            done(),
            issued("period:2.0.0 30"),
            lives("period:2.0.0", "2026-01-10", "2026-02-10"),
            from(Source::Subscription, 30),
        ])
        .and(unsubscribe("y"))
        .and(until("2026-03-01"))
        .when(subscribe("third", "creator"))
        .then([issued("period:3.0.0 30"), from(Source::Subscription, 30)]);
}

#[test]
fn a_new_allowance_repays_debt_first() {
    on_plans([subscribe("s", "pro"), may_owe(50), reserve_kind("job", "owing", 100)])
        .and(settle_amounts("job", &[("credits", 140)]))
        .then([debt(35), available(0)])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([debt(0), parts("period:1.1.0", "available 65, consumed 35")]);
}

#[test]
fn sold_terms_stay_while_entitlements_and_limits_follow_the_catalog() {
    let dearer = with_plans()
        .replace("amount = 30 }]", "amount = 33 }]")
        .replace(
            r#"entitlements = [{ kind = "fixed" }, { kind = "open" }]"#,
            r#"entitlements = [{ kind = "open" }]"#,
        )
        .replace("concurrency = 3", "concurrency = 1");
    on_plans([subscribe("s", "creator"), reserve("before", 1), settle("before", 1)])
        .and(Step::Publish(dearer))
        .when(reserve("job", 1))
        .then([refused("NOT_ENTITLED"), saying("plan", "creator")])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("period:1.1.0 30")])
        .and(change_plan("p", "pro"))
        .and(reserve("a", 1))
        .when(reserve("b", 1))
        .then([refused("CONCURRENCY_LIMIT"), saying("limit", "1")])
        .and(unsubscribe_now("x"))
        .when(subscribe("again", "creator"))
        .then([issued("period:3.0.0 33")]);
}

#[test]
fn overrides_take_precedence_over_the_plan_and_stay() {
    let negotiated = || {
        let terms = subscribe("s", "creator").negotiated("credits", 50).negotiated("trainings", 2);
        terms.allowing("concurrency", 1).ranked(9)
    };
    on_plans([])
        .when(negotiated())
        .then([
            issued("period:1.0.0 50, period:1.0.0#1 2"),
            lives("period:1.0.0#1", "2026-01-01", "2026-02-01"),
        ])
        .and(reserve("a", 1))
        .when(reserve("b", 1))
        .then([refused("CONCURRENCY_LIMIT"), saying("limit", "1")])
        .and(Step::Publish(with_plans().replace("amount = 30 }]", "amount = 33 }]")))
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("period:1.1.0 50, period:1.1.0#1 2")])
        .when(change_plan("p", "pro"))
        .then([issued(""), pending("pro")]);
}

#[test]
fn a_negotiated_limit_ends_with_the_subscription() {
    on_plans([subscribe("s", "creator").allowing("concurrency", 1), reserve("a", 1)])
        .when(reserve("b", 1))
        .then([refused("CONCURRENCY_LIMIT"), saying("limit", "1")])
        .and(unsubscribe_now("x"))
        .and(reserve("b", 1))
        .when(reserve("c", 1))
        .then([refused("CONCURRENCY_LIMIT"), saying("limit", "2")]);
}

#[test]
fn every_subscription_command_can_be_repeated_even_much_later() {
    let sold = || on_plans([subscribe("s", "prepaid")]);
    for (world, step) in [
        (on_plans([]), subscribe("r", "creator")),
        (on_plans([]), subscribe("r", "creator").negotiated("credits", 50).anchored("2025-12-20")),
        (sold(), change_plan("r", "prepaid-pro")),
        (sold(), change_plan("r", "creator")),
        (sold(), unsubscribe("r")),
        (sold(), unsubscribe_now("r")),
        (sold().and(unsubscribe("x")), resume("r")),
        (sold(), pay("r")),
    ] {
        println!("{step:?}");
        world
            .and(step.clone())
            .when(step.clone())
            .then([replayed(), wrote_nothing()])
            .and(until("2027-01-01"))
            .and(process_due())
            .when(step)
            .then([replayed(), wrote_nothing()]);
    }
}

#[test]
fn a_request_id_with_other_content_is_refused_with_the_differing_fields() {
    let paid = |id| subscribe(id, "prepaid");
    for (before, first, second, fields) in [
        (vec![], paid("r"), subscribe("r", "pro"), "plan_id"),
        (vec![], paid("r"), paid("r").ranked(3), "overrides"),
        (vec![], paid("r"), paid("r").anchored("2026-01-01"), "anchor_time"),
        (vec![], paid("r"), change_plan("r", "prepaid"), "request_id"),
        (vec![], paid("r"), pay("r"), "request_id"),
        (vec![paid("s")], change_plan("r", "pro"), change_plan("r", "creator"), "plan_id"),
        (
            vec![paid("s")],
            change_plan("r", "pro"),
            change_plan("r", "pro").negotiated("credits", 1),
            "overrides",
        ),
        (vec![paid("s")], unsubscribe("r"), unsubscribe_now("r"), "unused,when"),
        (vec![paid("s")], unsubscribe("r"), resume("r"), "request_id"),
        (vec![paid("s")], resume("r"), unsubscribe("r"), "request_id"),
        (vec![paid("s")], pay("r"), unsubscribe("r"), "request_id"),
    ] {
        println!("{second:?}");
        on_plans(before).and(first).when(second).then([
            refused("IDEMPOTENCY_MISMATCH"),
            saying("fields", fields),
            wrote_nothing(),
        ]);
    }
}

#[test]
fn a_unit_with_two_cadences_is_issued_at_both_and_cannot_be_overridden() {
    let double = r#"
[[plans]]
id = "double"
term = "MONTH"
allowances = [
    { unit = "trainings", amount = 4 },
    { id = "weekly", unit = "trainings", amount = 1, cadence = "WEEK" },
    { unit = "credits", amount = 10 },
]
"#;
    given_catalog(&format!("{double}{CATALOG}"), [])
        .when(subscribe("s", "double").negotiated("credits", 1).negotiated("trainings", 9))
        .then([refused("INVALID_FIELD"), unsubscribed()])
        .when(subscribe("s", "double").negotiated("credits", 12))
        .then([done(), available(12), available_of("trainings", 5)])
        .and(until("2026-01-08"))
        .when(process_due())
        .then([available_of("trainings", 5)]);
}
