//! The database's machine disappears without closing its connections: they stay open and silent. No caller waits long
//! for them, and none of them is used again.

use std::time::Duration;

use tokio::task::JoinSet;
use wallet_client::{RetryPolicy, WalletClient, v1};
use wallet_server::Config;

use crate::harness::{Database, Proxy, Server};

/// More concurrent reads than there are connections.
const AT_ONCE: usize = 24;
/// A busy machine needs this long to open connections again. A read that waited for a silent one would need minutes.
const PATIENCE: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_continue_after_all_database_connections_went_silent() {
    let database = Database::postgres();
    let between = Proxy::start(database.address(), 0).await;
    let config = Config { database_timeout: Duration::from_secs(1), ..Config::default() };
    let server = Server::start_with(database.by_way_of(between.address), config).await;
    // The client retries where the server answers that it could not read.
    let client =
        server.wallet("ann", 100).await.with_retry(RetryPolicy::default().attempts(20).budget(PATIENCE));
    assert_eq!(served(&client).await, AT_ONCE, "with working connections");
    between.silence();
    let served = tokio::time::timeout(PATIENCE, served(&client)).await.unwrap_or(0);
    assert_eq!(served, AT_ONCE, "with silent connections");
}

/// Reads the balance and the control plane many times concurrently. Returns how many reads were answered.
async fn served(client: &WalletClient) -> usize {
    let mut asking = JoinSet::new();
    for _ in 0..AT_ONCE {
        let client = client.clone();
        asking.spawn(async move {
            let balance = v1::GetBalanceRequest { wallet_id: "ann".to_owned(), ..Default::default() };
            let balance = client.get_balance(balance).await;
            let catalog = client.get_catalog(v1::GetCatalogRequest { version: 99 }).await;
            balance.is_ok()
                && catalog.is_err_and(|error| error.reason() == Some(v1::ErrorReason::CatalogNotFound))
        });
    }
    asking.join_all().await.into_iter().filter(|served| *served).count()
}
