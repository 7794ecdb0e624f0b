//! The transport: connections from accept to close. A peer that is silent, slow or greedy does not affect the others.
//!
//! [`accept`] accepts connections and keeps their number below the limit of descriptors. [`connection`] serves one
//! connection and closes it if its peer sends nothing, reads nothing or makes no calls. [`streams`] limits the time
//! of each call, including the reading of the reply, and [`one_call`] does so for HTTP/1.1. A stream may last as long as its
//! peer reads it. [`tls`] encrypts connections and replaces the certificate. [`peers`] records all connections and their unread
//! bytes, and chooses the connection to close when there are too many connections or unread bytes.

mod accept;
mod connection;
mod io;
mod one_call;
mod peers;
mod streams;
mod tls;

pub(super) use accept::{Front, descriptor_limit};
#[cfg(test)]
pub(super) use peers::Peers;
pub(super) use peers::UNREAD;
pub(super) use peers::{CallInProgress, Peer};
#[cfg(test)]
pub(super) use streams::limited;
pub(super) use streams::{before, open_ended, renew};
pub(crate) use tls::Tls;
pub use tls::{TlsError, TlsFiles};
