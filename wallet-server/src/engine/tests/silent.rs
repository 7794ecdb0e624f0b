//! A database that goes silent at any point of a batch, for good: everybody is told what is true. "Not executed" is
//! never said of what was executed, and "not known" only once COMMIT had been sent.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use wallet_core::{Command, WalletId};
use wallet_workload::figure;

use super::cancelled::{ALL, World, command, wallet};
use super::{Database, asked, run};
use crate::engine::lane::Lane;
use crate::engine::{EngineConfig, EngineError};
use crate::store::points;

/// More points than the batch has.
const POINTS: i64 = 26;
/// Far longer than a lane may take to give up.
const PATIENCE: Duration = Duration::from_secs(60);

mod a_database_that_goes_silent_anywhere_makes_nobody_lie {
    use super::*;

    #[tokio::test]
    async fn postgres() {
        silent_everywhere(Database::postgres()).await;
    }
}

async fn silent_everywhere(database: Database) {
    let mut world = World::open(&database).await;
    let mut before = Vec::new();
    let mut lanes = JoinSet::new();
    for n in 0..POINTS {
        let mut batch = Vec::new();
        for kind in ALL {
            before.push(world.prepare(kind, &n.to_string()).await);
            batch.push((wallet(kind, &n.to_string()), command(kind)));
        }
        let lane = impatient(&world.lane).await;
        // All at once: each gives up after five seconds of pauses.
        lanes.spawn(async move { (n, told(lane, n, &batch).await, batch) });
    }
    let everybody = timeout(PATIENCE, lanes.join_all()).await;
    let mut rounds = everybody.expect("a lane waits for ever on a silent database");
    rounds.sort_by_key(|(n, ..)| *n);

    let (mut not_executed, mut unknown) = (0, 0);
    for (n, told, batch) in rounds {
        let again = run(&mut world.lane, &batch).await;
        for (i, (kind, told)) in ALL.into_iter().zip(told).enumerate() {
            let was = before[usize::try_from(n).unwrap() * ALL.len() + i];
            assert_eq!(again[i].revision, was + world.entries[&kind], "{kind:?} at {n} happened once");
            let replayed = again[i].result.as_ref().is_ok_and(|answer| answer.replayed);
            match told {
                Ok(told) => assert_eq!(told.revision, again[i].revision, "{kind:?} at {n}"),
                Err(EngineError::Unavailable) => {
                    not_executed += 1;
                    assert!(!replayed, "{kind:?} was executed, and called not executed, at {n}");
                }
                Err(EngineError::OutcomeUnknown) => unknown += 1,
                Err(other) => panic!("{kind:?} at {n}: {other}"),
            }
        }
    }
    figure("silent", &[&(not_executed + unknown), &not_executed, &unknown]);
    // Two points stand around COMMIT.
    assert!(unknown >= 2 * ALL.len());
    assert!(not_executed >= 10 * ALL.len());
    database.verify().await;
}

/// Another lane on the same database, which waits for nothing.
async fn impatient(lane: &Lane) -> Lane {
    let config = EngineConfig { database_timeout: Duration::from_millis(300), ..EngineConfig::default() };
    Lane::open(1, &lane.store, &lane.catalogs, &lane.clock, &config, Arc::default()).await.unwrap()
}

/// What each caller is told when no call gets past the n-th point any more.
async fn told(
    mut lane: Lane,
    n: i64,
    batch: &[(WalletId, Command)],
) -> Vec<Result<wallet_core::Reply, EngineError>> {
    let (jobs, answers) = asked(batch);
    points::armed::STANDS_STILL_AT.scope(Arc::new(AtomicI64::new(n)), lane.answer(jobs)).await;
    let mut told = Vec::new();
    for answer in answers {
        told.push(answer.await.unwrap());
    }
    told
}
