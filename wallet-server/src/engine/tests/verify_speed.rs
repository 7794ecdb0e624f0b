//! The speed at which `verify` recomputes a ledger as a lane writes it: the entries of all wallets mixed, batch by
//! batch.
//!
//! The figure is meaningful only for a large ledger in a release build, which `cargo xtask verify-speed` makes.
//! Otherwise the ledger is small, and only has to be clean.

use std::collections::BTreeMap;

use std::time::Duration;

use uuid::Uuid;
use wallet_core::decide::{
    Cancel, Cost, CreateWallet, Outcome, PriceSource, Purchase, Reserve, Settle, Start, StartOptions, TopUp,
};
use wallet_core::operation::Operation;
use wallet_core::reservation::{CancelReason, Failure};
use wallet_core::{Amounts, Command, Timestamp, WalletId};
use wallet_workload::figure;

use super::traces::setting;
use super::{Database, run};
use crate::clock::Clock;
use crate::config::BUNDLED_CATALOG;

/// Number of wallets, unless `WALLET_VERIFY_WALLETS` asks for more.
const WALLETS: u64 = 25;
/// Jobs of a wallet, with three entries each.
const JOBS: u64 = 42;
/// Jobs of a wallet per purchase of credits.
const JOBS_PER_PURCHASE: u64 = 14;
/// Wallets whose commands are committed together.
const BATCH: usize = 250;
/// Batches between two checkpoints: a lane makes them between batches, but here none runs.
const BATCHES_PER_CHECKPOINT: usize = 80;
const RUNS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_is_clean_each_time_it_is_verified_on_both_databases() {
    let asked_for = setting("WALLET_VERIFY_WALLETS");
    for database in [Database::sqlite(), Database::postgres()] {
        fill(&database, asked_for.unwrap_or(WALLETS)).await;
        let (mut entries, mut rates) = (0, Vec::new());
        for _ in 0..RUNS {
            let report = crate::verify::verify(&database.url).await.unwrap();
            assert!(report.is_clean(), "{report}");
            entries = report.entries;
            rates.push(report.entries_per_second());
        }
        rates.sort_unstable();
        println!("{}: {rates:?} entries/s", database.name());
        if asked_for.is_some() {
            figure("verify", &[&database.name(), &entries, &rates[RUNS / 2]]);
        }
    }
}

/// Runs the steps of all wallets in turn, with a second between two batches.
async fn fill(database: &Database, wallets: u64) {
    let mut now = Timestamp::from_micros(1_767_225_600_000_000);
    let clock = Clock::manual(now);
    let mut lane = database.lane(&clock, BUNDLED_CATALOG).await;
    let wallets: Vec<(u64, WalletId)> = (0..wallets).map(|n| (n, id(&format!("customer-{n}")))).collect();
    let mut batches = 0;
    for step in steps() {
        for wallets in wallets.chunks(BATCH) {
            now = clock.move_to(now.plus(Duration::from_secs(1)));
            let batch: Vec<_> = wallets.iter().map(|(n, wallet)| (wallet.clone(), step(*n))).collect();
            let replies = run(&mut lane, &batch).await;
            assert!(replies.iter().all(|reply| reply.result.is_ok()), "{:?}", replies[0]);
            batches += 1;
            if batches % BATCHES_PER_CHECKPOINT == 0 {
                lane.runner.store.checkpoint(&lane.runner.connection).await.unwrap();
            }
        }
    }
    lane.runner.store.checkpoint(&lane.runner.connection).await.unwrap();
    lane.runner.connection.close().await.unwrap();
}

type Step = Box<dyn Fn(u64) -> Command>;

/// Returns the commands of a wallet, in order.
fn steps() -> impl Iterator<Item = Step> {
    let create =
        |_| Command::CreateWallet(CreateWallet { display_name: String::new(), debt_limits: Amounts::none() });
    let jobs = (0..JOBS).flat_map(|job| {
        let purchase: Option<Step> =
            (job % JOBS_PER_PURCHASE == 0).then(|| Box::new(move |_| top_up(job)) as Step);
        let work: [Step; 3] = [
            Box::new(move |wallet| reserve(wallet, job)),
            Box::new(move |wallet| start(wallet, job)),
            Box::new(move |wallet| end(wallet, job)),
        ];
        purchase.into_iter().chain(work)
    });
    std::iter::once(Box::new(create) as Step).chain(jobs)
}

fn top_up(job: u64) -> Command {
    Command::TopUp(TopUp {
        id: id(&format!("order-{job}")),
        purchase: Purchase::Amount(id("credits"), 1_000),
        external_ref: None,
        line: None,
        paid_amount: None,
        paid_time: None,
        labels: BTreeMap::new(),
    })
}

pub(super) fn reserve(wallet: u64, job: u64) -> Command {
    let operation = Operation {
        kind: "video.generate".to_owned(),
        attributes: [("model", "standard"), ("resolution", "720p")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        quantities: [("duration_s".to_owned(), 5.into())].into(),
    };
    Command::Reserve(Reserve {
        id: job_id(wallet, job),
        price: PriceSource::Operation(operation),
        limits: Amounts::none(),
        ttl: Some(Duration::from_secs(3_600)),
        start: None,
        actor: Some(id("mia@example.org")),
        labels: [("project".to_owned(), "launch".to_owned())].into(),
    })
}

fn start(wallet: u64, job: u64) -> Command {
    let options = StartOptions { worker: id("gpu-7"), attempt: 1, lease: None };
    Command::Start(Start { id: job_id(wallet, job), options })
}

/// Ends a job: eight of ten are charged, most of them less than was reserved; one fails, and one is cancelled.
fn end(wallet: u64, job: u64) -> Command {
    let id = job_id(wallet, job);
    let outcome = match (wallet + job) % 10 {
        0 => {
            let (reason, max_fees) = (CancelReason::User, Amounts::none());
            return Command::Cancel(Cancel { id, reason, max_fees, allow_missing: false });
        }
        1 => Outcome::Failed(Failure { code: "GPU_ERROR".to_owned(), message: String::new() }),
        2..5 => Outcome::Succeeded(Cost::AsReserved),
        _ => Outcome::Succeeded(Cost::Usage([("duration_s".to_owned(), 4.into())].into())),
    };
    Command::Settle(Settle { id, attempt: Some(1), outcome, accept_late: false })
}

/// Returns the id of a job, as long as such ids are in production.
pub(super) fn job_id<T: std::str::FromStr<Err: std::fmt::Debug>>(wallet: u64, job: u64) -> T {
    id(&Uuid::from_u64_pair(wallet, job).to_string())
}

pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}
