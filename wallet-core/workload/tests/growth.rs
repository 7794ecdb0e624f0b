//! The work of a unit of work does not grow faster than what it does. Work is measured in allocations, because their number,
//! unlike a time, is the same on a busy machine.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../benches/fixture/mod.rs"]
#[allow(dead_code, reason = "the benchmarks use the rest")]
mod fixture;

use wallet_core::{Catalogs, UnitOfWork, Wallet};

use crate::fixture::{NOW, TTL, catalogs, reserve, run, settle, wallet};

fn allocations(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

fn wallet_with_holds(holds: u64, catalogs: &Catalogs) -> Wallet {
    let mut wallet = wallet(catalogs);
    for job in 0..holds {
        run(&mut wallet, &reserve(job), catalogs);
    }
    wallet
}

#[test]
fn holds_that_fall_due_together_are_twice_the_work_if_they_are_twice_as_many() {
    let catalogs = catalogs();
    let work = |holds| {
        let mut wallet = wallet_with_holds(holds, &catalogs);
        allocations(|| {
            let mut work = UnitOfWork::open(&mut wallet, NOW.plus(TTL));
            assert!(work.process_due().unwrap());
            assert_eq!(work.finish().entries.len() as u64, holds);
        })
    };
    let (once, twice) = (work(500), work(1_000));
    assert!(twice < once * 21 / 10, "{once} allocations for 500 holds, {twice} for 1,000");
}

#[test]
fn holds_that_are_processed_in_steps_are_as_much_work_as_at_once() {
    let catalogs = catalogs();
    let work = |most| {
        let mut wallet = wallet_with_holds(1_000, &catalogs);
        allocations(|| {
            let mut work = UnitOfWork::open(&mut wallet, NOW.plus(TTL));
            while !work.process_due_within(most).unwrap() {}
            assert_eq!(work.finish().entries.len(), 1_000);
        })
    };
    let (at_once, in_steps) = (work(usize::MAX), work(100));
    assert!(in_steps < at_once * 11 / 10, "{at_once} allocations at once, {in_steps} in steps of 100 holds");
}

#[test]
fn a_job_is_as_much_work_in_a_wallet_with_many_open_holds() {
    let catalogs = catalogs();
    let work = |holds| {
        let mut wallet = wallet_with_holds(holds, &catalogs);
        let commands = [reserve(holds), settle(holds)];
        allocations(|| {
            for command in &commands {
                run(&mut wallet, command, &catalogs);
            }
        })
    };
    let (few, many) = (work(10), work(5_000));
    assert!(many < few + 5, "{few} allocations beside 10 holds, {many} beside 5,000");
}
