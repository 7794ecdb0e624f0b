//! An unreliable network: a proxy that loses answers, resets connections in the middle of a frame, silences them, and
//! delays. A seed decides the fate of each chunk of bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wallet_workload::Rng;

/// The time until a silenced connection is reset, as an operating system does much later.
const SILENCE: Duration = Duration::from_secs(2);

/// A proxy in front of one address. It passes everything until [`Proxy::start_faults`] is called.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    is_faulty: AtomicBool,
    /// Connections with a lower number carry nothing any more, without a notice to either side.
    silenced: AtomicU64,
    seen: Seen,
}

/// Counters of passed and disturbed chunks.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    connections: AtomicU64,
    chunks: AtomicU64,
    lost_answers: AtomicU64,
    resets: AtomicU64,
    silences: AtomicU64,
    delays: AtomicU64,
}

/// The fate of a chunk of bytes.
enum Fate {
    Passes,
    Delayed(Duration),
    /// Dropped: an answer that never arrives although the call was executed.
    Lost,
    /// This many of its bytes pass, then the connection is reset.
    Torn(usize),
    /// Nothing passes on this connection any more, without a notice to either side.
    Silent,
}

impl Proxy {
    pub(crate) async fn start(upstream: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared: Arc<Shared> = Arc::default();
        let of_connections = shared.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let shared = of_connections.clone();
                let number = shared.seen.connections.fetch_add(1, Ordering::Relaxed);
                let chance = Rng::new(seed, number);
                tokio::spawn(async move {
                    // The connection is dropped if the upstream does not listen.
                    if let Ok(far) = TcpStream::connect(upstream).await {
                        let _ = carry(near, far, &shared, number, chance).await;
                    }
                });
            }
        });
        Self { address, shared, accepting }
    }

    /// Lets faults happen from now on, on open connections too.
    pub(crate) fn start_faults(&self) {
        self.shared.is_faulty.store(true, Ordering::Relaxed);
    }

    /// Silences all open connections permanently, as if the remote machine had disappeared. New connections work.
    pub(crate) fn silence(&self) {
        let opened = self.shared.seen.connections.load(Ordering::Relaxed);
        self.shared.silenced.store(opened, Ordering::Relaxed);
    }

    /// Lets everything pass from now on.
    pub(crate) fn stop_faults(&self) {
        self.shared.is_faulty.store(false, Ordering::Relaxed);
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.shared.seen
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Seen {
    /// The number of chunks, answers lost, connections reset in mid-frame, connections silenced, and delays.
    pub(crate) fn figures(&self) -> [u64; 5] {
        [&self.chunks, &self.lost_answers, &self.resets, &self.silences, &self.delays]
            .map(|n| n.load(Ordering::Relaxed))
    }
}

/// Carries bytes in both directions until one side closes or a fault ends the connection.
async fn carry(
    mut near: TcpStream,
    mut far: TcpStream,
    shared: &Shared,
    number: u64,
    mut chance: Rng,
) -> std::io::Result<()> {
    for side in [&near, &far] {
        side.set_nodelay(true)?;
    }
    let (mut asked, mut answered) = ([0; 4096], [0; 4096]);
    loop {
        let (to, chunk, is_answer) = tokio::select! {
            n = near.read(&mut asked) => (&mut far, &asked[..n?], false),
            n = far.read(&mut answered) => (&mut near, &answered[..n?], true),
        };
        if number < shared.silenced.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if chunk.is_empty() {
            return to.shutdown().await;
        }
        shared.seen.chunks.fetch_add(1, Ordering::Relaxed);
        match fate(shared, &mut chance, chunk.len(), is_answer) {
            Fate::Passes => to.write_all(chunk).await?,
            Fate::Delayed(by) => {
                tokio::time::sleep(by).await;
                to.write_all(chunk).await?;
            }
            Fate::Lost => return reset(&near, &far),
            Fate::Torn(bytes) => {
                to.write_all(&chunk[..bytes]).await?;
                return reset(&near, &far);
            }
            Fate::Silent => {
                let hears_nothing = async { while near.read(&mut asked).await.is_ok_and(|n| n > 0) {} };
                let _ = tokio::time::timeout(SILENCE, hears_nothing).await;
                return reset(&near, &far);
            }
        }
    }
}

fn fate(shared: &Shared, chance: &mut Rng, bytes: usize, is_answer: bool) -> Fate {
    if !shared.is_faulty.load(Ordering::Relaxed) {
        return Fate::Passes;
    }
    let seen = &shared.seen;
    let (fate, counter) = match chance.within(0, 999) {
        0..10 if is_answer => (Fate::Lost, &seen.lost_answers),
        10..15 => {
            let some = usize::try_from(chance.within(0, 4096)).unwrap_or(0) % bytes;
            (Fate::Torn(some), &seen.resets)
        }
        15..17 => (Fate::Silent, &seen.silences),
        17..80 => {
            (Fate::Delayed(Duration::from_micros(chance.within(0, 5_000).unsigned_abs())), &seen.delays)
        }
        _ => return Fate::Passes,
    };
    counter.fetch_add(1, Ordering::Relaxed);
    fate
}

/// Closes both connections with RST instead of an orderly end.
#[expect(deprecated, reason = "a linger of zero does not block")]
fn reset(near: &TcpStream, far: &TcpStream) -> std::io::Result<()> {
    near.set_linger(Some(Duration::ZERO))?;
    far.set_linger(Some(Duration::ZERO))
}
