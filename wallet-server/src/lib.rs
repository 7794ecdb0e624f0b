//! The credit wallet as a service: gRPC in front, `wallet-core`'s rules in the middle, SQLite or PostgreSQL behind.
//!
//! One direction: `grpc` calls `engine` (commands) or `query` (reads), both call `store`. A lower line never calls a
//! higher one. [`App`] wires them; [`cli`] is the binary.

mod app;
mod catalogs;
pub mod cli;
mod clock;
mod config;
mod engine;
mod grpc;
#[cfg(test)]
#[path = "../tests/it/harness/postgres.rs"]
mod postgres;
mod query;
mod quote;
mod reference_clock;
mod store;
mod verify;

pub use app::{App, AppError, Due};
pub use clock::Clock;
pub use config::{BUNDLED_CATALOG, Config, TimeSource};
pub use engine::EngineCounts;
pub use verify::{Checkpoints, Report, verify, verify_wallet, verify_with};
