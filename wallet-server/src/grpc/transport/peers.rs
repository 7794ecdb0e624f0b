//! The record of all connections, and the choice of the one to close when there are too many connections or unread
//! bytes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::CertificateKey;
use crate::settings::Limits;

/// The peer of one connection.
#[derive(Debug)]
pub(crate) struct Peer {
    number: u64,
    peers: Arc<Shared>,
    /// The address by which connections are counted.
    address: IpAddr,
    /// True: its first bytes have come, after the TLS handshake.
    has_begun: AtomicBool,
    /// The number of calls whose replies have not been read.
    calls: AtomicUsize,
    /// The bytes of replies that have not been read.
    unread: AtomicUsize,
    /// The end of the last call, in milliseconds since `Shared::start`.
    active: AtomicU64,
    /// The instant since which writes have waited for the peer to read, in milliseconds since `Shared::start`; 0:
    /// they do not wait.
    stalled: AtomicU64,
    closing: AtomicBool,
    /// Closes the connection.
    pub(super) close: CancellationToken,
    /// The permits for calls whose replies are pages.
    pub(crate) pages: Arc<Semaphore>,
    /// The key that the peer's certificate stands for.
    key: OnceLock<CertificateKey>,
}

#[derive(Debug, Clone)]
pub(crate) struct Peers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    start: Instant,
    pages_per_connection: usize,
    /// The most connections whose first bytes have not come.
    most_half_open: usize,
    half_open: AtomicUsize,
    /// The most bytes that may be unread by all peers together.
    unread_bytes: usize,
    unread: AtomicUsize,
    numbers: AtomicU64,
    peers: Mutex<HashMap<u64, Arc<Peer>>>,
}

/// A connection, which is removed from the record when this is dropped.
#[derive(Debug)]
pub(super) struct Connected(pub(super) Arc<Peer>);

/// A call of a peer, which counts until this is dropped.
#[derive(Debug)]
pub(crate) struct PeerCall {
    peer: Arc<Peer>,
    /// The bytes of the last frame of the reply, which count as unread.
    unread: usize,
}

impl Peers {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Shared {
            start: Instant::now(),
            pages_per_connection: limits.pages_per_connection,
            most_half_open: limits.half_open,
            half_open: AtomicUsize::new(0),
            unread_bytes: limits.unread_bytes,
            unread: AtomicUsize::new(0),
            numbers: AtomicU64::new(0),
            peers: Mutex::new(HashMap::new()),
        }))
    }

    /// Adds a connection from an address. If too many have not begun, closes the oldest of those.
    pub(super) fn connect(&self, address: IpAddr) -> Connected {
        let peer = Arc::new(Peer {
            number: self.0.numbers.fetch_add(1, Ordering::Relaxed),
            address: counted_as(address),
            has_begun: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            unread: AtomicUsize::new(0),
            active: AtomicU64::new(self.0.millis()),
            stalled: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            close: CancellationToken::new(),
            pages: Arc::new(Semaphore::new(self.0.pages_per_connection)),
            key: OnceLock::new(),
            peers: Arc::clone(&self.0),
        });
        self.0.locked().insert(peer.number, Arc::clone(&peer));
        if self.0.half_open.fetch_add(1, Ordering::Relaxed) >= self.0.most_half_open {
            self.0.close_the_oldest_half_open();
        }
        Connected(peer)
    }

    /// Returns a peer without a connection.
    #[cfg(test)]
    pub(crate) fn alone(&self) -> Arc<Peer> {
        Arc::clone(&self.connect(IpAddr::from([127, 0, 0, 1])).0)
    }

    /// Returns the number of connections.
    pub(super) fn count(&self) -> usize {
        self.0.locked().len()
    }

    /// Returns the number of connections from an address that stay open.
    pub(super) fn count_of(&self, address: IpAddr) -> usize {
        let address = counted_as(address);
        self.0.locked().values().filter(|peer| peer.address == address && !peer.is_closing()).count()
    }

    /// Returns the number of connections with calls in progress and the number of those calls.
    pub(super) fn busy(&self) -> (usize, usize) {
        let peers = self.0.locked();
        let calls = peers.values().map(|peer| peer.calls.load(Ordering::Relaxed)).filter(|calls| *calls > 0);
        calls.fold((0, 0), |(connections, all), calls| (connections + 1, all + calls))
    }

    /// Closes the connection that has been without a call for the longest time, of those from an address if one is
    /// given. `false`: all have calls in progress.
    pub(super) fn close_the_most_idle(&self, address: Option<IpAddr>) -> bool {
        let (peers, address) = (self.0.locked(), address.map(counted_as));
        let idle = peers
            .values()
            .filter(|peer| address.is_none_or(|address| peer.address == address))
            .filter(|peer| peer.calls.load(Ordering::Relaxed) == 0 && !peer.is_closing());
        let found = idle.min_by_key(|peer| peer.active.load(Ordering::Relaxed));
        found.inspect(|peer| peer.hang_up()).is_some()
    }

    /// Closes all connections.
    pub(super) fn close_all(&self) {
        self.0.locked().values().for_each(|peer| peer.hang_up());
    }
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, HashMap<u64, Arc<Peer>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the milliseconds since the start, at least 1.
    fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn since(&self, millis: u64) -> Duration {
        Duration::from_millis(self.millis().saturating_sub(millis))
    }

    /// Closes the oldest connection whose first bytes have not come.
    fn close_the_oldest_half_open(&self) {
        let peers = self.locked();
        let waiting =
            peers.values().filter(|peer| !peer.has_begun.load(Ordering::Relaxed) && !peer.is_closing());
        if let Some(oldest) = waiting.min_by_key(|peer| peer.number) {
            tracing::debug!(limit = self.most_half_open, "a connection is closed: too many have not begun");
            oldest.hang_up();
        }
    }

    /// Closes the connection with the most unread bytes, unless those that are closing already free enough.
    fn close_the_greediest(&self) {
        let peers = self.locked();
        let closing = peers.values().filter(|peer| peer.is_closing());
        let freed: usize = closing.map(|peer| peer.unread.load(Ordering::Relaxed)).sum();
        if self.unread.load(Ordering::Relaxed).saturating_sub(freed) <= self.unread_bytes {
            return;
        }
        let open = peers.values().filter(|peer| !peer.is_closing());
        if let Some(peer) = open.max_by_key(|peer| peer.unread.load(Ordering::Relaxed)) {
            tracing::warn!(
                unread_bytes = peer.unread.load(Ordering::Relaxed),
                limit = self.unread_bytes,
                "too many bytes of replies are unread; the connection with the most unread bytes is closed"
            );
            peer.hang_up();
        }
    }
}

