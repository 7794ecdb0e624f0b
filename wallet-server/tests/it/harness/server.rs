//! A server inside the test's process, on a free port.

use std::net::SocketAddr;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use wallet_client::{ClientConfig, WalletClient, v1};
use wallet_server::{App, AppError, Config, EngineCounts, Report};

use super::Database;
use super::eventually::eventually;
use super::names::credits;

/// A running server; stops when dropped.
pub(crate) struct Server {
    pub(crate) database: Database,
    pub(crate) address: SocketAddr,
    /// The address of the metrics.
    pub(crate) monitoring: SocketAddr,
    counts: Box<dyn Fn() -> EngineCounts + Send + Sync>,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), AppError>>,
}

impl Server {
    /// Starts a server with the bundled catalog on this database.
    pub(crate) async fn start(database: Database) -> Self {
        Self::start_with(database, Config::default()).await
    }

    /// Starts a server with this configuration. The harness sets its address and database.
    pub(crate) async fn start_with(database: Database, config: Config) -> Self {
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: database.url.clone(),
            monitoring: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            ..config
        };
        let app = App::build(config).await.expect("the server starts");
        let (address, counts) = (app.address(), Box::new(app.counts()));
        let monitoring = app.monitoring_address().expect("an address of the metrics");
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(app.run(shutdown.clone()));
        Self { database, address, monitoring, counts, shutdown, running }
    }

    /// Restarts the server without wallets in memory, for tests that change rows by hand.
    pub(crate) async fn without_cache(self) -> Self {
        let database = self.database.clone();
        self.stop().await;
        Self::start_with(database, Config { cached_rows: 0, ..Config::default() }).await
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client that retries as in production.
    pub(crate) async fn client(&self) -> WalletClient {
        WalletClient::connect(ClientConfig::new(self.endpoint())).await.expect("the client connects")
    }

    /// A client and a new wallet with `amount` credits, none if it is 0.
    pub(crate) async fn wallet(&self, id: &str, amount: i64) -> WalletClient {
        let client = self.client().await;
        let create = v1::CreateWalletRequest { wallet_id: id.to_owned(), ..Default::default() };
        client.create_wallet(create).await.expect("the wallet is created");
        if amount > 0 {
            let top_up = v1::TopUpRequest {
                wallet_id: id.to_owned(),
                top_up_id: "first".to_owned(),
                what: Some(v1::top_up_request::What::Amount(credits(amount))),
                ..Default::default()
            };
            client.top_up(top_up).await.expect("the top-up is credited");
        }
        client
    }

    /// The engine's counters since the start.
    pub(crate) fn counts(&self) -> EngineCounts {
        (self.counts)()
    }

    /// Waits until health checks report this status.
    pub(crate) async fn reports(&self, status: ServingStatus) {
        let channel = Endpoint::from_shared(self.endpoint()).expect("a URL").connect().await;
        let mut health = HealthClient::new(channel.expect("the server takes connections"));
        eventually(&format!("health checks report {status:?}"), async || {
            let answer = health.check(HealthCheckRequest::default()).await.expect("an answer").into_inner();
            if answer.status() == status { Ok(()) } else { Err(answer) }
        })
        .await;
    }

    /// The report of `verify` on this database.
    pub(crate) async fn verify(&self) -> Report {
        wallet_server::verify(&self.database.url).await.expect("the ledger can be read")
    }

    /// Stops gracefully and waits for the end.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.running).await.expect("the server's task").expect("the server stops cleanly");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
