//! Everything that may happen to a wallet, for tests: at random with a seed, beside a naive model of the rules that
//! says what must come of it, and audits of a wallet that know nothing of how the core keeps it.
//!
//! [`trace`] makes a list of commands with instants that any implementation can be driven with (the core here, a
//! real server in `wallet-server`'s tests); [`Pair`] runs them on the core and on the [`Model`] and compares;
//! [`figure()`] tells what was measured.
//! `tests/oracle.rs` runs a million of them, `tests/small_worlds.rs` all interleavings of a few.

#![allow(clippy::expect_used, reason = "a test tool whose ids and catalog are its own may say so")]

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

/// The catalog that the commands refer to, as TOML.
pub const CATALOG: &str = include_str!("../catalog.toml");
