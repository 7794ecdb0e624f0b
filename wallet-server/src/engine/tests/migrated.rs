//! Another server migrates while this one runs. Columns that it adds change no answer, and a column whose type it
//! changes costs one new connection.

use sea_orm::ConnectionTrait;

use super::cancelled::{ALL, Kind, World, command, wallet};
use super::{Database, queued_with_answers, session};

mod a_column_that_another_server_adds_changes_no_answer {
    use super::*;

    #[tokio::test]
    async fn postgres() {
        let database = Database::postgres();
        let mut world = World::open(&database).await;
        for table in tables(&world).await {
            let added = format!("ALTER TABLE {table} ADD COLUMN added BIGINT NOT NULL DEFAULT 0");
            let retries = carried_out_after(&mut world, &database, &table, &added).await;
            assert_eq!(retries, 0, "a statement does not name the columns of {table}");
        }
        database.verify().await;
    }
}

mod a_column_whose_type_another_server_changes_costs_a_new_connection {
    use super::*;

    #[tokio::test]
    async fn postgres() {
        let database = Database::postgres();
        let mut world = World::open(&database).await;
        for (table, column) in
            [("wallet_profiles", "profile"), ("grants", "details"), ("reservations", "worker")]
        {
            let changed = format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE VARCHAR");
            let retries = carried_out_after(&mut world, &database, table, &changed).await;
            assert!(retries > 0, "{table}.{column} is not read");
            // Restores the type, because `verify` checks the schema.
            alter(&database, &format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE TEXT")).await;
        }
        database.verify().await;
    }
}

async fn tables(world: &World) -> Vec<String> {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    let connection = world.lane.runner.connection.raw();
    let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    let tables: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert!(tables.len() > 6, "{tables:?}");
    tables
}

/// Alters a table and then runs a batch of all kinds of commands, which must get the usual answers. Returns the
/// number of retries.
async fn carried_out_after(world: &mut World, database: &Database, round: &str, altered: &str) -> u64 {
    let mut batch = Vec::new();
    for kind in ALL {
        world.prepare(kind, round).await;
        batch.push((wallet(kind, round), command(kind)));
    }
    alter(database, altered).await;

    let before = world.lane.runner.metrics.counts().retries;
    let (queued, answers) = queued_with_answers(&batch);
    world.lane.runner.answer(queued).await;
    for (kind, answer) in ALL.into_iter().zip(answers) {
        let reply = answer.await.unwrap().unwrap_or_else(|error| panic!("{kind:?} after {altered}: {error}"));
        assert_eq!(reply.result.is_err(), kind == Kind::Refused, "{kind:?} after {altered}: {reply:?}");
    }
    world.lane.runner.metrics.counts().retries - before
}

/// Alters a table on another connection, as another server would.
async fn alter(database: &Database, sql: &str) {
    let other = session(&database.url).await;
    other.execute_unprepared(sql).await.unwrap();
    other.close().await.unwrap();
}