impl Peer {
    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Notes that the first bytes of the connection have come.
    pub(super) fn record_begin(&self) {
        if !self.has_begun.swap(true, Ordering::Relaxed) {
            self.peers.half_open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn hang_up(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.close.cancel();
    }

    /// Notes the key that the peer's certificate stands for.
    pub(super) fn record_key(&self, key: Option<CertificateKey>) {
        if let Some(key) = key {
            self.key.get_or_init(|| key);
        }
    }

    /// Returns the key that the peer's certificate stands for. `None` also after the certificate has expired.
    pub(crate) fn key(&self) -> Option<&CertificateKey> {
        self.key.get().filter(|key| Instant::now() < key.end)
    }

    /// Returns the instant at which the certificate expires that stands for a key.
    pub(super) fn certificate_end(&self) -> Option<Instant> {
        self.key.get().map(|key| key.end)
    }

    /// Counts a call until the returned value is dropped.
    pub(crate) fn begin_call(self: &Arc<Self>) -> PeerCall {
        self.calls.fetch_add(1, Ordering::Relaxed);
        PeerCall { peer: Arc::clone(self), unread: 0 }
    }

    /// Returns the time since the last call; `None` while there is one.
    pub(super) fn idle(&self) -> Option<Duration> {
        let idle = self.calls.load(Ordering::Relaxed) == 0;
        idle.then(|| self.peers.since(self.active.load(Ordering::Relaxed)))
    }

    /// Returns the time for which writes have waited for the peer to read.
    pub(super) fn stalled(&self) -> Duration {
        match self.stalled.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => self.peers.since(since),
        }
    }

    /// Records that a write went through, or waits for the peer to read.
    pub(super) fn record_write(&self, went_through: bool) {
        if went_through {
            self.stalled.store(0, Ordering::Relaxed);
        } else {
            let now = self.peers.millis();
            let _ = self.stalled.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

impl PeerCall {
    /// Notes the bytes of the next frame of the reply, which the peer has to read. The peer has made room for the
    /// frames before.
    pub(crate) fn record_unread(&mut self, bytes: usize) {
        self.forget_unread();
        self.unread = bytes;
        self.peer.unread.fetch_add(bytes, Ordering::Relaxed);
        let shared = &self.peer.peers;
        if shared.unread.fetch_add(bytes, Ordering::Relaxed) + bytes > shared.unread_bytes {
            shared.close_the_greediest();
        }
    }

    fn forget_unread(&self) {
        self.peer.unread.fetch_sub(self.unread, Ordering::Relaxed);
        self.peer.peers.unread.fetch_sub(self.unread, Ordering::Relaxed);
    }
}

impl Drop for PeerCall {
    fn drop(&mut self) {
        self.forget_unread();
        self.peer.active.store(self.peer.peers.millis(), Ordering::Relaxed);
        self.peer.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.record_begin();
        self.0.peers.locked().remove(&self.0.number);
    }
}

/// Returns the address by which connections are counted: that of IPv4, or the network of IPv6, because a peer has all
/// addresses of its network.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyId;

    /// An address that many peers have.
    const SOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_connection_with_the_most_unread_bytes_is_closed_and_frees_them() {
        let peers = Peers::new(&Limits { unread_bytes: 100, ..Limits::default() });
        let (good, greedy) = (peers.connect(SOME), peers.connect(SOME));
        let (mut small, mut large) = (good.0.begin_call(), greedy.0.begin_call());
        small.record_unread(30);
        large.record_unread(60);
        assert!(!greedy.0.close.is_cancelled());
        small.record_unread(45);
        assert!(greedy.0.close.is_cancelled() && !good.0.close.is_cancelled());
        drop((large, greedy));
        let mut next = good.0.begin_call();
        next.record_unread(55);
        assert!(!good.0.close.is_cancelled());
        assert_eq!((peers.count(), peers.busy()), (1, (1, 2)));
        drop((small, next));
        assert_eq!(peers.busy(), (0, 0));
    }

    #[test]
    fn a_connection_that_is_closing_frees_its_bytes_before_another_is_closed() {
        let peers = Peers::new(&Limits { unread_bytes: 100, ..Limits::default() });
        let (good, large, largest) = (peers.connect(SOME), peers.connect(SOME), peers.connect(SOME));
        let (mut small, mut more, mut most) =
            (good.0.begin_call(), large.0.begin_call(), largest.0.begin_call());
        more.record_unread(40);
        most.record_unread(61);
        assert!(largest.0.close.is_cancelled());
        small.record_unread(1);
        assert!(!large.0.close.is_cancelled(), "41 bytes are left");
        small.record_unread(61);
        assert!(good.0.close.is_cancelled() && !large.0.close.is_cancelled());
    }

    #[test]
    fn a_stream_that_is_read_counts_with_its_last_frame_only() {
        let peers = Peers::new(&Limits { unread_bytes: 100, ..Limits::default() });
        let watcher = peers.connect(SOME);
        let mut stream = watcher.0.begin_call();
        for _ in 0..50 {
            stream.record_unread(60);
        }
        assert!(!watcher.0.close.is_cancelled());
        watcher.0.begin_call().record_unread(60);
        assert!(watcher.0.close.is_cancelled(), "the last frame and another reply");
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_stands_for_its_key_until_its_end() {
        let peer = Peers::new(&Limits::default()).connect(SOME);
        let key = KeyId::parse("aaaaaaaaaa").unwrap();
        let end = Instant::now() + Duration::from_secs(2);
        peer.0.record_key(Some(CertificateKey { key, end }));
        tokio::time::advance(Duration::from_millis(1_999)).await;
        assert!(peer.0.key().is_some());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(peer.0.key().is_none(), "also on a connection that stays open");
    }

    #[test]
    fn the_most_idle_connection_makes_room_and_none_with_a_call() {
        let peers = Peers::new(&Limits::default());
        let (busy, idle) = (peers.connect(SOME), peers.connect(SOME));
        let _call = busy.0.begin_call();
        assert!(peers.close_the_most_idle(None));
        assert!(idle.0.close.is_cancelled() && !busy.0.close.is_cancelled());
        assert!(!peers.close_the_most_idle(None), "the idle one is closed already");
    }

    #[test]
    fn an_address_makes_room_by_its_own_connections_alone() {
        let peers = Peers::new(&Limits::default());
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let other = peers.connect(address("10.0.0.2"));
        let mine = ["10.0.0.1", "::ffff:10.0.0.1"].map(|text| peers.connect(address(text)));
        assert_eq!((peers.count_of(address("10.0.0.1")), peers.count_of(address("10.0.0.3"))), (2, 0));
        let _call = mine[0].0.begin_call();
        assert!(peers.close_the_most_idle(Some(address("10.0.0.1"))));
        assert!(mine[1].0.close.is_cancelled());
        assert_eq!(peers.count_of(address("10.0.0.1")), 1, "it is closing");
        assert!(!peers.close_the_most_idle(Some(address("10.0.0.1"))), "the other has a call");
        assert!(!other.0.close.is_cancelled());
        let _six = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"].map(|text| peers.connect(address(text)));
        assert_eq!(peers.count_of(address("2001:db8:1:2::77")), 2, "a network of IPv6");
        assert_eq!(peers.count_of(address("2001:db8:1:3::1")), 0);
    }

    #[test]
    fn the_oldest_connection_that_has_not_begun_makes_room_for_the_next() {
        let peers = Peers::new(&Limits { half_open: 2, ..Limits::default() });
        let begun = peers.connect(SOME);
        begun.0.record_begin();
        let waiting = [(); 2].map(|()| peers.connect(SOME));
        assert!(waiting.iter().all(|peer| !peer.0.close.is_cancelled()));
        let _next = peers.connect(SOME);
        assert!(waiting[0].0.close.is_cancelled());
        assert!(!waiting[1].0.close.is_cancelled() && !begun.0.close.is_cancelled());
        drop(waiting);
        drop(begun);
        let last = [(); 1].map(|()| peers.connect(SOME));
        assert!(!last[0].0.close.is_cancelled(), "connections that have ended do not count");
    }
}
