//! Notifications. Each is inserted with the entry that causes it, and never changed.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect::Dialect;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_events"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Dialect::run(manager, &[EVENTS]).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => Dialect::run(manager, IMMUTABLE_POSTGRES).await,
            _ => Dialect::run(manager, IMMUTABLE_SQLITE).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Dialect::run(manager, &["DROP TABLE events"]).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => Dialect::run(manager, &["DROP FUNCTION events_are_immutable"]).await,
            _ => Ok(()),
        }
    }
}

const EVENTS: &str = "
CREATE TABLE events (
    bucket     SMALLINT NOT NULL,
    wallet_key {uuid}   NOT NULL,
    revision   BIGINT   NOT NULL,
    n          INTEGER  NOT NULL,
    kind       SMALLINT NOT NULL,
    unit       TEXT     NOT NULL,
    available  BIGINT   NOT NULL,
    threshold  BIGINT   NOT NULL,
    event_time BIGINT   NOT NULL,
    details    TEXT     NOT NULL,
    PRIMARY KEY (bucket, wallet_key, revision, n)
)";

const IMMUTABLE_SQLITE: &[&str] = &[
    "CREATE TRIGGER events_never_change BEFORE UPDATE ON events
     BEGIN SELECT RAISE(ABORT, 'events are immutable'); END",
    "CREATE TRIGGER events_never_go BEFORE DELETE ON events
     BEGIN SELECT RAISE(ABORT, 'events are immutable'); END",
];

const IMMUTABLE_POSTGRES: &[&str] = &[
    "CREATE FUNCTION events_are_immutable() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'events are immutable' USING ERRCODE = 'restrict_violation'; END $$",
    "CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE ON events
     FOR EACH ROW EXECUTE FUNCTION events_are_immutable()",
    "CREATE TRIGGER events_never_vanish BEFORE TRUNCATE ON events
     FOR EACH STATEMENT EXECUTE FUNCTION events_are_immutable()",
];
