//! Auto top-up: purchases that become due when a balance is low, their results, the waits after declines, and the
//! bounds.

use wallet_core::auto_top_up::Standing;

use super::prelude::*;

/// A wallet with 100 credits that is topped up below 20.
fn topped_up() -> World {
    given_catalog(&priced(), [top_up(100), auto("a", 20)])
}

#[test]
fn a_balance_below_the_threshold_makes_one_purchase_due() {
    topped_up()
        .when(reserve("a", 80))
        .then([notified_nothing(), under_way(None)])
        .when(reserve("b", 1))
        .then([notified(&["5: 1 starter due at 19, below 20"]), under_way(Some((5, 1)))])
        .when(reserve("c", 9))
        .then([notified_nothing(), under_way(Some((5, 1)))])
        .when(cancel("a"))
        .then([notified_nothing(), under_way(Some((5, 1)))]);
}

#[test]
fn a_top_up_with_its_id_ends_the_purchase_under_way() {
    topped_up()
        .and(reserve("a", 81))
        .and(buy("other", 1))
        .then([under_way(Some((4, 1)))])
        .when(bought(4, 1))
        .then([notified_nothing(), under_way(None), available(70)])
        .when(bought(4, 1))
        .then([replayed(), notified_nothing(), under_way(None)])
        .when(reserve("b", 60))
        .then([notified(&["7: 1 starter due at 10, below 20"])]);
}

#[test]
fn one_purchase_closes_the_gap_to_the_threshold() {
    given_catalog(&priced(), [top_up(1_000), auto("a", 500)])
        .when(reserve("a", 800))
        .then([notified(&["4: 6 starter due at 200, below 500"])])
        .and(bought(4, 6))
        .then([available(500), under_way(None)])
        .when(reserve("b", 1))
        .then([notified(&["6: 1 starter due at 499, below 500"])]);
}

#[test]
fn debt_is_part_of_the_gap() {
    given_catalog(&priced(), [top_up(100), reserve("a", 40), settle_as_reserved("a"), charge_back("c", "t")])
        .and(reactivate("r"))
        .when(auto("a", 20))
        .then([debt(40), notified(&["7: 2 starter due at 0, below 20"])])
        .and(bought(7, 2))
        .then([available(60), debt(0)]);
}

#[test]
fn a_purchase_that_leaves_the_balance_low_is_followed_by_another() {
    topped_up().and(reserve("a", 81)).and(reserve("b", 19)).when(buy(due_id(4).as_str(), 5)).then([
        notified(&["6: credits at 5, no longer exhausted", "6: 1 starter due at 5, below 20"]),
        under_way(Some((6, 1))),
    ]);
}

#[test]
fn a_setting_counts_at_once_and_while_it_is_on() {
    given_catalog(&priced(), [top_up(10)])
        .when(auto("a", 20))
        .then([notified(&["3: 1 starter due at 10, below 20"]), standing(Standing::On)])
        .when(auto_off("b"))
        .then([notified_nothing(), standing(Standing::Off), under_way(Some((3, 1)))])
        .when(bought(3, 1))
        .then([under_way(None), available(60)])
        .when(reserve("a", 60))
        .then([notified(&["6: credits exhausted"]), under_way(None)])
        .when(auto("c", 20))
        .then([notified(&["7: 1 starter due at 0, below 20"])]);
    given([top_up(10)]).when(auto_off("a")).then([wrote(&[EntryKind::AutoTopUpSet]), notified_nothing()]);
}

#[test]
fn a_purchase_under_way_outlives_other_settings() {
    topped_up()
        .and(reserve("a", 81))
        .and(auto("b", 500))
        .then([notified_nothing(), under_way(Some((4, 1)))])
        .and(auto_off("c"))
        .and(auto("d", 500))
        .then([notified_nothing(), under_way(Some((4, 1)))])
        .when(bought(4, 1))
        .then([notified(&["8: 9 starter due at 69, below 500"])]);
}

#[test]
fn after_declines_it_waits_an_hour_then_six_and_then_it_is_off() {
    topped_up()
        .and(reserve("a", 81).ttl(hours(24)))
        .when(declined("d1", 4))
        .then([notified(&["5: 1 starter failed, wait 1 h"]), under_way(None)])
        .when(reserve("b", 1).ttl(hours(24)))
        .then([notified_nothing()])
        .and(wait(hours(1)))
        .when(process_due())
        .then([
            wrote(&[EntryKind::AutoTopUpDue]),
            notified(&["7: 1 starter due at 18, below 20"]),
            under_way(Some((7, 1))),
        ])
        .when(declined("d2", 7))
        .then([notified(&["8: 1 starter failed, wait 6 h"])])
        .and(wait(hours(5)))
        .when(process_due())
        .then([wrote_nothing()])
        .and(wait(hours(1)))
        .when(process_due())
        .then([notified(&["9: 1 starter due at 18, below 20"])])
        .when(declined("d3", 9))
        .then([notified(&["10: 1 starter failed, off"]), standing(Standing::Declined)])
        .and(wait(hours(12)))
        .when(process_due())
        .then([wrote_nothing()])
        .when(auto("b", 20))
        .then([notified(&["11: 1 starter due at 18, below 20"]), standing(Standing::On)])
        .when(declined("d4", 11))
        .then([notified(&["12: 1 starter failed, wait 1 h"])]);
}

