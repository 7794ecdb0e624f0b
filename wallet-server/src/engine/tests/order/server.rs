//! The parts of a server that this test needs: a lane whose database calls hang from time to time, and a reader.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wallet_core::entry::Hash;
use wallet_core::grant::{Grant, GrantKey};
use wallet_core::wallet::Balance;
use wallet_core::{TenantId, UnitId, Wallet, WalletId, WalletKey};
use wallet_workload::Rng;

use super::super::Database;
use super::super::traces::cached_rows;
use super::client::CLIENTS;
use crate::clock::Clock;
use crate::engine::EngineConfig;
use crate::engine::lane::Lane;
use crate::engine::queued_command::QueuedCommand;
use crate::store::failpoints::armed::HANG_AT;
use crate::store::{ReadPlan, Store};

/// One lane, as in a process.
pub(super) struct Server {
    pub(super) door: mpsc::Sender<QueuedCommand>,
    lane: JoinHandle<()>,
    faults: JoinHandle<u64>,
    points: Arc<AtomicI64>,
    reader: JoinHandle<Vec<(WalletId, Seen)>>,
    closing: CancellationToken,
}

/// The value that ends the task of the faults when its server has stopped.
const GONE: i64 = i64::MAX;

/// The part of a wallet that a reader sees as it is stored, without due events.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) version: i64,
    revision: i64,
    head: Hash,
    open_reservations: i64,
    balances: BTreeMap<UnitId, Balance>,
    open_grants: BTreeMap<GrantKey, Grant>,
}

impl Server {
    pub(super) async fn start(
        database: &Database,
        clock: &Clock,
        seed: u64,
        number: usize,
        wallets: &[WalletId],
    ) -> Self {
        let opened = database.lane(clock, wallet_workload::CATALOG).await;
        let config = EngineConfig {
            database_timeout: Duration::from_millis(300),
            batch_max: 12,
            cached_rows: cached_rows(seed, number),
            ..EngineConfig::default()
        };
        let lane =
            Lane::open(number, &opened.runner.store, &opened.runner.catalogs, clock, &config, Arc::default())
                .await
                .unwrap();
        let (door, queue) = mpsc::channel(CLIENTS);
        let points = Arc::new(AtomicI64::new(40));
        let lane = tokio::spawn(HANG_AT.scope(points.clone(), lane.run(queue)));
        let faults = tokio::spawn(stop_the_database(points.clone(), Rng::new(seed, 1_000 + number as u64)));
        let closing = CancellationToken::new();
        let reader =
            tokio::spawn(read(opened.runner.store, clock.clone(), wallets.to_vec(), closing.clone()));
        Self { door, lane, faults, points, reader, closing }
    }

    /// Stops the server. Returns how often its database hung, and what was read from it.
    pub(super) async fn stop(self) -> (u64, Vec<(WalletId, Seen)>) {
        drop(self.door);
        self.lane.await.unwrap();
        self.points.store(GONE, Ordering::Relaxed);
        self.closing.cancel();
        (self.faults.await.unwrap(), self.reader.await.unwrap())
    }
}

/// After each call that hangs, determines which later one will hang, and counts them.
async fn stop_the_database(points: Arc<AtomicI64>, mut rng: Rng) -> u64 {
    let mut faults = 0;
    loop {
        tokio::task::yield_now().await;
        match points.load(Ordering::Relaxed) {
            GONE => return faults,
            left if left < 0 => {
                faults += 1;
                points.store(rng.within(30, 900), Ordering::Relaxed);
            }
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Reads one wallet after the other, and keeps each version that it sees.
async fn read(
    store: Store,
    clock: Clock,
    wallets: Vec<WalletId>,
    closing: CancellationToken,
) -> Vec<(WalletId, Seen)> {
    let mut all = Vec::new();
    let mut last = BTreeMap::new();
    for id in wallets.iter().cycle() {
        if closing.is_cancelled() {
            break;
        }
        let key = WalletKey::new(TenantId::DEFAULT, id);
        let snapshot = store.snapshot().await.unwrap();
        if let Some(wallet) = snapshot.wallet(key, clock.now(), ReadPlan::new(100)).await.unwrap()
            && last.insert(key, wallet.version) != Some(wallet.version)
        {
            all.push((id.clone(), Seen::of(&wallet)));
        }
    }
    all
}

impl Seen {
    pub(super) fn of(wallet: &Wallet) -> Self {
        let open = wallet.grants.iter().filter(|(_, grant)| grant.is_open());
        Self {
            version: wallet.version,
            revision: wallet.revision,
            head: wallet.head,
            open_reservations: wallet.open_reservations,
            balances: wallet.balances.clone(),
            open_grants: open.map(|(key, grant)| (key.clone(), grant.clone())).collect(),
        }
    }
}
