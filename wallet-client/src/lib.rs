//! Typed client of the credit wallet.
//!
//! It owns what every caller would otherwise write again: deadlines, retries with the same ids, errors as types, and
//! a hold that keeps itself alive. It refuses to own messages (the generated ones in [`v1`] are the only set), prices
//! and any idea of what a refusal means for your product.
#![doc = include_str!("../README.md")]

mod admin_service;
mod catalog_service;
mod client;
mod config;
mod error;
mod event_service;
mod hold;
mod refusal;
mod requests;
mod retry;
mod time;
mod wallet_service;

pub use client::WalletClient;
pub use config::{ApiKey, ClientConfig};
pub use error::Error;
pub use hold::{Hold, Stopped, Worker};
pub use refusal::Refusal;
pub use requests::{OperationExt, amount, job, operation, purchase, usage};
pub use retry::RetryPolicy;
pub use tokio_util::sync::CancellationToken;
pub use tonic::{Code, Status};
pub use tonic_types::FieldViolation;
pub use wallet_proto::v1;
