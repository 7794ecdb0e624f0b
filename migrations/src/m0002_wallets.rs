//! Wallets with their balances, profiles, grants, reservations and holds: the rows that change.
//!
//! Every primary and unique key begins with (bucket, wallet_key), so that the schema can be sharded by bucket as it
//! is. There are no foreign keys, no sequences and no NULLs: the hot statements write columns as arrays, and an
//! absent value is '' or 0 or, for a time, 9223372036854775807. Columns of eight bytes come first, so that no padding
//! separates the others; those that a write changes are neighbours, because PostgreSQL logs only what lies between the
//! first and the last difference.
//!
//! No index covers a column that a heartbeat, a settle or a charge changes, so PostgreSQL updates the rows in place. An
//! open reservation has a row in `holds`, which its end deletes.
//!
//! There are no CHECKs: PostgreSQL would parse them once per statement, and the core and `verify` check more.
//!
//! A planner with no statistics, or old ones, may choose any index whose conditions a statement implies. So each
//! index excludes the statements of the others. Where the primary key would lead through every row that the wallet
//! ever had, the index is keyed by an expression instead of `wallet_key`, and only its own statement contains that
//! expression. `revision > 0` is true for every row; as the condition of an index, it excludes the lookups by id.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect::Dialect;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_wallets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [WALLETS, WALLET_PROFILES, GRANTS, RESERVATIONS, HOLDS];
        Dialect::run(manager, &tables).await?;
        Dialect::run(manager, INDEXES).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => Dialect::run(manager, &[JSON_OR_NULL]).await,
            _ => Ok(()),
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drops = ["holds", "reservations", "grants", "wallet_profiles", "wallets"]
            .map(|table| format!("DROP TABLE {table}"));
        Dialect::run(manager, &drops.each_ref().map(String::as_str)).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => Dialect::run(manager, &["DROP FUNCTION json_or_null"]).await,
            _ => Ok(()),
        }
    }
}

const WALLETS: &str = "
CREATE TABLE wallets (
    version           BIGINT   NOT NULL,
    revision          BIGINT   NOT NULL,
    last_time         BIGINT   NOT NULL,
    open_reservations BIGINT   NOT NULL,
    head              {bytes}  NOT NULL,
    balances          {bytes}  NOT NULL,
    bucket            SMALLINT NOT NULL,
    wallet_key        {uuid}   NOT NULL,
    status            SMALLINT NOT NULL,
    frozen            BOOLEAN  NOT NULL,
    PRIMARY KEY (bucket, wallet_key)
) {fill}";

const WALLET_PROFILES: &str = "
CREATE TABLE wallet_profiles (
    bucket      SMALLINT NOT NULL,
    wallet_key  {uuid}   NOT NULL,
    tenant      {uuid}   NOT NULL,
    wallet_id   TEXT     NOT NULL,
    create_time BIGINT   NOT NULL,
    profile     TEXT     NOT NULL,
    next_time   BIGINT   NOT NULL,
    PRIMARY KEY (bucket, wallet_key)
)";

const GRANTS: &str = "
CREATE TABLE grants (
    bucket         SMALLINT NOT NULL,
    wallet_key     {uuid}   NOT NULL,
    origin         SMALLINT NOT NULL,
    origin_id      TEXT     NOT NULL,
    n              INTEGER  NOT NULL,
    unit           TEXT     NOT NULL,
    source         SMALLINT NOT NULL,
    priority       INTEGER  NOT NULL,
    effective_time BIGINT   NOT NULL,
    expire_time    BIGINT   NOT NULL,
    warn_time      BIGINT   NOT NULL,
    create_time    BIGINT   NOT NULL,
    amount         BIGINT   NOT NULL,
    pending        BIGINT   NOT NULL,
    available      BIGINT   NOT NULL,
    held           BIGINT   NOT NULL,
    consumed       BIGINT   NOT NULL,
    expired        BIGINT   NOT NULL,
    revoked        BIGINT   NOT NULL,
    paid_out       BIGINT   NOT NULL,
    clawback       SMALLINT NOT NULL,
    open           BOOLEAN  NOT NULL,
    next_time      BIGINT   NOT NULL,
    payment        TEXT     NOT NULL,
    line           TEXT     NOT NULL,
    purchase       TEXT     NOT NULL,
    details        TEXT     NOT NULL,
    PRIMARY KEY (bucket, wallet_key, origin, origin_id, n)
) {fill}";

const RESERVATIONS: &str = "
CREATE TABLE reservations (
    revision        BIGINT   NOT NULL,
    reserve_time    BIGINT   NOT NULL,
    bucket          SMALLINT NOT NULL,
    wallet_key      {uuid}   NOT NULL,
    reservation_id  TEXT     {bytewise} NOT NULL,
    fingerprint     {bytes}  NOT NULL,
    terms           {bytes}  NOT NULL,
    deadline        BIGINT   NOT NULL,
    sweep_at        BIGINT   NOT NULL,
    lease           BIGINT   NOT NULL,
    start_time      BIGINT   NOT NULL,
    finish_time     BIGINT   NOT NULL,
    finish_revision BIGINT   NOT NULL,
    attempt         INTEGER  NOT NULL,
    state           SMALLINT NOT NULL,
    worker          TEXT     NOT NULL,
    allocations     {bytes}  NOT NULL,
    finalizer       {bytes}  NOT NULL,
    bill            {bytes}  NOT NULL,
    PRIMARY KEY (bucket, wallet_key, reservation_id)
) {fill}";

/// The open reservations, by the time at which the sweeper looks at them.
const HOLDS: &str = "
CREATE TABLE holds (
    sweep_at       BIGINT   NOT NULL,
    bucket         SMALLINT NOT NULL,
    wallet_key     {uuid}   NOT NULL,
    reservation_id TEXT     {bytewise} NOT NULL,
    PRIMARY KEY (bucket, wallet_key, sweep_at, reservation_id)
)";

/// A function that returns a text as JSON, or NULL if it is not JSON. PostgreSQL before 16 has no test for JSON that
/// does not fail.
const JSON_OR_NULL: &str = "
CREATE FUNCTION json_or_null(stored TEXT) RETURNS JSON LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RETURN stored::json; EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$";

const INDEXES: &[&str] = &[
    "CREATE INDEX wallet_profiles_by_id ON wallet_profiles (tenant, wallet_id)",
    "CREATE INDEX profiles_due ON wallet_profiles (bucket, next_time, wallet_key)
     WHERE next_time < 9223372036854775807",
    "CREATE INDEX grants_open ON grants (bucket, (CASE WHEN open THEN wallet_key END)) WHERE open",
    "CREATE UNIQUE INDEX grants_payment ON grants (bucket, wallet_key, payment, line, n) WHERE payment <> ''",
    "CREATE INDEX grants_purchase ON grants (bucket, wallet_key, purchase) WHERE purchase <> ''",
    "CREATE INDEX grants_due ON grants (bucket, next_time, wallet_key)
     WHERE open AND next_time < 9223372036854775807",
    "CREATE INDEX holds_sweep ON holds (bucket, sweep_at, wallet_key) WHERE sweep_at > 0",
    "CREATE INDEX reservations_newest ON reservations
       (bucket, (CASE WHEN revision > 0 THEN wallet_key END), reserve_time, revision)
     WHERE revision > 0",
];
