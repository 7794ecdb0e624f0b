//! The credit wallet as a service: a gRPC interface, the rules of `wallet-core`, and SQLite or PostgreSQL as the
//! store.
//!
//! Calls go in one direction: `grpc` calls `engine` (commands) or `query` (reads), and both call `store`. [`App`]
//! wires them; [`cli`] is the binary.

// With optimization, the compiler lays out the nested futures of a call in one query, which is deeper than the default
// of 128.
#![recursion_limit = "256"]

mod app;
mod call_name;
mod catalogs;
mod causes;
mod certificate;
pub mod cli;
mod clock;
mod config;
mod doctor;
mod engine;
mod feed;
mod grpc;
mod keys;
#[cfg(test)]
mod memory_log;
mod monitoring;
#[cfg(feature = "nats")]
mod nats;
#[cfg(test)]
#[path = "../tests/it/harness/postgres.rs"]
mod postgres;
mod query;
mod quote;
mod reference_clock;
mod settings;
mod signed_text;
mod store;
mod task_lease;
mod tenants;
mod traces;
mod verify;
mod webhooks;

pub use app::{App, AppError, DueCounts};
pub use clock::Clock;
pub use config::{BUNDLED_CATALOG, Config, NatsConfig, TimeSource};
pub use engine::EngineCounts;
pub use grpc::{ClientCertificates, ClientKey, NoClientKey, NoOrigin, Origin, TlsError, TlsFiles};
pub use keys::{Pepper, PepperError};
pub use settings::Limits;
pub use store::StoreError;
pub use traces::{Collector, NoCollector, TraceSettings, TracesError};
pub use verify::{CheckpointSize, Checkpoints, Report, VerifyError, verify, verify_wallet, verify_with};
