//! The spending order of grants: source, priority, expiry, age, id. The order is total.

use super::prelude::*;

#[test]
fn sources_are_spent_in_their_default_order() {
    let sources = [
        ("referral", Source::Referral),
        ("promotional", Source::Promotional),
        ("purchased", Source::Purchased),
        ("adjustment", Source::Adjustment),
        ("free", Source::Free),
        ("subscription", Source::Subscription),
        ("grace", Source::Grace),
    ];
    given(sources.map(|(id, source)| give(id, 1).source(source))).when(reserve("job", 7)).then([held_from(
        "job",
        "grant:grace 1, grant:subscription 1, grant:free 1, grant:adjustment 1, grant:purchased 1, \
         grant:promotional 1, grant:referral 1",
    )]);
}

#[test]
fn a_catalog_may_reorder_sources_and_make_some_equal() {
    let grouped =
        format!("spend_order = [\"GRACE\", \"PURCHASED\", [\"FREE\", \"SUBSCRIPTION\"]]\n{CATALOG}");
    given_catalog(
        &grouped,
        [
            give("a", 10).source(Source::Subscription).until(hours(9)),
            give("b", 10).source(Source::Free).until(hours(3)),
            give("c", 10).source(Source::Subscription).until(hours(2)),
            top_up(10),
        ],
    )
    .when(reserve("job", 40))
    .then([held_from("job", "top_up:t 10, grant:c 10, grant:b 10, grant:a 10")]);
}

#[test]
fn within_a_source_priority_then_expiry_then_age_then_id_decide() {
    let order = [
        give("z-urgent", 1).priority(-1),
        give("y-soon", 1).until(hours(1)),
        give("x-later", 1).until(hours(2)),
        give("w-old", 1),
    ];
    given(order)
        .and(wait(seconds(1)))
        .and(give("b", 1))
        .and(give("a", 1))
        .and(give("c-last", 1).priority(1).until(hours(1)))
        .when(reserve("job", 7))
        .then([held_from(
            "job",
            "grant:z-urgent 1, grant:y-soon 1, grant:x-later 1, grant:w-old 1, grant:a 1, grant:b 1, \
             grant:c-last 1",
        )]);
}

#[test]
fn a_job_takes_from_as_many_grants_as_it_needs_and_no_more() {
    given([give("a", 10), top_up(50)])
        .when(reserve("job", 30))
        .then([held_from("job", "grant:a 10, top_up:t 20"), parts("top_up:t", "available 30, held 20")]);
}

#[test]
fn only_effective_unexpired_grants_are_taken_from() {
    given([give("pending", 10).from(hours(2)), give("brief", 10).until(hours(1)), top_up(10)])
        .and(wait(hours(1)))
        .when(reserve("job", 11))
        .then([refused("INSUFFICIENT_CREDITS"), saying("available", "10")])
        .when(reserve("job", 10))
        .then([held_from("job", "top_up:t 10")]);
}

#[test]
fn overage_takes_new_allocations_in_the_same_order_and_never_from_other_holds() {
    given([give("a", 20), top_up(100), reserve_kind("job", "open", 50), reserve("other", 40)])
        .and(give("b", 4))
        .when(settle("job", 60))
        .then([
            charged_to("job", "grant:a 20, top_up:t 30, grant:b 4, top_up:t 6"),
            held_from("other", "top_up:t 40"),
            held(40),
            available(24),
        ]);
}

#[test]
fn returned_credits_go_to_the_grants_they_came_from() {
    given([give("a", 20), top_up(50), reserve("job", 50)]).when(settle("job", 15)).then([
        charged_to("job", "grant:a 15"),
        parts("grant:a", "available 5, consumed 15"),
        parts("top_up:t", "available 50"),
    ]);
}

#[test]
fn a_listing_is_in_spending_order_by_unit_with_open_grants_first() {
    given([give("held", 10).priority(-1), reserve("job", 10), give("revoked", 10).priority(-2)])
        .and(revoke("r", "grant:revoked"))
        .and(give_of("set", "trainings", 1))
        .and(give("pending", 10).from(hours(2)))
        .and(top_up(10))
        .then([listed("grant:held, grant:pending, top_up:t, grant:revoked, grant:set")]);
}
