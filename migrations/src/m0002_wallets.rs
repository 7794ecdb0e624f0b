//! Wallets with their balances, profiles, grants and reservations: the rows that change.
//!
//! Every primary and unique key begins with (bucket, wallet_key), so that the schema can be sharded by bucket as it
//! is. There are no foreign keys, no sequences and no NULLs: the hot statements write columns as arrays, and an
//! absent value is '' or 0 or, for a time, 9223372036854775807.
//!
//! No index covers a column that a heartbeat or a charge changes: `open` changes once, and `sweep_at` stays the
//! same when a heartbeat extends the deadline. PostgreSQL can then update the rows in place.
//!
//! A planner with no statistics, or old ones, may choose any index whose conditions a statement implies. So each
//! index excludes the statements of the others. Where the primary key would lead through every row that the wallet
//! ever had, the index is keyed by an expression instead of `wallet_key`, and only its own statement contains that
//! expression. `reserve_revision > 0` is true for every row; as the condition of an index, it excludes the lookups
//! by id.

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
        let tables = [WALLETS, WALLET_BALANCES, WALLET_PROFILES, GRANTS, RESERVATIONS];
        Dialect::run(manager, &tables).await?;
        Dialect::run(manager, INDEXES).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => Dialect::run(manager, &[JSON_OR_NULL]).await,
            _ => Ok(()),
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drops = ["reservations", "grants", "wallet_profiles", "wallet_balances", "wallets"]
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
    bucket            SMALLINT NOT NULL CHECK (bucket BETWEEN 0 AND 63),
    wallet_key        {uuid}   NOT NULL,
    status            SMALLINT NOT NULL CHECK (status BETWEEN 1 AND 3),
    frozen            BOOLEAN  NOT NULL,
    version           BIGINT   NOT NULL CHECK (version >= revision),
    revision          BIGINT   NOT NULL CHECK (revision > 0),
    head              {bytes}  NOT NULL CHECK (length(head) = 32),
    last_time         BIGINT   NOT NULL,
    open_reservations BIGINT   NOT NULL CHECK (open_reservations >= 0),
    PRIMARY KEY (bucket, wallet_key)
) {fill}";

const WALLET_BALANCES: &str = "
CREATE TABLE wallet_balances (
    bucket     SMALLINT NOT NULL,
    wallet_key {uuid}   NOT NULL,
    unit       TEXT     NOT NULL,
    available  BIGINT   NOT NULL CHECK (available >= 0),
    held       BIGINT   NOT NULL CHECK (held >= 0),
    debt       BIGINT   NOT NULL CHECK (debt >= 0),
    debt_limit BIGINT   NOT NULL CHECK (debt_limit >= 0),
    PRIMARY KEY (bucket, wallet_key, unit)
) {fill}";

const WALLET_PROFILES: &str = "
CREATE TABLE wallet_profiles (
    bucket      SMALLINT NOT NULL,
    wallet_key  {uuid}   NOT NULL,
    tenant      {uuid}   NOT NULL,
    wallet_id   TEXT     NOT NULL CHECK (length(wallet_id) BETWEEN 1 AND 128),
    create_time BIGINT   NOT NULL,
    profile     TEXT     NOT NULL,
    next_time   BIGINT   NOT NULL,
    PRIMARY KEY (bucket, wallet_key)
)";

