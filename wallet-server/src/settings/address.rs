//! Addresses, which are looked up when they are used.

use std::net::{SocketAddr, ToSocketAddrs};

/// HOST:PORT, where the host is a name or an IP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(pub(super) String);

impl Address {
    /// Returns the first address of the host; if there are several, the first one of IPv4.
    pub(crate) fn look_up(&self) -> Result<SocketAddr, std::io::Error> {
        let found: Vec<SocketAddr> = self.0.to_socket_addrs()?.collect();
        let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
        first.copied().ok_or_else(|| std::io::Error::other("the host has no address"))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
