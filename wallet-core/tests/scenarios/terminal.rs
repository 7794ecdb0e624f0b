//! The terminal states of the table in `docs/design.md`: every command for every ended reservation.

use wallet_core::Command;

use super::prelude::*;
use crate::common::facts::{metadata_of, outcome};

/// Returns a wallet with a job of 40 that has ended.
fn ended(by: &str) -> World {
    let held = || given([top_up(100), reserve("job", 40)]);
    match by {
        "settled" => held().and(settle("job", 30)),
        "failed" => held().and(fail("job")),
        "cancelled" => held().and(cancel("job")),
        "tombstone" => given([top_up(100), cancel("job").allow_missing()]),
        "expired" => held().and(wait(hours(1))).and(process_due()),
        "settled late" => held().and(wait(hours(1))).and(settle("job", 30).late()),
        "failed late" => held().and(wait(hours(1))).and(fail("job")),
        "cancelled late" => held().and(wait(hours(1))).and(cancel("job")),
        "long expired" => held().and(wait(days(9))).and(process_due()),
        other => panic!("{other}"),
    }
}

const ENDS: [&str; 9] = [
    "settled",
    "failed",
    "cancelled",
    "tombstone",
    "expired",
    "long expired",
    "settled late",
    "failed late",
    "cancelled late",
];

#[test]
fn every_terminal_state_answers_every_command_by_the_table() {
    // In the order of ENDS. Jobs that were ended late are SETTLED, FAILED or CANCELLED like any other.
    const ENDED: [&str; 9] = [
        "SETTLED",
        "FAILED",
        "CANCELLED",
        "CANCELLED",
        "EXPIRED",
        "EXPIRED",
        "SETTLED",
        "FAILED",
        "CANCELLED",
    ];
    let of = |settled, failed, cancelled, expired| {
        [settled, failed, cancelled, cancelled, expired, expired, settled, failed, cancelled]
    };
    let mut again = ["replayed"; 9];
    again[3] = "CANCELLED";
    let rows: [(Step, [&str; 9]); 13] = [
        (reserve("job", 40), again),
        (reserve("job", 40).started(), ENDED),
        (reserve("job", 41).actor("bob"), ENDED),
        (start("job", 1), ENDED),
        (start("job", 9).worker("w9"), ENDED),
        (extend("job"), ["done"; 9]),
        (extend("job").attempt(1), ["done"; 9]),
        (settle("job", 30), of("replayed", "outcome", "CANCELLED", "EXPIRED")),
        (settle("job", 31), of("usage", "outcome", "CANCELLED", "EXPIRED")),
        (fail("job"), of("outcome", "replayed", "CANCELLED", "done")),
        (fail_with("job", "NSFW"), of("outcome", "code", "CANCELLED", "done")),
        (cancel("job"), of("SETTLED", "FAILED", "replayed", "done")),
        (stop("job"), of("SETTLED", "FAILED", "reason", "done")),
    ];
    for (verb, answers) in rows {
        for ((end, answer), state) in ENDS.into_iter().zip(answers).zip(ENDED) {
            println!("{end}, then {verb:?}");
            let world = ended(end);
            let before = world.seen();
            let world = world.when(verb.clone());
            assert_eq!(answer_of(&world, state), answer);
            let closes =
                end == "expired" && matches!(verb, Step::Command(Command::Settle(_) | Command::Cancel(_)));
            if closes && answer == "done" {
                assert_eq!(world.lazy.wallet.balances, before.balances, "all credits had returned before");
            } else {
                assert_eq!(world.lazy.wallet, before, "an ended reservation does not change");
            }
        }
    }
}

/// Returns "done", "replayed", the state named by the refusal, or the decisive field of a mismatch.
fn answer_of(world: &World, state: &str) -> String {
    match outcome(world) {
        "IDEMPOTENCY_MISMATCH" => {
            let fields = metadata_of(world, "fields").unwrap();
            let telling = ["outcome", "usage", "code", "reason"];
            assert_eq!(metadata_of(world, "state").as_deref(), Some(state));
            telling.into_iter().find(|field| fields.split(',').any(|f| f == *field)).unwrap().to_owned()
        }
        reason if reason.starts_with("RESERVATION_") => {
            assert_eq!(metadata_of(world, "state").as_deref(), Some(state));
            reason.trim_start_matches("RESERVATION_").to_owned()
        }
        other => other.to_owned(),
    }
}

#[test]
fn the_first_finalizer_wins_and_the_refusal_of_the_other_names_its_state() {
    let running = || given([top_up(100), reserve("job", 40).started()]);
    running().and(cancel("job")).when(settle("job", 40)).then([
        refused("RESERVATION_CANCELLED"),
        charged("job", 20),
        available(80),
    ]);
    running().and(settle("job", 40)).when(cancel("job")).then([
        refused("RESERVATION_SETTLED"),
        charged("job", 40),
        available(60),
    ]);
}

#[test]
fn commands_for_an_unknown_job_are_refused() {
    for verb in [start("job", 1), extend("job"), settle("job", 1), fail("job"), cancel("job")] {
        given([top_up(100)]).when(verb).then([refused("RESERVATION_NOT_FOUND"), wrote_nothing()]);
    }
}
