//! Hostile clients on real sockets, while a well-behaved client is served.
//!
//! The server runs as a separate process, so that its memory, its log and its descriptors can be inspected.

mod attacks;
mod connections;
mod messages;
mod replies;

use std::time::Duration;

use wallet_client::{ClientConfig, WalletClient, v1};

use crate::harness::{Database, Process, video};

/// A server with the wallet `good` of 1,000,000 credits.
struct Besieged {
    server: Process,
    good: WalletClient,
    _database: Database,
}

impl Besieged {
    async fn start(server: impl FnOnce(&Database) -> Process) -> Self {
        Self::start_as(server, |server| ClientConfig::new(server.endpoint())).await
    }

    async fn start_as(
        server: impl FnOnce(&Database) -> Process,
        config: impl FnOnce(&Process) -> ClientConfig,
    ) -> Self {
        let database = Database::sqlite();
        let server = server(&database);
        let good = WalletClient::connect(config(&server)).await.unwrap();
        let create = v1::CreateWalletRequest { wallet_id: "good".into(), ..Default::default() };
        good.create_wallet(create).await.unwrap();
        good.top_up(v1::TopUpRequest::amount("good", "first", v1::Amount::new("credits", 1_000_000)))
            .await
            .unwrap();
        Self { server, good, _database: database }
    }

    fn address(&self) -> &str {
        &self.server.address
    }

    /// Connects a new client and runs a whole job.
    async fn serves_a_newcomer(&self, id: &str) {
        let newcomer = WalletClient::connect(ClientConfig::new(self.server.endpoint())).await.unwrap();
        does_a_job(&newcomer, id).await;
    }
}

async fn does_a_job(client: &WalletClient, id: &str) {
    client.reserve(v1::ReserveRequest::new("good", id, video("5"))).await.unwrap();
    let settle = v1::SettleRequest {
        wallet_id: "good".into(),
        reservation_id: id.into(),
        outcome: Some(v1::settle_request::Outcome::Succeeded(v1::Succeeded::usage([("duration_s", "4")]))),
        ..Default::default()
    };
    client.settle(settle).await.unwrap();
}

/// Waits for an event that happens soon, or never because of a fault. Panics after 60 seconds.
async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), event).await.expect("this should have happened")
}
