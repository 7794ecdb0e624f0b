//! Packs as checkouts sell them: several lines of one payment, several packs of a kind, and the catalog of the sale.

use super::prelude::*;

#[test]
fn s6_a_payment_with_two_lines_is_two_purchases() {
    given([buy_pack("a", "starter").paid_by("pi_1").line("1")])
        .when(buy_pack("b", "starter").paid_by("pi_1").line("2"))
        .then([done(), available(100)])
        .when(buy_pack("c", "bundle").paid_by("pi_1").line("3"))
        .then([done(), available(200)])
        .when(buy_pack("again", "starter").paid_by("pi_1").line("2"))
        .then([replayed(), available(200)])
        .when(buy_pack("again", "bundle").paid_by("pi_1").line("2"))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "pack_id")])
        .when(buy_pack("whole", "starter").paid_by("pi_1"))
        .then([done(), available(250)]);
}

#[test]
fn a_payment_with_several_purchases_does_not_name_one() {
    let both = || {
        given([buy_pack("a", "starter").paid_by("pi_1").line("1")])
            .and(buy_pack("b", "starter").paid_by("pi_1").line("2"))
    };
    both().when(refund_payment("r", "pi_1")).then([refused("INVALID_FIELD"), wrote_nothing()]);
    both().when(charge_back_payment("r", "pi_1")).then([refused("INVALID_FIELD"), wrote_nothing()]);
    both().when(refund("r", "b")).then([parts("top_up:a", "available 50"), parts("top_up:b", "paid out 50")]);
}

#[test]
fn s6_a_quantity_multiplies_the_contents_of_a_pack() {
    given([buy_pack("a", "bundle").times(3)])
        .then([parts("top_up:a", "available 300"), parts("top_up:a#1", "available 6")])
        .when(buy_pack("a", "bundle").times(2))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "quantity")])
        .when(buy_pack("b", "bundle").times(1000))
        .then([parts("top_up:b", "available 100000")]);
    let huge = CATALOG.replace("amounts = { credits = 50 }", "amounts = { credits = 999999999999999 }");
    given_catalog(&huge, [])
        .when(buy_pack("a", "starter").times(2))
        .then([refused("INVALID_FIELD"), wrote_nothing()]);
}

#[test]
fn s7_the_catalog_of_the_checkout_sells_a_pack_that_was_withdrawn_or_changed() {
    let changed = CATALOG.replace("amounts = { credits = 50 }", "amounts = { credits = 40 }");
    let withdrawn = CATALOG.replace("id = \"starter\"", "id = \"other\"");
    for later in [changed, withdrawn] {
        let later = || given([Step::Publish(later.clone())]);
        later().when(buy_pack("a", "starter").sold_by(1)).then([done(), available(50)]);
        later()
            .and(wait(hours(24 * 90) - seconds(1)))
            .when(buy_pack("a", "starter").sold_by(1))
            .then([done(), available(50)]);
        later()
            .and(wait(hours(24 * 90)))
            .when(buy_pack("a", "starter").sold_by(1))
            .then([refused("INVALID_FIELD"), available(0)]);
    }
    // The age of a catalog is that of its replacement.
    given([wait(hours(24 * 400)), Step::Publish(CATALOG.replace("id = \"starter\"", "id = \"other\""))])
        .when(buy_pack("a", "starter").sold_by(1))
        .then([done(), available(50)])
        .when(buy_pack("b", "starter").sold_by(7))
        .then([refused("CATALOG_NOT_FOUND")]);
}
