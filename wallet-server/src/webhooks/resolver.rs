//! Resolves the names of hosts to addresses that may be dialled.
//!
//! Addresses are checked after each resolution, immediately before the connection: a name that was harmless when its
//! endpoint was created may have another address today.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::vec;

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use super::Allowed;

/// Resolves a name to its addresses.
pub(super) type Resolver = BoxCloneSyncService<Name, vec::IntoIter<SocketAddr>, io::Error>;

/// The refusal of a name. It does not show the addresses, which may be those of a private network.
#[derive(Debug, thiserror::Error)]
#[error("the host has no address in the public internet or in a network of --webhooks-allow")]
pub(super) struct NoAddress;

/// Returns the resolver of the operating system.
pub(super) fn system() -> Resolver {
    let resolver = GaiResolver::new().map_response(|addresses| addresses.collect::<Vec<_>>().into_iter());
    BoxCloneSyncService::new(resolver)
}

/// Returns a resolver whose answers hold only addresses that may be dialled, at least one.
pub(super) fn filtered(resolver: Resolver, allowed: Arc<Allowed>) -> Resolver {
    BoxCloneSyncService::new(resolver.map_result(move |answer: io::Result<vec::IntoIter<SocketAddr>>| {
        let addresses: Vec<_> = answer?.filter(|address| allowed.may_dial(address.ip())).collect();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, NoAddress));
        }
        Ok(addresses.into_iter())
    }))
}
