//! A wallet with a long history is served as fast as a new one, at any age of PostgreSQL's statistics.
//!
//! The figures are meaningful only for a long history in a release build, which `cargo xtask hot-wallet` makes.
//! Otherwise the history is short, and the commands only have to succeed.

use std::collections::BTreeMap;

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, EntityTrait, IdenStatic, Iterable};
use wallet_core::decide::{Cost, CreateWallet, Outcome, Purchase, Settle, TopUp};
use wallet_core::{Amounts, Command, TenantId, Timestamp, WalletId, WalletKey};
use wallet_workload::figure;

use super::traces::setting;
use super::verify_speed::{id, job_id, reserve};
use super::{Database, run};
use crate::clock::Clock;
use crate::config::BUNDLED_CATALOG;
use crate::engine::lane::Lane;
use crate::store::tables::{entries as ledger, reservations};

/// Number of entries, unless `WALLET_HOT_ENTRIES` asks for more.
const ENTRIES: u64 = 500;
/// Jobs whose commands are committed together.
const BATCH: u64 = 125;
/// Jobs per measurement. The old and the new wallet take turns.
const JOBS: u64 = 4 * BATCH;
const TURNS: usize = 15;

/// The times of the last update of the statistics.
const STATISTICS: [&str; 3] = ["never", "while empty", "when full"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_with_a_long_history_is_served_like_a_new_one_on_postgres() {
    let entries = setting("WALLET_HOT_ENTRIES").unwrap_or(ENTRIES);
    for statistics in STATISTICS {
        let mut customers = Customers::open(&Database::postgres()).await;
        if statistics == "while empty" {
            customers.analyse().await;
        }
        let (mut old, mut new) = (customers.join("old").await, customers.join("new").await);
        customers.work(&mut old, BATCH).await;
        customers.copy_history(&old, entries).await;
        if statistics == "when full" {
            customers.analyse().await;
        }
        let (mut of_old, mut of_new) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            of_old.push(customers.work(&mut old, JOBS).await);
            of_new.push(customers.work(&mut new, JOBS).await);
        }
        let (slow, fast) = (median(of_old), median(of_new));
        let ratio = format!("{:.2}", slow / fast);
        figure("hot", &[&statistics, &entries, &slow.round(), &fast.round(), &ratio]);
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

struct Customer {
    wallet: WalletId,
    jobs: u64,
}

struct Customers {
    lane: Lane,
    clock: Clock,
    now: Timestamp,
}

impl Customers {
    /// Opens a database in which no vacuum runs unless the test calls it.
    async fn open(database: &Database) -> Self {
        let now = Timestamp::from_micros(1_767_225_600_000_000);
        let clock = Clock::manual(now);
        let customers = Self { lane: database.lane(&clock, BUNDLED_CATALOG).await, clock, now };
        for table in ["wallets", "wallet_profiles", "grants", "reservations", "holds", "entries", "events"] {
            customers.sql(&format!("ALTER TABLE {table} SET (autovacuum_enabled = off)")).await;
        }
        customers
    }

    async fn sql(&self, sql: &str) {
        self.lane.runner.connection.raw().execute_unprepared(sql).await.unwrap();
    }

    async fn analyse(&self) {
        self.sql("VACUUM ANALYZE").await;
    }

    async fn join(&mut self, name: &str) -> Customer {
        let wallet = id(name);
        let create = CreateWallet { display_name: String::new(), debt_limits: Amounts::none() };
        let top_up = TopUp {
            id: id("order"),
            purchase: Purchase::Amount(id("credits"), 1_000_000_000_000),
            external_ref: None,
            line: None,
            paid_amount: None,
            paid_time: None,
            labels: BTreeMap::new(),
        };
        let customer = Customer { wallet, jobs: 0 };
        self.batch(&customer, vec![Command::CreateWallet(create), Command::TopUp(top_up)]).await;
        customer
    }

    /// Adds this many entries and half as many jobs to a customer, all copies of the last ones.
    async fn copy_history(&self, customer: &Customer, entries: u64) {
        let key = WalletKey::new(TenantId::DEFAULT, &customer.wallet).uuid();
        let job: String = job_id(0, customer.jobs - 1);
        let (rows, copy) = copies::<reservations::Entity>("reservation_id", "'job-' || n");
        let (jobs, only) = (entries / 2, format!("t.wallet_key = '{key}' AND t.reservation_id = '{job}'"));
        self.sql(&format!("INSERT INTO reservations {rows} SELECT {copy} FROM reservations t, generate_series(1, {jobs}) n WHERE {only}"))
            .await;
        let last = format!("(SELECT revision FROM wallets w WHERE w.wallet_key = '{key}')");
        let (rows, copy) = copies::<ledger::Entity>("revision", "t.revision + n");
        let only = format!("t.wallet_key = '{key}' AND t.revision = {last}");
        self.sql(&format!("INSERT INTO entries {rows} SELECT {copy} FROM entries t, generate_series(1, {entries}) n WHERE {only}"))
            .await;
        self.sql(&format!(
            "UPDATE wallets SET revision = revision + {entries}, version = version + {entries} WHERE wallet_key = '{key}'"
        ))
        .await;
    }

    /// Reserves and settles jobs, and returns the commands per second.
    async fn work(&mut self, customer: &mut Customer, jobs: u64) -> f64 {
        let started = Instant::now();
        for _ in 0..jobs / BATCH {
            let numbers = customer.jobs..customer.jobs + BATCH;
            customer.jobs = numbers.end;
            self.batch(customer, numbers.clone().map(|job| reserve(0, job)).collect()).await;
            self.batch(customer, numbers.map(settle).collect()).await;
        }
        f64::from(u32::try_from(jobs * 2).unwrap()) / started.elapsed().as_secs_f64()
    }

    async fn batch(&mut self, customer: &Customer, commands: Vec<Command>) {
        self.now = self.clock.move_to(self.now.plus(Duration::from_millis(10)));
        let batch: Vec<_> = commands.into_iter().map(|c| (customer.wallet.clone(), c)).collect();
        let replies = run(&mut self.lane, &batch).await;
        assert!(replies.iter().all(|reply| reply.result.is_ok()), "{:?}", replies[0]);
    }
}

fn settle(job: u64) -> Command {
    let outcome = Outcome::Succeeded(Cost::AsReserved);
    Command::Settle(Settle { id: job_id(0, job), attempt: None, outcome, accept_late: false })
}

/// Returns the columns of a table, and the columns of copies of a row that differ in one of them.
fn copies<E: EntityTrait>(column: &str, value: &str) -> (String, String) {
    let names: Vec<&str> = E::Column::iter().map(|column| column.as_str()).collect();
    let copy = |name: &&str| if *name == column { value.to_owned() } else { format!("t.{name}") };
    (format!("({})", names.join(", ")), names.iter().map(copy).collect::<Vec<_>>().join(", "))
}
