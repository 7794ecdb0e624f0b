//! The journal of a SQLite file under a lane that is never idle.

use sea_orm::ConnectionTrait;
use tokio::sync::mpsc;

use super::Database;
use super::due::{World, reserve, send};
use crate::engine::lane::COMMANDS_PER_CHECK;

#[tokio::test]
async fn a_lane_that_is_never_idle_starts_a_long_journal_again() {
    let database = Database::sqlite();
    let mut world = World::open(&database).await;
    let wallet = world.fill("busy", 0).await;
    let commands: Vec<_> =
        (0..COMMANDS_PER_CHECK + 200).map(|n| (&wallet, reserve(&format!("job-{n}"), 1))).collect();
    let (door, mut queue) = mpsc::channel(commands.len());
    let _answers = send(&door, &commands);

    let lane = world.lane.runner.connection.raw();
    lane.execute_unprepared("CREATE TABLE written AS SELECT zeroblob(40000000) AS bytes").await.unwrap();
    assert!(world.has_long_journal().await);
    while !queue.is_empty() {
        world.lane.turn(&mut queue).await;
    }
    assert!(!world.has_long_journal().await);
}

impl World {
    async fn has_long_journal(&self) -> bool {
        self.lane.runner.store.has_long_journal(&self.lane.runner.connection).await.unwrap()
    }
}
