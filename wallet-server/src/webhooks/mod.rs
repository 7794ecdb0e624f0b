//! Webhooks without the database: the URLs and addresses that may be called, signatures, the schedule of attempts, and
//! one attempt over HTTP.
//!
//! The format is Standard Webhooks 1.0.0. This module keeps no state besides idle connections and writes no log.

mod address;
mod resolver;
mod schedule;
mod sender;
mod signature;
mod url;

pub(crate) use address::Allowed;
pub(crate) use schedule::pause;
pub(crate) use sender::{Failure, Message, Sender};
pub(crate) use signature::Secret;
pub(crate) use url::WebhookUrl;