const GRANTS: &str = "
CREATE TABLE grants (
    bucket         SMALLINT NOT NULL,
    wallet_key     {uuid}   NOT NULL,
    origin         SMALLINT NOT NULL CHECK (origin BETWEEN 1 AND 15),
    origin_id      TEXT     NOT NULL CHECK (length(origin_id) BETWEEN 1 AND 128),
    n              INTEGER  NOT NULL CHECK (n BETWEEN 0 AND 65535),
    unit           TEXT     NOT NULL,
    source         SMALLINT NOT NULL CHECK (source BETWEEN 1 AND 7),
    priority       INTEGER  NOT NULL,
    effective_time BIGINT   NOT NULL,
    expire_time    BIGINT   NOT NULL,
    warn_time      BIGINT   NOT NULL,
    create_time    BIGINT   NOT NULL,
    amount         BIGINT   NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    pending        BIGINT   NOT NULL CHECK (pending >= 0),
    available      BIGINT   NOT NULL CHECK (available >= 0),
    held           BIGINT   NOT NULL CHECK (held >= 0),
    consumed       BIGINT   NOT NULL CHECK (consumed >= 0),
    expired        BIGINT   NOT NULL CHECK (expired >= 0),
    revoked        BIGINT   NOT NULL CHECK (revoked >= 0),
    paid_out       BIGINT   NOT NULL CHECK (paid_out >= 0),
    clawback     SMALLINT NOT NULL CHECK (clawback BETWEEN 0 AND 3),
    open           BOOLEAN  NOT NULL,
    next_time      BIGINT   NOT NULL,
    payment        TEXT     NOT NULL,
    purchase       TEXT     NOT NULL,
    details        TEXT     NOT NULL,
    CHECK (pending + available + held + consumed + expired + revoked + paid_out = amount),
    CHECK (open = (pending > 0 OR available > 0 OR held > 0)),
    PRIMARY KEY (bucket, wallet_key, origin, origin_id, n)
) {fill}";

const RESERVATIONS: &str = "
CREATE TABLE reservations (
    bucket           SMALLINT NOT NULL,
    wallet_key       {uuid}   NOT NULL,
    reservation_id   TEXT     NOT NULL CHECK (length(reservation_id) BETWEEN 1 AND 128),
    state            SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 6),
    open             BOOLEAN  NOT NULL CHECK (open = (state <= 2)),
    deadline         BIGINT   NOT NULL,
    sweep_at         BIGINT   NOT NULL,
    attempt          INTEGER  NOT NULL CHECK (attempt >= 0),
    worker           TEXT     NOT NULL,
    lease            BIGINT   NOT NULL CHECK (lease >= 0),
    start_time       BIGINT   NOT NULL,
    allocations      TEXT     NOT NULL,
    finish_time      BIGINT   NOT NULL,
    finish_revision  BIGINT   NOT NULL,
    finalizer        TEXT     NOT NULL,
    bill             TEXT     NOT NULL,
    reserve_time     BIGINT   NOT NULL,
    reserve_revision BIGINT   NOT NULL,
    fingerprint      TEXT     NOT NULL,
    kind             TEXT     NOT NULL,
    actor            TEXT     NOT NULL,
    terms            TEXT     NOT NULL,
    CHECK (NOT open OR sweep_at <= deadline),
    CHECK (open = (finish_revision = 0)),
    PRIMARY KEY (bucket, wallet_key, reservation_id)
) {fill}";

/// Returns a text as JSON, or NULL if it is not JSON. PostgreSQL before 16 has no test for JSON that does not fail.
const JSON_OR_NULL: &str = "
CREATE FUNCTION json_or_null(stored TEXT) RETURNS JSON LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RETURN stored::json; EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$";

const INDEXES: &[&str] = &[
    "CREATE INDEX wallet_profiles_by_id ON wallet_profiles (tenant, wallet_id)",
    "CREATE INDEX profiles_due ON wallet_profiles (bucket, next_time, wallet_key)
     WHERE next_time < 9223372036854775807",
    "CREATE INDEX grants_open ON grants (bucket, (CASE WHEN open THEN wallet_key END)) WHERE open",
    "CREATE UNIQUE INDEX grants_payment ON grants (bucket, wallet_key, payment, n) WHERE payment <> ''",
    "CREATE INDEX grants_purchase ON grants (bucket, wallet_key, purchase) WHERE purchase <> ''",
    "CREATE INDEX grants_due ON grants (bucket, next_time, wallet_key)
     WHERE open AND next_time < 9223372036854775807",
    "CREATE INDEX reservations_due ON reservations
       (bucket, (CASE WHEN open THEN wallet_key END), sweep_at, reservation_id {bytewise})
     WHERE open",
    "CREATE INDEX reservations_sweep ON reservations (bucket, sweep_at, wallet_key)
     WHERE open AND reserve_revision > 0",
    "CREATE INDEX reservations_newest ON reservations
       (bucket, (CASE WHEN reserve_revision > 0 THEN wallet_key END), reserve_time, reservation_id)
     WHERE reserve_revision > 0",
];