#[test]
fn a_success_resets_the_declines() {
    topped_up()
        .and(reserve("a", 81).ttl(hours(24)))
        .and(declined("d1", 4))
        .and(wait(hours(1)))
        .and(process_due())
        .and(declined("d2", 6))
        .and(wait(hours(6)))
        .and(process_due())
        .and(bought(8, 1))
        .then([available(69), under_way(None)])
        .and(reserve("b", 60).ttl(hours(24)))
        .when(declined("d3", 10))
        .then([notified(&["11: 1 starter failed, wait 1 h"]), standing(Standing::On)]);
}

#[test]
fn nothing_is_due_after_a_wait_if_the_balance_has_recovered() {
    topped_up()
        .and(reserve("a", 81).ttl(hours(24)))
        .and(declined("d", 4))
        .and(wait(hours(1) - seconds(1)))
        .and(give("g", 1))
        .and(wait(hours(9)))
        .when(process_due())
        .then([wrote_nothing(), under_way(None)]);
}

/// The grant becomes effective at the end of the wait, before the balance is checked.
#[test]
fn credits_of_the_instant_at_which_a_wait_ends_count() {
    topped_up()
        .and(reserve("a", 81).ttl(hours(24)))
        .and(declined("d", 4))
        .and(give("g", 100).from(hours(1)))
        .and(wait(hours(2)))
        .when(process_due())
        .then([wrote(&[EntryKind::GrantEffective]), notified_nothing(), under_way(None)]);
}

#[test]
fn credits_that_expire_make_a_purchase_due_without_a_command() {
    given_catalog(&priced(), [give("g", 100).until(hours(5)), auto("a", 20)])
        .and(wait(hours(6)))
        .when(process_due())
        .then([notified(&["4: credits exhausted", "4: 1 starter due at 0, below 20"])]);
}

#[test]
fn purchases_of_a_day_are_bounded_and_go_on_at_midnight() {
    given_catalog(&priced(), [top_up(100), auto("a", 20).daily(2)])
        .and(wait(hours(22)))
        .and(reserve("a", 90).ttl(hours(24)))
        .and(bought(4, 1))
        .and(reserve("b", 50).ttl(hours(24)))
        .and(bought(6, 1))
        .when(reserve("c", 50).ttl(hours(24)))
        .then([notified_nothing(), under_way(None), available(10)])
        .and(wait(hours(2) - seconds(1)))
        .when(process_due())
        .then([wrote_nothing()])
        .and(wait(seconds(1)))
        .when(process_due())
        .then([wrote(&[EntryKind::AutoTopUpDue]), notified(&["9: 1 starter due at 10, below 20"])]);
}

#[test]
fn prices_of_a_month_are_bounded_and_go_on_in_the_next() {
    given_catalog(&priced(), [top_up(1_000), auto("a", 200).monthly(3_000)])
        .when(reserve("a", 1_000))
        .then([notified(&["4: credits exhausted", "4: 3 starter due at 0, below 200"])])
        .and(settle_as_reserved("a"))
        .and(bought(4, 3))
        .then([notified(&["6: credits at 150, no longer exhausted"]), under_way(None)])
        .and(wait(days(30)))
        .when(process_due())
        .then([wrote_nothing()])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([notified(&["7: 1 starter due at 150, below 200"])]);
}

#[test]
fn a_declined_purchase_is_not_counted() {
    given_catalog(&priced(), [top_up(100), auto("a", 20).daily(1).monthly(900)])
        .and(reserve("a", 90).ttl(hours(24)))
        .and(declined("d", 4))
        .and(wait(hours(1)))
        .when(process_due())
        .then([notified(&["6: 1 starter due at 10, below 20"])]);
}

#[test]
fn a_purchase_that_succeeds_after_its_decline_counts() {
    given_catalog(&priced(), [top_up(100), auto("a", 20).daily(1)])
        .and(reserve("a", 90))
        .and(settle_as_reserved("a"))
        .and(declined("d", 4))
        .when(bought(4, 1))
        .then([under_way(None), available(60)])
        .when(reserve("b", 50))
        .then([notified_nothing(), available(10)])
        .and(settle_as_reserved("b"))
        .and(until("2026-01-02"))
        .when(process_due())
        .then([notified(&["10: 1 starter due at 10, below 20"])]);
}

