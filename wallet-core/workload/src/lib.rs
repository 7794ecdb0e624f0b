//! Test workloads for a wallet: random histories from a seed, a naive model of the rules that predicts their
//! results, and audits that do not depend on how the core keeps a wallet.
//!
//! [`trace`] returns commands with instants, for any implementation: the core here, a real server in the tests of
//! `wallet-server`. [`Pair`] runs them on the core and on the [`Model`] and compares. [`figure()`] prints a
//! measurement. `tests/oracle.rs` runs a million commands, `tests/small_worlds` all interleavings of a few.

#![allow(clippy::expect_used, reason = "a test tool: its ids and its catalog are constants")]

pub mod audit;
mod compare;
mod figure;
mod generator;
mod model;
mod pair;
mod rng;
mod shrink;

pub use compare::compare;
pub use figure::figure;
pub use generator::{Generator, Pace, Timed, trace};
pub use model::{Answered, Expected, Model, Refusal, Seen, WrittenEntry};
pub use pair::{Pair, catalogs};
pub use rng::Rng;
pub use shrink::shrink;

/// The catalog of the commands, as TOML.
pub const CATALOG: &str = include_str!("../catalog.toml");
