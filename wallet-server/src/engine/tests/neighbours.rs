//! A command at fault fails alone: the others of its batch are carried out.

use super::cancelled::{ALL, Kind, World, command, wallet};
use super::{Database, asked};
use crate::engine::EngineError;
use crate::store::tamper;

mod whoever_stands_beside_a_row_that_does_not_read_back_is_served {
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
            &world.lane.connection,
            &format!("UPDATE wallet_profiles SET profile = 'x' || profile {profile}"),
        )
        .await;
        let (jobs, answers) = asked(&batch);
        world.lane.answer(jobs).await;
        for (kind, answer) in ALL.into_iter().zip(answers) {
            match answer.await.unwrap() {
                Ok(reply) => assert_eq!(reply.result.is_err(), kind == Kind::Refused, "{kind:?}: {reply:?}"),
                Err(error) => assert_eq!((kind, error), (spoilt, EngineError::Internal)),
            }
        }
        tamper(
            &world.lane.connection,
            &format!("UPDATE wallet_profiles SET profile = substr(profile, 2) {profile}"),
        )
        .await;
    }
    database.verify().await;
}
