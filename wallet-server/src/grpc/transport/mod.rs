//! The transport: connections from accept to close. A peer that is silent, slow or greedy does not affect the others.
//!
//! [`accept`] accepts connections and keeps their number below the limit of descriptors. [`connection`] serves one
//! connection and closes it if its peer sends nothing, reads nothing or makes no calls. [`call_time`] limits the time
//! of each call, including the reading of the reply. [`tls`] encrypts connections and replaces the certificate;
//! [`client_keys`] has the keys that certificates of callers stand for. [`peers`] records all connections and their
//! unread bytes, and chooses the connection to close when there are too many connections or unread bytes.

mod accept;
mod call_time;
mod client_keys;
mod connection;
mod io;
mod peers;
mod tls;
mod tls_metrics;

pub(super) use accept::{Front, descriptor_limit};
#[cfg(test)]
pub(super) use call_time::limited;
pub(super) use call_time::{renew, run_until};
pub(super) use client_keys::CertificateKey;
pub use client_keys::{ClientKey, NoClientKey};
#[cfg(test)]
pub(super) use peers::Peers;
pub(super) use peers::{Peer, PeerCall};
pub(crate) use tls::Tls;
pub use tls::{ClientCertificates, TlsError, TlsFiles};
