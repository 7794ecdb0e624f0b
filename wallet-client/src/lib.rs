//! The Rust client of the credit wallet.
//!
//! This crate adds to the generated gRPC stubs: a deadline per attempt, retries with the same ids, errors by whether the
//! call took effect, refusals with typed figures, streams over paged lists, and a hold that renews itself. It defines no
//! messages of its own: the generated ones in [`v1`], with their constructors, are the only set.
//!
//! | Entry point | Purpose |
//! |---|---|
//! | [`WalletClient`] | one method per RPC, and `list_..._stream` for every paged list |
//! | [`ClientConfig`], [`RetryPolicy`] | deadline, retries, TLS, API key, metadata |
//! | [`Hold`], [`Worker`] | a job on a worker: reserved, started, kept alive, settled |
//! | [`Error`], [`Refusal`], [`RefusalDetail`] | the outcome of a call that did not succeed |
//! | feature `opentelemetry` | calls continue the trace of their caller |
//! | `testing` (feature `testing`) | a real server for your tests |
#![doc = ""]
#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The documentation of a type shows its methods in the order of the modules.
mod client;

mod wallet_service;

mod admin_service;
mod catalog_service;
mod coalesce;
mod config;
mod error;
mod event_service;
mod feed_watch;
mod hold;
mod key_service;
mod paging;
mod refusal;
mod resumed_stream;
mod retry;
mod servers;
mod tenant_service;
mod test_clock_service;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod time;
mod trace;
mod wallet_watch;
mod webhook_service;

pub use client::WalletClient;
pub use config::{ApiKey, ClientConfig};
pub use error::Error;
pub use feed_watch::FeedWatch;
pub use hold::{Hold, StopReason, Worker};
pub use paging::ItemStream;
pub use refusal::Refusal;
pub use retry::RetryPolicy;
pub use tokio_util::sync::CancellationToken;
pub use tonic::{Code, Status};
pub use tonic_types::FieldViolation;
#[doc(inline)]
pub use wallet_proto::v1;
pub use wallet_proto::v1::error_detail::Detail as RefusalDetail;
pub use wallet_watch::WalletWatch;
