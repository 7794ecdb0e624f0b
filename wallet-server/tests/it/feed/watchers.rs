//! Watchers of the feed and of a wallet whose connections are cut, and many of them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use wallet_client::{FeedWatch, WalletClient, v1};

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
}

impl Cut {
    /// After more bytes than the largest message of a hundred items.
    const AFTER_PAGES: Self = Self { bytes: 50_000, quiet: SOON };
    /// After a few balances, or between two of them.
    const AFTER_BALANCES: Self = Self { bytes: 2_000, quiet: Duration::from_millis(50) };
}

/// Starts a proxy that cuts each connection.
async fn cutting(upstream: SocketAddr, cut: Cut) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(carry(near, upstream, cut));
        }
    });
    address
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

async fn next(watch: &mut FeedWatch) -> v1::FeedItem {
    timeout(SOON, watch.next()).await.expect("an item comes soon").unwrap()
}

/// Gives this many grants to a new wallet. With the wallet itself, the feed has one item more.
async fn give(server: &Server, grants: usize) {
    let client = server.wallet("ann", 0).await;
    for n in 0..grants {
        client.grant(gift("ann", &format!("g{n}"), credits(1))).await.unwrap();
    }
}

each_database! {
    async fn a_watch_over_connections_that_are_cut_misses_nothing(server: Server) {
        let proxy = cutting(server.address, Cut::AFTER_PAGES).await;
        let client = WalletClient::connect_lazy(format!("http://{proxy}")).unwrap();
        let mut watch = client.watch_feed(v1::WatchFeedRequest::new(0));
        let watching = tokio::spawn(async move {
            for position in 1..=601 {
                assert_eq!(next(&mut watch).await.position, position);
            }
        });
        give(&server, 600).await;
        watching.await.unwrap();
    }

    async fn a_watch_of_a_wallet_over_connections_that_are_cut_sees_the_last_state(server: Server) {
        let proxy = cutting(server.address, Cut::AFTER_BALANCES).await;
        let client = WalletClient::connect_lazy(format!("http://{proxy}")).unwrap();
        let mut watch = client.watch_wallet(v1::WatchWalletRequest::new("ann"));
        server.wallet("ann", 0).await;
        let watching = tokio::spawn(async move {
            let mut revision = 0;
            while revision < 301 {
                let balance = timeout(SOON, watch.next()).await.expect("it comes soon").unwrap();
                assert!(balance.revision > revision, "a state comes once, and none after a later one");
                revision = balance.revision;
            }
        });
        for n in 0..300 {
            server.client().await.grant(gift("ann", &format!("g{n}"), credits(1))).await.unwrap();
        }
        watching.await.unwrap();
    }

    async fn a_thousand_watchers_see_every_item(server: Server) {
        let mut watchers = JoinSet::new();
        for _ in 0..20 {
            let client = server.client().await;
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
