//! The engine commits the commands of many callers together.
//!
//! A command goes to its wallet's lane, a task with its own database connection. The lane takes all commands that wait,
//! up to a bound, and runs them as one batch: load, decide in order, write, commit, answer all callers. A batch locks
//! its wallets first, or its write proves that they have not changed ([`optimistic`]). A command that arrives alone
//! does not wait for others. Rules about credits are in `wallet-core` and not here.
//!
//! Commands run in the lane's task and never in the caller's, so a caller that goes away cancels nothing half-way.

mod admission;
mod backlog;
mod batch;
mod batch_time;
mod config;
mod error;
mod handle;
mod hold_watch;
mod lane;
mod metrics;
mod movable_time;
mod optimistic;
mod pace;
mod queued_command;
mod retry;
mod runner;
mod sweeper;
#[cfg(test)]
mod tests;

pub(crate) use config::EngineConfig;
pub(crate) use error::EngineError;
pub(crate) use handle::{Engine, QueuedReply};
pub(crate) use hold_watch::{HoldMetrics, HoldWatch};
pub use metrics::EngineCounts;
pub(crate) use metrics::{EngineMetrics, NAMED_TENANTS};
pub(crate) use movable_time::{ClockError, MovableTime, Moved, Step};
pub(crate) use queued_command::CommandRequest;
pub(crate) use sweeper::{Sweeper, SweeperConfig, SweeperMetrics};
