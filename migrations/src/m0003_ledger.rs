//! The ledger: entries, which are inserted and never changed.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect::Dialect;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_ledger"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Dialect::run(manager, &[ENTRIES]).await?;
        Dialect::run(manager, INDEXES).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => Dialect::run(manager, IMMUTABLE_POSTGRES).await,
            _ => Dialect::run(manager, IMMUTABLE_SQLITE).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Dialect::run(manager, &["DROP TABLE entries"]).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => Dialect::run(manager, &["DROP FUNCTION entries_are_immutable"]).await,
            _ => Ok(()),
        }
    }
}

const ENTRIES: &str = "
CREATE TABLE entries (
    revision       BIGINT   NOT NULL,
    effective_time BIGINT   NOT NULL,
    record_time    BIGINT   NOT NULL,
    bucket         SMALLINT NOT NULL,
    format         SMALLINT NOT NULL,
    kind           SMALLINT NOT NULL,
    in_feed        SMALLINT NOT NULL,
    wallet_key     {uuid}   NOT NULL,
    reservation_id TEXT     NOT NULL,
    request_id     TEXT     NOT NULL,
    actor          TEXT     NOT NULL,
    principal      TEXT     NOT NULL,
    call_id        TEXT     NOT NULL,
    reason         TEXT     NOT NULL,
    fingerprint    {bytes}  NOT NULL,
    row_digests    {bytes}  NOT NULL,
    postings       {bytes}  NOT NULL,
    balances       {bytes}  NOT NULL,
    hash           {bytes}  NOT NULL,
    PRIMARY KEY (bucket, wallet_key, revision)
)";

const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX entries_request ON entries (bucket, wallet_key, request_id) WHERE request_id <> ''",
];

const IMMUTABLE_SQLITE: &[&str] = &[
    "CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
     BEGIN SELECT RAISE(ABORT, 'entries are immutable'); END",
    "CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
     BEGIN SELECT RAISE(ABORT, 'entries are immutable'); END",
];

const IMMUTABLE_POSTGRES: &[&str] = &[
    "CREATE FUNCTION entries_are_immutable() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'entries are immutable' USING ERRCODE = 'restrict_violation'; END $$",
    "CREATE TRIGGER entries_never_change BEFORE UPDATE OR DELETE ON entries
     FOR EACH ROW EXECUTE FUNCTION entries_are_immutable()",
    "CREATE TRIGGER entries_never_vanish BEFORE TRUNCATE ON entries
     FOR EACH STATEMENT EXECUTE FUNCTION entries_are_immutable()",
];
