//! Two servers that write the same rows at once: the batch that comes too late runs again.

use wallet_core::{Reply, WalletId};

use super::due::{create, id};
use super::{Database, queued_with_answers};
use crate::clock::Clock;
use crate::config::BUNDLED_CATALOG;
use crate::engine::lane::Lane;

/// Returns the reply of the lane to the creation of a wallet.
async fn created(lane: &mut Lane, wallet: &WalletId) -> Reply {
    let (queued, mut answers) = queued_with_answers(&[(wallet.clone(), create())]);
    assert!(lane.runner.answer(queued).await.is_empty());
    answers.remove(0).await.unwrap().expect("the lane does not give up")
}

#[tokio::test]
async fn of_two_servers_that_create_a_wallet_at_once_none_gives_up() {
    let (database, clock) = (Database::postgres(), Clock::system());
    let mut here = database.lane(&clock, BUNDLED_CATALOG).await;
    let mut there = database.lane(&clock, BUNDLED_CATALOG).await;
    for round in 0.. {
        let wallet = id(&format!("w{round}"));
        // Both find no wallet before one inserts it.
        let (first, second) = tokio::join!(created(&mut here, &wallet), created(&mut there, &wallet));
        let [first, second] = [first, second].map(|reply| reply.result.unwrap().replayed);
        assert_ne!(first, second, "one created it");
        let counts = [&here, &there].map(|lane| lane.runner.metrics.counts().retries);
        if counts.iter().sum::<u64>() >= 3 {
            break;
        }
        assert!(round < 1_000, "the servers never met: {counts:?}");
    }
    database.verify().await;
}
