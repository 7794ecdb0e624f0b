//! Replays: the same id and content have no second effect and the first answer, even after the state has changed.

use wallet_core::balance::WalletView;
use wallet_core::decide::PriceSource;
use wallet_core::grant::Grant;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::WalletStatus;

use super::prelude::*;

/// Asserts that a command shows the same when it is repeated twice, with other steps in between.
fn twice_more(mut world: World, step: &Step) {
    let first = shown(&world);
    for between in [process_due(), buy("between", 7)] {
        world = world.and(between).when(step.clone()).then([replayed(), wrote_nothing()]);
        assert_eq!(shown(&world), first, "the reply has the same subject");
    }
}

/// Returns the reservation, the grants or the wallet in the last reply, without the revision of the wallet, which
/// changes.
fn shown(world: &World) -> (Option<Reservation>, Option<Vec<Grant>>, Option<WalletView>) {
    let shown = world.reply.clone().unwrap().result.unwrap().shown;
    let wallet = shown.wallet().cloned().map(|view| WalletView { revision: 0, version: 0, ..view });
    (shown.reservation().cloned(), shown.grants().map(<[Grant]>::to_vec), wallet)
}

#[test]
fn every_command_can_be_repeated() {
    let ready = || given([top_up(100), reserve("job", 40)]);
    let rows = [
        (given([]), buy("t1", 10)),
        (given([]), buy_pack("t2", "bundle")),
        (given([]), give("g", 10).until(hours(1))),
        (given([top_up(100)]), reserve("job", 40)),
        (given([top_up(100)]), reserve_amounts("job", &[("credits", 40)], &[("credits", 50)])),
        (ready(), start("job", 1)),
        (ready(), settle("job", 30)),
        (ready(), settle_as_reserved("job")),
        (ready(), settle_amounts("job", &[("credits", 20)])),
        (ready(), fail("job")),
        (ready(), cancel("job")),
        (ready(), stop("job")),
        (given([]), cancel("job").allow_missing()),
        (ready(), revoke("r", "top_up:t")),
        (given([]), suspend("s")),
        (given([]), update("n").named("Ann")),
    ];
    for (world, step) in rows {
        println!("{step:?}");
        twice_more(world.and(step.clone()), &step);
    }
}

#[test]
fn fields_outside_the_fingerprint_may_differ() {
    given([top_up(100), reserve("job", 40)])
        .when(reserve("job", 40).ttl(hours(2)).limit("credits", 1).label("a", "b"))
        .then([replayed(), state("job", State::Held), deadline("job", minutes(30))])
        .when(reserve_quoted("job", 40, 1, hours(1)))
        .then([replayed()])
        .and(settle("job", 30))
        .when(settle("job", 30).late().attempt(7))
        .then([replayed()]);
    given([cancel("job").allow_missing()])
        .when(cancel("job").max_fee("credits", 0))
        .then([replayed(), state("job", State::Cancelled)]);
}

#[test]
fn numbers_are_compared_by_value() {
    given([top_up(100), reserve("job", 40)])
        .when(reserve_for("job", PriceSource::Operation(operation("fixed", &[("n", "40.0")]))))
        .then([replayed()])
        .and(settle_usage("job", &[("n", "5.0")]))
        .when(settle_usage("job", &[("n", "5")]))
        .then([replayed()]);
}

#[test]
fn a_retry_finds_its_reservation_in_any_later_state() {
    given([top_up(100), reserve_quoted("job", 40, 1, minutes(10))])
        .and(Step::Publish(CATALOG.replace("kind = \"fixed\"", "kind = \"gone\"")))
        .and(wait(minutes(20)))
        .and(suspend("s"))
        .when(reserve_quoted("job", 40, 1, minutes(10)))
        .then([replayed(), state("job", State::Held)])
        .when(reserve("job", 40).limit("credits", 1))
        .then([replayed()]);
}

#[test]
fn a_retry_of_an_expiring_purchase_finds_it_after_its_end() {
    given([give("g", 10).until(hours(1))])
        .and(wait(hours(2)))
        .when(give("g", 10).until(hours(1)))
        .then([replayed(), parts("grant:g", "expired 10")]);
}

#[test]
fn refusals_are_not_remembered() {
    given([])
        .when(reserve("job", 40))
        .then([refused("INSUFFICIENT_CREDITS"), unknown("job")])
        .and(top_up(40))
        .when(reserve("job", 40))
        .then([done(), held(40)]);
}

#[test]
fn a_late_settle_is_replayed_with_or_without_accept_late() {
    given([top_up(100), reserve("job", 40), wait(hours(1)), settle("job", 40).late()])
        .and(wait(hours(100)))
        .when(settle("job", 40))
        .then([replayed(), charged("job", 40)]);
}

#[test]
fn a_start_is_replayed_until_another_worker_has_taken_over() {
    given([top_up(100), reserve("job", 40), start("job", 1), start("job", 2).worker("w2")])
        .when(start("job", 1))
        .then([refused("STALE_ATTEMPT")])
        .when(start("job", 2).worker("w2"))
        .then([replayed()]);
}

#[test]
fn a_command_is_not_carried_out_again_after_it_was_undone() {
    given([suspend("s"), update("a").status(WalletStatus::Active), top_up(100)])
        .when(suspend("s"))
        .then([replayed(), wrote_nothing()])
        .when(reserve("job", 100))
        .then([done()])
        .and(start("job", 1))
        .when(reserve("job", 100))
        .then([replayed(), state("job", State::Processing)])
        .and(settle("job", 100))
        .when(top_up(100))
        .then([replayed(), available(0), parts("top_up:t", "consumed 100")])
        .and(give("g", 5))
        .and(revoke("r", "grant:g"))
        .when(give("g", 5))
        .then([replayed(), available(0), parts("grant:g", "revoked 5")]);
}
