//! Power cuts. Of what the server on SQLite, or PostgreSQL under it, wrote to its files, only synced bytes are certain
//! to survive; the rest is lost or survives in parts. Every call acknowledged before the cut is in the ledger once,
//! every other call completely or not at all, and after retries each has happened exactly once.
//!
//! One run is recorded under strace, together with its acknowledgements and the times at which they were received.
//! `harness::Disk` then produces the files that a disk could have held at any moment of the run. Half of the moments
//! are chosen anywhere under load, half right after an acknowledgement. An acknowledgement counts at a moment if it was
//! received earlier by the system's clock, which strace uses too: the trace then contains, before that moment, all
//! syncs that the server had waited for.

use std::fs;
use std::path::Path;

use tokio::task::JoinSet;
use wallet_client::{RetryPolicy, WalletClient, v1};
use wallet_workload::{Rng, figure};

use super::caller::Caller;
use super::witness::{Acknowledgement, Witness};
use super::{WALLETS, client, verify, wallet};
use crate::harness::{Database, Disk, Folder, Loss, Postgres, Process, Trace, eventually, restore, seed};

/// The number of power cuts.
const CUTS: usize = 24;
/// All calls are repeated after every third cut.
const EVERY: usize = 3;
const CALLERS: usize = 16;
/// Waves of calls. The database maintains its files (checkpoints) during or after each.
const WAVES: usize = 3;
/// Calls of each caller in each wave. A job takes four.
const CALLS: usize = 11;

mod acknowledged_commands_survive_24_power_cuts_and_the_rest_converges {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        let [folder, place, nothing] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let root = folder.path().canonicalize().unwrap();
        let database = Database::within(folder);
        let (mut process, recording) = Process::recorded(&database, &place.path().join("trace"));
        let file = root.join("wallet.db");
        let acknowledged = load(&process, || checkpointed(&file)).await;
        process.kill();
        let folder = Folder { root: &root, ignored: &["wallet.db-shm", "wallet.lock"] };
        let trace = Trace::read(&recording.finish(), &folder);
        let revive = |disk: &Disk<'_>, loss: &mut Loss| {
            let copy = tempfile::tempdir().unwrap();
            let lost = disk.lay(copy.path(), loss);
            (Database::within(copy), lost)
        };
        survive(&trace, nothing.path(), &acknowledged, revive).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let cluster = Postgres::with_short_logs();
        let database = Database::on(&cluster);
        let kept = cluster.end_and_keep();
        let (mut server, recording) = cluster.start_recorded();
        let mut process = Process::start(&database, &[]);
        let acknowledged =
            load(&process, || async { tokio::task::block_in_place(|| cluster.checkpoint()) }).await;
        process.kill();
        cluster.stop_at_once();
        server.wait().unwrap();
        let folder = Folder { root: &cluster.files(), ignored: &["postmaster.pid", "postmaster.opts"] };
        let trace = Trace::read(&recording.finish(), &folder);
        let mut runs = false;
        let revive = |disk: &Disk<'_>, loss: &mut Loss| {
            if std::mem::replace(&mut runs, true) {
                cluster.stop_at_once();
            }
            restore(&kept, &cluster.files());
            let lost = disk.lay(&cluster.files(), loss);
            cluster.recover();
            (database.clone(), lost)
        };
        survive(&trace, &kept, &acknowledged, revive).await;
    }
}

/// The acknowledged calls: the wallets, and the acknowledgements of each caller.
struct Acknowledged {
    wallets: Vec<Acknowledgement>,
    callers: Vec<Vec<Acknowledgement>>,
}

/// Runs waves of calls, each concurrently with the database's file maintenance.
async fn load<F: Future<Output = ()>>(process: &Process, look_after: impl Fn() -> F) -> Acknowledged {
    let client = client(process, RetryPolicy::never()).await;
    let mut acknowledged = Acknowledged { wallets: Vec::new(), callers: vec![Vec::new(); CALLERS] };
    for n in 0..WALLETS {
        let create = v1::CreateWalletRequest { wallet_id: wallet(n), ..Default::default() };
        let answer = client.create_wallet(create).await.unwrap();
        acknowledged.wallets.push(Acknowledgement::of_new_wallet(answer));
    }
    for _ in 0..WAVES {
        // Called before the wave, whose last checkpoint may come before the future is polled.
        let maintenance = look_after();
        tokio::join!(wave(&client, &mut acknowledged), maintenance);
    }
    acknowledged
}

