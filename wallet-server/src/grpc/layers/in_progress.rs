//! The calls in progress and their number. A call counts until its reply has been read, see [`super::reply`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Purpose;
use crate::grpc::transport::{Peer, PeerCall};

/// The method that streams the health of the server.
pub(crate) const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
/// The most watchers of the health.
const HEALTH_WATCHERS: usize = 256;

/// The places for calls in progress.
#[derive(Debug)]
pub(crate) struct CallPlaces {
    most: usize,
    taken: AtomicUsize,
    /// The permits for watchers of the health, who need no key.
    health: Arc<Semaphore>,
}

/// A call in progress. Its places are free again when this is dropped.
#[derive(Debug)]
pub(crate) struct InProgress {
    /// The call as its connection counts it. `None` in tests without a connection.
    of_peer: Option<PeerCall>,
    _place: CallPlace,
    /// The permit of a call whose reply is a page or watches the health.
    _permit: Option<OwnedSemaphorePermit>,
}

/// One of the places.
#[derive(Debug)]
struct CallPlace(Arc<CallPlaces>);

impl CallPlaces {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicUsize::new(0), health: Arc::new(Semaphore::new(HEALTH_WATCHERS)) })
    }

    fn take(self: &Arc<Self>, purpose: Purpose) -> Option<CallPlace> {
        let place = CallPlace(Arc::clone(self));
        (self.taken.fetch_add(1, Ordering::Relaxed) < purpose.places(self.most)).then_some(place)
    }
}

impl Drop for CallPlace {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl InProgress {
    /// Counts a call to the method with this path. `None` if the server, or the part of it for such calls, is full. A
    /// call whose reply is a page waits for the other pages of its peer.
    pub(crate) async fn begin(
        places: &Arc<CallPlaces>,
        peer: Option<&Arc<Peer>>,
        path: &str,
    ) -> Option<Self> {
        let place = places.take(Purpose::of(path))?;
        let of_peer = peer.map(Peer::begin_call);
        let permit = match peer.filter(|_| answers_with_a_page(path)) {
            Some(peer) => Arc::clone(&peer.pages).acquire_owned().await.ok(),
            None if path == HEALTH_WATCH => Some(Arc::clone(&places.health).try_acquire_owned().ok()?),
            None => None,
        };
        Some(Self { of_peer, _place: place, _permit: permit })
    }

    /// Notes the bytes of the next frame of the reply, which the peer has not read.
    pub(super) fn record_unread(&mut self, bytes: usize) {
        if let Some(call) = &mut self.of_peer {
            call.record_unread(bytes);
        }
    }
}

/// Returns whether the replies of a method may have megabytes.
fn answers_with_a_page(path: &str) -> bool {
    let (service, method) = path.rsplit_once('/').unwrap_or_default();
    let many = ["List", "Summarize", "GetPriceTable", "GetCatalog"];
    let is_long = method.ends_with("Many") || many.iter().any(|name| method.starts_with(name));
    is_long || service.starts_with("/grpc.reflection.")
}
