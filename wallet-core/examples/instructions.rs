//! One Reserve and one Settle, whose instructions `cargo xtask instructions` counts.
#![allow(clippy::unwrap_used, reason = "a failed step ends the count")]

#[path = "../benches/fixture/mod.rs"]
#[allow(dead_code, reason = "the benchmarks use the rest")]
mod fixture;

use std::hint::black_box;

use wallet_core::{Catalogs, Command, Finished, Wallet};

use crate::fixture::{catalogs, reserve, run, settle, wallet};

fn main() {
    let catalogs = catalogs();
    let mut wallet = wallet(&catalogs);
    // The first job fills what is allocated once.
    for command in [reserve(0), settle(0)] {
        run(&mut wallet, &command, &catalogs);
    }
    black_box(counted_reserve_and_settle(&mut wallet, &[reserve(1), settle(1)], &catalogs));
}

/// The function that is counted, by its name.
#[inline(never)]
fn counted_reserve_and_settle(
    wallet: &mut Wallet,
    commands: &[Command; 2],
    catalogs: &Catalogs,
) -> [Finished; 2] {
    commands.each_ref().map(|command| run(wallet, command, catalogs))
}
