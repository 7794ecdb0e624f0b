//! The way in: connections, from accept to close. No peer, silent, slow or greedy, takes it away from the others.
//!
//! [`accept`] takes connections and keeps their number below the limit of descriptors; [`connection`] serves one and
//! closes it if its peer says nothing, reads nothing or makes no calls; [`streams`] bounds the time of each call, the
//! reading of the reply included; [`peers`] knows all connections, how much each has left unread, and which to close
//! when there are too many bytes or connections.

mod accept;
mod connection;
mod io;
mod peers;
mod streams;

pub(super) use accept::{Front, descriptor_limit};
#[cfg(test)]
pub(super) use peers::Peers;
pub(super) use peers::{CallInProgress, Peer};
pub(super) use streams::open_ended;
