//! Watchers of the feed and of a wallet whose connections are cut, and many of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use wallet_client::{FeedWatch, RetryPolicy, WalletClient, v1};

use crate::harness::{Server, credits};
use crate::shorthand::gift;

/// The time within which an item must come.
const SOON: Duration = Duration::from_secs(60);

/// The point at which a connection is cut.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// The most bytes from the server.
    bytes: usize,
    /// The longest time without a byte from the server.
    quiet: Duration,
    /// The longest time of a connection.
    age: Duration,
}

impl Cut {
    /// After more bytes than the largest message of a hundred items.
    const AFTER_PAGES: Self = Self { bytes: 50_000, quiet: SOON, age: SOON };
    /// After a few balances, or between two of them.
    const AFTER_BALANCES: Self = Self { bytes: 2_000, quiet: Duration::from_millis(50), age: SOON };
    const EVERY_SECOND: Self = Self { bytes: usize::MAX, quiet: SOON, age: Duration::from_secs(1) };
}

/// Starts a proxy that cuts each connection. Returns its address and the number of connections that have ended.
async fn cutting(upstream: SocketAddr, cut: Cut) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, cuts) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = cuts.clone();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let cuts = cuts.clone();
            tokio::spawn(async move {
                _ = timeout(cut.age, carry(near, upstream, cut)).await;
                cuts.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    (address, counted)
}

async fn carry(mut near: TcpStream, upstream: SocketAddr, cut: Cut) -> std::io::Result<()> {
    let mut far = TcpStream::connect(upstream).await?;
    let (mut from_caller, mut to_caller) = near.split();
    let (mut from_server, mut to_server) = far.split();
    let down = async {
        let (mut left, mut buffer) = (cut.bytes, [0; 4_096]);
        while left > 0 {
            let n = match timeout(cut.quiet, from_server.read(&mut buffer)).await {
                Ok(Ok(0)) | Err(_) => break,
                Ok(read) => read?,
            };
            to_caller.write_all(&buffer[..n]).await?;
            left = left.saturating_sub(n);
        }
        Ok(0)
    };
    tokio::select! {
        ended = copy(&mut from_caller, &mut to_server) => ended,
        ended = down => ended,
    }
    .map(|_| ())
}

/// The connections that a proxy cuts before a test ends.
const CUTS: usize = 5;

/// Returns a client that goes on for as long as an item may take, so that a busy machine fails no test.
fn patient(client: &WalletClient) -> WalletClient {
    client.with_retry(RetryPolicy::default().attempts(usize::MAX).budget(SOON))
}

async fn next(watch: &mut FeedWatch) -> v1::FeedItem {
    timeout(SOON, watch.next()).await.expect("an item comes soon").unwrap()
}

/// Gives this many grants to a new wallet. With the wallet itself, the feed has one item more.
async fn give(server: &Server, grants: usize) {
    let client = patient(&server.wallet("ann", 0).await);
    for n in 0..grants {
        client.grant(gift("ann", &format!("g{n}"), credits(1))).await.unwrap();
    }
}

each_database! {
    async fn a_watch_over_connections_that_are_cut_misses_nothing(server: Server) {
        let (proxy, _) = cutting(server.address, Cut::AFTER_PAGES).await;
        let client = WalletClient::connect_lazy(format!("http://{proxy}")).unwrap();
        let mut watch = patient(&client).watch_feed(v1::WatchFeedRequest::new(0));
        let watching = tokio::spawn(async move {
            for position in 1..=601 {
                assert_eq!(next(&mut watch).await.position, position);
            }
        });
        give(&server, 600).await;
        watching.await.unwrap();
    }

    async fn a_watch_over_connections_that_are_cut_every_second_misses_nothing(server: Server) {
        let (proxy, cuts) = cutting(server.address, Cut::EVERY_SECOND).await;
        let client = WalletClient::connect_lazy(format!("http://{proxy}")).unwrap();
        let mut watch = patient(&client).watch_feed(v1::WatchFeedRequest::new(0));
        let creator = patient(&server.client().await);
        let mut position = 0;
        // Items come until several connections have been cut, faster than the watcher takes them.
        while cuts.load(Ordering::Relaxed) < CUTS {
            for n in 0..2 {
                let request = v1::CreateWalletRequest::new(format!("w-{position}-{n}"));
                creator.create_wallet(request).await.unwrap();
            }
            position += 1;
            assert_eq!(next(&mut watch).await.position, position);
        }
        for position in position + 1..=2 * position {
            assert_eq!(next(&mut watch).await.position, position);
        }
    }

    async fn a_watch_of_a_wallet_over_connections_that_are_cut_sees_the_last_state(server: Server) {
        let (proxy, _) = cutting(server.address, Cut::AFTER_BALANCES).await;
        let client = WalletClient::connect_lazy(format!("http://{proxy}")).unwrap();
        let mut watch = patient(&client).watch_wallet(v1::WatchWalletRequest::new("ann"));
        server.wallet("ann", 0).await;
        let watching = tokio::spawn(async move {
            let mut revision = 0;
            while revision < 301 {
                let balance = timeout(SOON, watch.next()).await.expect("it comes soon").unwrap();
                assert!(balance.revision > revision, "a state comes once, and none after a later one");
                revision = balance.revision;
            }
        });
        let client = patient(&server.client().await);
        for n in 0..300 {
            client.grant(gift("ann", &format!("g{n}"), credits(1))).await.unwrap();
        }
        watching.await.unwrap();
    }

    async fn a_thousand_watchers_see_every_item(server: Server) {
        let mut watchers = JoinSet::new();
        for _ in 0..20 {
            let client = patient(&server.client().await);
            for _ in 0..50 {
                let mut watch = client.watch_feed(v1::WatchFeedRequest::new(0));
                watchers.spawn(async move {
                    for position in 1..=4 {
                        assert_eq!(next(&mut watch).await.position, position);
                    }
                });
            }
        }
        give(&server, 3).await;
        watchers.join_all().await;
    }
}
