//! A command at fault fails alone: the other commands of its batch are executed, and the lane keeps running.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use wallet_core::Rejection;

use super::cancelled::{ALL, Kind, World, command, wallet};
use super::{Database, queued_with_answers};
use crate::engine::EngineError;
use crate::store::failpoints::armed::PANIC_AT;
use crate::store::tamper;

mod other_wallets_are_served_next_to_one_with_an_unreadable_row {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        serve_beside(Database::sqlite()).await;
    }

    #[tokio::test]
    async fn postgres() {
        serve_beside(Database::postgres()).await;
    }
}

async fn serve_beside(database: Database) {
    let mut world = World::open(&database).await;
    for spoilt in ALL.into_iter().filter(|kind| *kind != Kind::Refused) {
        let round = format!("beside-{spoilt:?}");
        let mut batch = Vec::new();
        for kind in ALL {
            world.prepare(kind, &round).await;
            batch.push((wallet(kind, &round), command(kind)));
        }
        let profile = format!("WHERE wallet_id = '{}'", wallet(spoilt, &round));
        tamper(
            world.lane.runner.connection.raw(),
            &format!("UPDATE wallet_profiles SET profile = 'x' || profile {profile}"),
        )
        .await;
        let (queued, answers) = queued_with_answers(&batch);
        world.lane.runner.answer(queued).await;
        for (kind, answer) in ALL.into_iter().zip(answers) {
            match answer.await.unwrap() {
                Ok(reply) => assert_eq!(reply.result.is_err(), kind == Kind::Refused, "{kind:?}: {reply:?}"),
                Err(error) => assert_eq!((kind, error), (spoilt, EngineError::Unreadable)),
            }
        }
        tamper(
            world.lane.runner.connection.raw(),
            &format!("UPDATE wallet_profiles SET profile = substr(profile, 2) {profile}"),
        )
        .await;
    }
    database.verify().await;
}

mod a_panic_ends_neither_the_lane_nor_its_neighbours {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        panic_everywhere(Database::sqlite()).await;
    }

    #[tokio::test]
    async fn postgres() {
        panic_everywhere(Database::postgres()).await;
    }
}

async fn panic_everywhere(database: Database) {
    let mut world = World::open(&database).await;
    let (mut frozen, mut unknown) = (0, 0);
    for n in 0.. {
        let round = format!("panic-{n}");
        let mut batch = Vec::new();
        for kind in ALL {
            world.prepare(kind, &round).await;
            batch.push((wallet(kind, &round), command(kind)));
        }
        // In one batch: every command is executed in the end, when the halves of the batch run again.
        let (queued, answers) = queued_with_answers(&batch);
        PANIC_AT.scope(Arc::new(AtomicI64::new(n)), world.lane.runner.answer(queued)).await;
        for (kind, answer) in ALL.into_iter().zip(answers) {
            let reply = answer.await.unwrap().unwrap();
            assert_eq!(reply.result.is_err(), kind == Kind::Refused, "{kind:?} at {n}: {reply:?}");
        }

        // Alone: its wallet is frozen, and the next command of another wallet is executed.
        let (alone, next) = (format!("alone-{n}"), format!("next-{n}"));
        let before = world.prepare(Kind::Reserve, &alone).await;
        world.prepare(Kind::Reserve, &next).await;
        let one = [(wallet(Kind::Reserve, &alone), command(Kind::Reserve))];
        let (queued, answers) = queued_with_answers(&one);
        let left = Arc::new(AtomicI64::new(n));
        PANIC_AT.scope(left.clone(), world.lane.runner.answer(queued)).await;
        if left.load(Ordering::Relaxed) >= 0 {
            break;
        }
        for answer in answers {
            match answer.await.unwrap() {
                Err(error) => {
                    assert_eq!(error, EngineError::OutcomeUnknown, "at {n}");
                    unknown += 1;
                }
                Ok(reply) => {
                    assert_eq!(reply.result.unwrap_err(), Rejection::WalletFrozen, "at {n}");
                    assert_eq!(reply.revision, before, "it was executed, but refused to the caller, at {n}");
                    frozen += 1;
                }
            }
        }
        let (queued, answers) =
            queued_with_answers(&[(wallet(Kind::Reserve, &next), command(Kind::Reserve))]);
        world.lane.runner.answer(queued).await;
        for answer in answers {
            assert!(answer.await.unwrap().unwrap().result.is_ok(), "at {n}");
        }
    }
    // Two failpoints are next to COMMIT, one before and one after it.
    assert!(frozen > 0 && unknown == 2, "{frozen} frozen, {unknown} unknown");
    database.verify().await;
}
