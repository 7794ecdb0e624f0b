//! An id with different content is refused, and the refusal names the fields that differ.

use wallet_core::wallet::WalletStatus;

use super::prelude::*;

/// Asserts that `second` is refused after `first` with the same id, and names `fields`.
fn differ(before: impl IntoIterator<Item = Step>, first: Step, second: Step, fields: &str) {
    println!("{second:?}");
    given(before).and(first).when(second).then([
        refused("IDEMPOTENCY_MISMATCH"),
        saying("fields", fields),
        wrote_nothing(),
    ]);
}

#[test]
fn a_reserve() {
    let first = || reserve("job", 40).actor("ann");
    for (second, fields) in [
        (reserve("job", 41).actor("ann"), "operation"),
        (reserve("job", 40).actor("bob"), "actor"),
        (reserve("job", 40), "actor"),
        (reserve_kind("job", "open", 40), "actor,operation"),
        (reserve_amounts("job", &[("credits", 40)], &[]).actor("ann"), "amounts,operation"),
    ] {
        differ([top_up(100)], first(), second, fields);
    }
    let explicit = || reserve_amounts("job", &[("credits", 40)], &[]);
    let more = reserve_amounts("job", &[("credits", 50)], &[("credits", 60)]);
    differ([top_up(100)], explicit(), more, "amounts,max_amounts");
    let with = |n| explicit().about(operation("fixed", &[("n", n)]));
    for (first, second) in [(explicit(), with("1")), (with("1"), explicit()), (with("1"), with("2"))] {
        differ([top_up(100)], first, second, "operation");
    }
}

#[test]
fn a_mismatch_has_the_state_of_the_reservation() {
    given([top_up(100), reserve("job", 40), start("job", 1)])
        .when(reserve("job", 41))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("state", "PROCESSING")]);
}

#[test]
fn a_settle() {
    for (first, second, fields) in [
        (settle("job", 30), settle("job", 31), "usage"),
        (settle("job", 30), settle_as_reserved("job"), "usage"),
        (settle("job", 30), settle_amounts("job", &[("credits", 30)]), "amounts,usage"),
        (settle("job", 30), fail("job"), "code,outcome,usage"),
        (settle_as_reserved("job"), fail("job"), "code,outcome"),
        (fail("job"), fail_with("job", "NSFW"), "code"),
        (fail("job"), settle_as_reserved("job"), "code,outcome"),
    ] {
        differ([top_up(100), reserve("job", 40)], first, second, fields);
    }
}

#[test]
fn a_cancel() {
    differ([top_up(100), reserve("job", 40)], cancel("job"), stop("job"), "reason");
    differ([], cancel("job").allow_missing(), stop("job").allow_missing(), "reason");
}

#[test]
fn a_top_up() {
    let first = || buy("u", 10).paid_by("pi_1");
    for (second, fields) in [
        (buy("u", 11).paid_by("pi_1"), "amount"),
        (buy_of("u", "trainings", 10).paid_by("pi_1"), "amount"),
        (buy_pack("u", "starter").paid_by("pi_1"), "amount,pack_id"),
        (buy("u", 10).paid_by("pi_2"), "external_ref"),
        (buy("u", 10), "external_ref"),
        (buy("u", 10).paid_by("pi_1").paid_at(START), "paid_time"),
        (buy("another", 11).paid_by("pi_1"), "amount"),
    ] {
        differ([], first(), second, fields);
    }
    differ([], buy_pack("u", "starter"), buy_pack("u", "bundle"), "pack_id");
}

#[test]
fn a_grant() {
    for (second, fields) in [
        (give("g", 11), "amount"),
        (give_of("g", "trainings", 10), "amount"),
        (give("g", 10).source(Source::Referral), "source"),
        (give("g", 10).priority(3), "priority"),
        (give("g", 10).from(hours(1)).until(hours(2)), "effective_time,expire_time"),
    ] {
        differ([], give("g", 10), second, fields);
    }
}

#[test]
fn a_command_with_a_request_id() {
    let before = || [top_up(10), give("g", 10)];
    differ(before(), revoke("r", "top_up:t"), revoke("r", "grant:g"), "grant_id");
    differ(before(), revoke("r", "top_up:t"), suspend("r"), "request_id");
    differ(before(), suspend("r"), revoke("r", "top_up:t"), "request_id");
    differ(before(), suspend("r"), update("r").status(WalletStatus::Active), "status");
    differ(before(), update("r").named("Ann"), update("r").named("Bob").owing(5), "debt_limits,display_name");
}

#[test]
fn a_wallet() {
    use wallet_core::decide::CreateWallet;
    use wallet_core::{Amounts, Command};
    let create = |name: &str| CreateWallet { display_name: name.to_owned(), debt_limits: Amounts::none() };
    given([])
        .when(Step::Command(Command::CreateWallet(create(""))))
        .then([replayed(), wrote_nothing()])
        .when(Step::Command(Command::CreateWallet(create("Ann"))))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "display_name"), wrote_nothing()])
        .when(Step::Command(Command::CreateWallet(CreateWallet {
            debt_limits: amounts(&[("credits", 5)]),
            ..create("")
        })))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "debt_limits")]);
}
