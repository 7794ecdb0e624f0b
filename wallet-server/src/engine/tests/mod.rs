//! Tests of the lane on a real database, without gRPC.

mod cancelled;
mod conflicts;
mod due;
mod due_speed;
mod flood;
mod hot_wallet;
mod journal;
mod log;
mod migrated;
mod neighbours;
mod optimistic;
mod order;
mod reads;
mod sequencers;
mod silent;
mod suspended;
mod tenants;
mod traces;
mod verify_speed;

use std::sync::Arc;

use sea_orm::{ConnectOptions, DatabaseConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use wallet_core::{Author, Command, Reply, TenantId, WalletId, WalletKey};

use super::EngineConfig;
use super::admission::Admission;
use super::lane::Lane;
use super::queued_command::{Answer, CommandRequest, QueuedCommand};
use crate::catalogs::PublishedCatalogs;
use crate::clock::Clock;
use crate::postgres::Postgres;
use crate::query::Queries;
use crate::store::Store;

/// A database of one test. A SQLite file is deleted with its folder.
struct Database {
    url: String,
    _folder: Option<TempDir>,
}

impl Database {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { url: format!("sqlite://{}/wallet.db", folder.path().display()), _folder: Some(folder) }
    }

    fn postgres() -> Self {
        Self { url: Postgres::shared().create_database(), _folder: None }
    }

    /// Opens a lane on the database, under this catalog.
    async fn lane(&self, clock: &Clock, catalog: &str) -> Lane {
        self.lane_with(clock, catalog, &EngineConfig::default()).await
    }

    /// Opens a lane with a configuration.
    async fn lane_with(&self, clock: &Clock, catalog: &str, config: &EngineConfig) -> Lane {
        let store = Store::open(&self.url).await.unwrap();
        store.migrate().await.unwrap();
        let catalogs = PublishedCatalogs::open(store.clone(), clock.clone(), None, catalog).await.unwrap();
        Lane::open(0, &store, &catalogs, clock, config, Arc::default()).await.unwrap()
    }

    /// Returns the name of the database product.
    fn name(&self) -> &'static str {
        if self.url.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" }
    }

    /// Asserts that the ledger has no problems, and returns its digest.
    async fn verify(&self) -> String {
        let report = crate::verify::verify(&self.url).await.unwrap();
        assert!(report.is_clean(), "{report}");
        report.digest
    }
}

/// Opens a session of its own on a database, as no server does.
async fn session(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    // Otherwise sqlx 0.9.0 runs a task that closes old connections and can spin forever (sqlx issue 3645).
    options.idle_timeout(None).max_lifetime(None).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}

/// Returns the reads of a lane's database.
fn queries(lane: &Lane, clock: &Clock) -> Queries {
    let (store, catalogs) = (lane.runner.store.clone(), lane.runner.catalogs.clone());
    Queries::start(store, clock.clone(), catalogs, 1_000, &TaskTracker::new())
}

/// Runs a batch to its end, in as many steps as that takes.
async fn run(lane: &mut Lane, batch: &[(WalletId, Command)]) -> Vec<Reply> {
    let mut replies: Vec<Option<Reply>> = vec![None; batch.len()];
    while replies.contains(&None) {
        let left: Vec<usize> = (0..batch.len()).filter(|n| replies[*n].is_none()).collect();
        let step: Vec<_> = left.iter().map(|n| batch[*n].clone()).collect();
        for (n, reply) in left.into_iter().zip(lane.runner.run_batch(&queued(&step), false).await.unwrap()) {
            replies[n] = reply.map(Result::unwrap);
        }
    }
    replies.into_iter().flatten().collect()
}

fn queued(batch: &[(WalletId, Command)]) -> Vec<QueuedCommand> {
    queued_with_answers(batch).0
}

/// Returns commands for a lane's queue, and the receivers of their answers.
fn queued_with_answers(
    batch: &[(WalletId, Command)],
) -> (Vec<QueuedCommand>, Vec<oneshot::Receiver<Answer>>) {
    let admission = Admission::new(&EngineConfig::default());
    let queue = |(wallet, command): &(WalletId, Command)| {
        let (tenant, wallet, command) = (TenantId::DEFAULT, wallet.clone(), command.clone());
        let key = WalletKey::new(tenant, &wallet);
        let request = CommandRequest { tenant, wallet, command, author: Author::system(), deadline: None };
        QueuedCommand::admit(request, key, &admission).unwrap()
    };
    batch.iter().map(queue).unzip()
}