/// Runs all callers concurrently.
async fn wave(client: &WalletClient, acknowledged: &mut Acknowledged) {
    let mut working = JoinSet::new();
    for (n, acknowledged) in acknowledged.callers.iter_mut().enumerate() {
        let (client, caller, mut acknowledged) =
            (client.clone(), caller(n, acknowledged), std::mem::take(acknowledged));
        working.spawn(async move {
            let (_, more, _) = caller.insist(client, CALLS).await;
            acknowledged.extend(more);
            (n, acknowledged)
        });
    }
    for (n, all) in working.join_all().await {
        acknowledged.callers[n] = all;
    }
}

fn caller(n: usize, acknowledged: &[Acknowledgement]) -> Caller {
    Caller::after(n, wallet(n % WALLETS), acknowledged)
}

/// Waits until SQLite has copied its log into the database after this call, which it does when idle.
fn checkpointed(file: &Path) -> impl Future<Output = ()> {
    let changed = move || fs::metadata(file).and_then(|file| file.modified()).unwrap();
    let before = changed();
    async move {
        eventually("the database file is written", async || match changed() {
            now if now == before => Err(now),
            _ => Ok(()),
        })
        .await;
    }
}

/// Cuts the power at moments of the trace and recovers the database each time.
async fn survive(
    trace: &Trace,
    base: &Path,
    acknowledged: &Acknowledged,
    mut revive: impl FnMut(&Disk<'_>, &mut Loss) -> (Database, usize),
) {
    let seed = seed();
    let mut disk = Disk::new(base, trace);
    let (mut name, mut looked_for, mut lost) = ("", 0, 0);
    for (n, moment) in moments(trace, acknowledged, &mut Rng::new(seed, 0)).into_iter().enumerate() {
        let instant = trace.moments.get(moment).map_or(u64::MAX, |moment| moment.at);
        let acknowledged = acknowledged.before(instant);
        let mut loss = if n % 2 == 0 { Loss::All } else { Loss::Some(Rng::new(seed, n as u64)) };
        disk.go_to(moment);
        let (database, lost_here) = revive(&disk, &mut loss);
        name = database.name();
        println!("cut {n} at {moment} of {}: {lost_here} writes lost", trace.moments.len());
        lost += lost_here;
        looked_for += holds(&database, &acknowledged, n % EVERY == 0).await;
    }
    assert!(lost > 0, "every write was certain, so no loss was tested");
    let (calls, (written, syncs)) =
        (acknowledged.callers.iter().map(Vec::len).sum::<usize>(), trace.figures());
    let written = format!("{written} KiB");
    figure("power", &[&name, &calls, &written, &syncs, &CUTS, &looked_for, &lost, &"none"]);
}

/// The moments of the power cuts, in order.
fn moments(trace: &Trace, acknowledged: &Acknowledged, rng: &mut Rng) -> Vec<usize> {
    let after = |instant: u64| trace.moments.partition_point(|moment| moment.at <= instant);
    let begun = after(acknowledged.wallets.last().unwrap().received);
    let all: Vec<u64> = acknowledged.callers.iter().flatten().map(|one| one.received).collect();
    let anywhere: Vec<usize> = (begun..=trace.moments.len()).collect();
    let mut moments: Vec<usize> = (0..CUTS)
        .map(|n| if n % 2 == 0 { *rng.pick(&anywhere).unwrap() } else { after(*rng.pick(&all).unwrap()) })
        .collect();
    moments.sort_unstable();
    moments
}

impl Acknowledged {
    /// The acknowledgements received before this instant.
    fn before(&self, instant: u64) -> Acknowledged {
        let by_then = |all: &Vec<Acknowledgement>| {
            all.iter().take_while(|one| one.received < instant).cloned().collect::<Vec<_>>()
        };
        Acknowledged { wallets: by_then(&self.wallets), callers: self.callers.iter().map(by_then).collect() }
    }
}

/// Asserts that the ledger is clean and contains every acknowledged call, and that the callers can finish their jobs.
/// Returns the number of acknowledgements that were checked.
async fn holds(database: &Database, acknowledged: &Acknowledged, send_again: bool) -> usize {
    let mut process = Process::start(database, &["--accept-unsafe-database"]);
    verify(database).await;
    let client = client(&process, RetryPolicy::default()).await;
    let mut witness = Witness::default();
    witness.saw(acknowledged.wallets.iter().chain(acknowledged.callers.iter().flatten()).cloned().collect());
    let looked_for = witness.acknowledged();
    witness.compare(&client).await;
    if send_again {
        let mut callers: Vec<Caller> = acknowledged
            .callers
            .iter()
            .enumerate()
            .map(|(n, acknowledged)| caller(n, acknowledged))
            .collect();
        for caller in &mut callers {
            caller.hears_the_same_again(&client).await;
            caller.finish_job(&client, &mut witness).await;
        }
        witness.compare(&client).await;
        witness.assert_all_happened_once(&callers);
        witness.assert_final_state(&client).await;
        process.kill();
        verify(database).await;
    }
    looked_for
}
