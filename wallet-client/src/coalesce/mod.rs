//! Coalescing: single calls of Reserve, Extend and Settle that wait at the same time travel as one ReserveMany,
//! ExtendMany or SettleMany.
//!
//! There is no timer. A call goes out at once if fewer than [`queue::REQUESTS`] requests are on their way; otherwise it
//! waits until one of them is answered, and travels with all calls that have gathered until then. Calls travel in the
//! order in which they were made. Each keeps its own deadline, which its caller watches, its own retries, which come
//! back to the queue, and its own error.

mod methods;
mod queue;
mod sender;

use std::sync::Arc;

use tonic::metadata::MetadataMap;

use crate::servers::Servers;

pub(crate) use methods::{Extend, Method, Reserve, Settle};
use sender::Sender;

/// The queues of a connection, one per method.
#[derive(Debug)]
pub(crate) struct Coalescing {
    reserve: Sender<Reserve>,
    extend: Sender<Extend>,
    settle: Sender<Settle>,
}

/// The connection and the parts of a request that all calls share.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) servers: Servers,
    pub(crate) metadata: Arc<MetadataMap>,
    /// The largest response to a single call, in bytes.
    pub(crate) max_response_bytes: usize,
}

impl Coalescing {
    pub(crate) fn new(route: &Route) -> Self {
        Self {
            reserve: Sender::new(route.clone()),
            extend: Sender::new(route.clone()),
            settle: Sender::new(route.clone()),
        }
    }
}
