//! A million random commands on the core and on a naive model of the rules. Every reply, entry and row must be the
//! same, and every invariant must hold. `WALLET_ORACLE_COMMANDS` sets the number of commands, `WALLET_ORACLE_SEED`
//! repeats an earlier run.

#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use wallet_core::entry::EntryKind;
use wallet_core::event::EventKind;
use wallet_workload::{Expected, Generator, Pace, Pair, Timed, figure, shrink};

/// The number of commands in the history of one wallet.
const LIFE: usize = 300;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// The counts of results.
#[derive(Default)]
struct Tally {
    done: u64,
    replayed: u64,
    refused: BTreeMap<&'static str, u64>,
    written: BTreeMap<EntryKind, u64>,
    notified: BTreeMap<EventKind, u64>,
}

impl Tally {
    fn note(&mut self, expected: &Expected) {
        match &expected.result {
            Ok(answered) if answered.replayed => self.replayed += 1,
            Ok(_) => self.done += 1,
            Err(refusal) => *self.refused.entry(refusal.reason).or_default() += 1,
        }
        for entry in &expected.written {
            *self.written.entry(entry.kind).or_default() += 1;
            for event in &entry.events {
                *self.notified.entry(event.kind).or_default() += 1;
            }
        }
    }
}

/// Every fourth wallet has a default plan with a term.
fn pair_of(wallet: u64) -> fn() -> Pair {
    if wallet.is_multiple_of(4) { Pair::with_daily_credits } else { Pair::new }
}

/// Runs the history of one wallet. The error has the history and the failure.
fn live(seed: u64, wallet: u64, length: usize, tally: &mut Tally) -> Result<(), (Vec<Timed>, String)> {
    let mut generator = Generator::new(seed, wallet, Pace::Calendar);
    let mut pair = pair_of(wallet)();
    let mut history: Vec<Timed> = Vec::with_capacity(length);
    for _ in 0..length {
        let (step, expected) = generator.next(&mut pair.model);
        history.push(step);
        let step = &history[history.len() - 1];
        match catch_unwind(AssertUnwindSafe(|| pair.run_core(step, &expected))) {
            Ok(Ok(_)) => tally.note(&expected),
            Ok(Err(what)) => return Err((history, what)),
            Err(_) => return Err((history, "a panic".to_owned())),
        }
    }
    pair.look().map_err(|what| (history, what))
}

#[test]
fn the_core_answers_like_a_naive_model() {
    let seed =
        setting("WALLET_ORACLE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000_000);
    let commands = setting("WALLET_ORACLE_COMMANDS").unwrap_or(1_000_000);
    let (mut tally, started) = (Tally::default(), Instant::now());
    for wallet in 0..commands.div_ceil(LIFE as u64) {
        if let Err((history, what)) = live(seed, wallet, LIFE, &mut tally) {
            let (shortest, why) = shrink(pair_of(wallet), history);
            for step in &shortest {
                println!("{} {:?}", step.at, step.command);
            }
            panic!("WALLET_ORACLE_SEED={seed}, wallet {wallet}: {what}; the history above ends in: {why}");
        }
    }
    let Tally { done, replayed, refused, written, notified } = tally;
    let refusals: u64 = refused.values().sum();
    let all = done + replayed + refusals;
    let percent = 100 * refusals / all;
    println!("entries: {written:?}\nevents: {notified:?}\nrefusals: {refused:?}");
    println!("WALLET_ORACLE_SEED={seed}");
    let share = format!("{refusals} ({percent} %)");
    let (kinds, reasons, time) = (written.len(), refused.len(), format!("{} s", started.elapsed().as_secs()));
    figure("oracle", &[&all, &done, &replayed, &share, &kinds, &reasons, &time]);
    assert!(percent < 30, "{percent} % were refused; such histories test little");
    let missing: Vec<_> = EntryKind::ALL.into_iter().filter(|kind| !written.contains_key(kind)).collect();
    assert!(commands < 100_000 || missing.is_empty(), "no entry of the kinds {missing:?}");
    let missing: Vec<_> = EventKind::ALL.into_iter().filter(|kind| !notified.contains_key(kind)).collect();
    assert!(commands < 100_000 || missing.is_empty(), "no notification of the kinds {missing:?}");
}