#[test]
fn each_purchase_of_a_row_of_declines_counts_if_it_succeeds_after_all() {
    let twice_declined = || {
        given_catalog(&priced(), [top_up(100), auto("a", 20).daily(9).monthly(900)])
            .and(reserve("a", 90))
            .and(settle_as_reserved("a"))
            .and(declined("d1", 4))
            .and(wait(hours(1)))
            .and(process_due())
            .then([under_way(Some((7, 1)))])
            .and(declined("d2", 7))
    };
    for late in [4, 7] {
        twice_declined()
            .and(bought(late, 1))
            .then([available(60)])
            .and(reserve("b", 50))
            .and(settle_as_reserved("b"))
            .and(until("2026-01-31"))
            .when(process_due())
            .then([under_way(None)])
            .and(until("2026-02-01"))
            .when(process_due())
            .then([notified(&["12: 1 starter due at 10, below 20"])]);
    }
    twice_declined().when(declined("d3", 4)).then([replayed(), notified_nothing()]);
}

#[test]
fn failures_are_recorded_once_and_only_for_the_purchase_under_way() {
    topped_up()
        .when(declined("d1", 4))
        .then([refused("AUTO_TOP_UP_NOT_UNDER_WAY")])
        .and(reserve("a", 81))
        .when(declined("d1", 3))
        .then([refused("AUTO_TOP_UP_NOT_UNDER_WAY"), saying("under_way", due_id(4).as_str())])
        .and(declined("d1", 4))
        .when(declined("d1", 4))
        .then([replayed(), notified_nothing()])
        .when(declined("d2", 4))
        .then([replayed(), notified_nothing()])
        .when(declined("d1", 3))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "top_up_id")])
        .and(wait(hours(1)))
        .and(process_due())
        .and(bought(6, 1))
        .when(declined("d3", 6))
        .then([refused("AUTO_TOP_UP_NOT_UNDER_WAY")]);
}

#[test]
fn a_suspended_wallet_buys_nothing_until_it_is_active() {
    topped_up()
        .and(reserve("a", 80))
        .and(suspend("s"))
        .and(revoke("r", "top_up:t"))
        .then([all_notified(&["6: credits exhausted"]), under_way(None)])
        .when(reactivate("t"))
        .then([notified(&["7: 1 starter due at 0, below 20"])]);
}

#[test]
fn a_pack_that_the_wallet_cannot_buy_is_never_due() {
    given_catalog(&with_plans(), [top_up(100)])
        .when(auto("a", 50).pack("add-on"))
        .then([refused("PACK_NOT_AVAILABLE")]);
}

#[test]
fn packs_of_a_plan_end_with_the_subscription() {
    given_catalog(&with_plans(), [subscribe("s", "pro"), auto("a", 20).pack("add-on")])
        .and(unsubscribe("u"))
        .and(until("2026-03-01"))
        .when(process_due())
        .then([available(5), under_way(None)])
        .when(subscribe("t", "pro").negotiated("credits", 10))
        .then([notified(&["7: 1 add-on due at 15, below 20"])]);
}

#[test]
fn a_purchase_that_was_due_is_sold_after_its_plan_has_ended() {
    let late = || {
        given_catalog(&with_plans(), [subscribe("s", "pro"), auto("a", 20).pack("add-on")])
            .and(reserve("a", 100))
            .and(settle_as_reserved("a"))
            .and(unsubscribe_now("u"))
            .then([plan("free"), available(5)])
    };
    late().when(buy_pack(due_id(4).as_str(), "add-on")).then([done(), available(505), under_way(None)]);
    late().and(declined("d", 4)).when(buy_pack(due_id(4).as_str(), "add-on")).then([done(), available(505)]);
    late().when(buy_pack("other", "add-on")).then([refused("PACK_NOT_AVAILABLE")]);
}

#[test]
fn the_terms_of_the_pack_follow_the_catalog() {
    let larger = priced().replacen("amounts = { credits = 50 }", "amounts = { credits = 500 }", 1);
    let gone = priced().replacen("id = \"starter\"", "id = \"other\"", 1);
    given_catalog(&priced(), [top_up(1_000), auto("a", 800)])
        .and(Step::Publish(larger))
        .when(reserve("a", 700))
        .then([notified(&["4: 1 starter due at 300, below 800"])])
        .and(bought(4, 1))
        .and(Step::Publish(gone))
        .when(reserve("b", 10))
        .then([notified_nothing(), under_way(None)]);
}

#[test]
fn settings_that_no_purchase_can_meet_are_refused() {
    for bad in
        [auto("a", 20).monthly(899), auto("a", 20).pack("bundle").monthly(9_000), auto("a", 20).of("coins")]
    {
        given_catalog(&priced(), [top_up(100)]).when(bad).then([refused("INVALID_FIELD")]);
    }
    given([top_up(100)]).when(auto("a", 20).pack("nothing")).then([refused("PACK_NOT_FOUND")]);
}

#[test]
fn the_same_setting_is_set_once_per_request() {
    topped_up()
        .and(reserve("a", 81))
        .and(declined("d", 4))
        .when(auto("a", 20))
        .then([replayed(), notified_nothing(), under_way(None)])
        .when(auto("a", 21))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "auto_top_up")])
        .when(auto("b", 20))
        .then([notified(&["6: 1 starter due at 19, below 20"])]);
}
