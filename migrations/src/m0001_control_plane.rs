//! The control plane: tenants, their API keys and catalogs, the audit of administrative changes, the key that signs
//! quotes, and the leases of background tasks.
//!
//! These tables are small, read often and written rarely. They are not sharded.

use sea_orm_migration::prelude::*;

use crate::dialect::Dialect;

/// The tenant of callers without an API key. It is a real row, so that later keys can use it.
const DEFAULT_TENANT: &str = "0c4ed175000040008000000000000001";

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_control_plane"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables =
            [TENANTS, API_KEYS, API_KEYS_BY_TENANT, CATALOGS, AUDIT_EVENTS, SIGNING_KEYS, TASK_LEASES];
        Dialect::run(manager, &tables).await?;
        let id = match manager.get_database_backend() {
            sea_orm_migration::sea_orm::DbBackend::Postgres => format!("'{DEFAULT_TENANT}'"),
            _ => format!("X'{DEFAULT_TENANT}'"),
        };
        let insert = format!(
            "INSERT INTO tenants (tenant, name, mode, status, create_time, clock_ahead)
             VALUES ({id}, 'default', 0, 0, 0, 0)"
        );
        Dialect::run(manager, &[&insert]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drops = ["task_leases", "signing_keys", "audit_events", "catalogs", "api_keys", "tenants"]
            .map(|t| format!("DROP TABLE {t}"));
        Dialect::run(manager, &drops.each_ref().map(String::as_str)).await
    }
}

const TENANTS: &str = "
CREATE TABLE tenants (
    tenant      {uuid}   NOT NULL PRIMARY KEY,
    name        TEXT     NOT NULL UNIQUE,
    mode        SMALLINT NOT NULL CHECK (mode BETWEEN 0 AND 1),
    status      SMALLINT NOT NULL CHECK (status BETWEEN 0 AND 1),
    create_time BIGINT   NOT NULL,
    clock_ahead BIGINT   NOT NULL CHECK (clock_ahead >= 0)
)";

const API_KEYS: &str = "
CREATE TABLE api_keys (
    key_id      TEXT    NOT NULL PRIMARY KEY,
    tenant      {uuid}  NOT NULL,
    name        TEXT    NOT NULL,
    scopes      TEXT    NOT NULL,
    mac         {bytes} NOT NULL CHECK (length(mac) = 32),
    create_time BIGINT  NOT NULL,
    expire_time BIGINT  NOT NULL,
    revoke_time BIGINT  NOT NULL,
    calls_per_second BIGINT NOT NULL CHECK (calls_per_second BETWEEN 0 AND 100000),
    calls_burst BIGINT  NOT NULL CHECK (calls_burst BETWEEN 0 AND 1000000)
)";

const API_KEYS_BY_TENANT: &str = "CREATE INDEX api_keys_by_tenant ON api_keys (tenant, key_id)";

const CATALOGS: &str = "
CREATE TABLE catalogs (
    tenant       {uuid}  NOT NULL,
    version      BIGINT  NOT NULL CHECK (version > 0),
    toml         TEXT    NOT NULL,
    digest       {bytes} NOT NULL CHECK (length(digest) = 32),
    publish_time BIGINT  NOT NULL,
    PRIMARY KEY (tenant, version)
)";

const AUDIT_EVENTS: &str = "
CREATE TABLE audit_events (
    tenant     {uuid}  NOT NULL,
    event_time BIGINT  NOT NULL,
    event_id   {uuid}  NOT NULL,
    principal  TEXT    NOT NULL,
    call_id    TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    details    TEXT    NOT NULL,
    in_feed    BOOLEAN NOT NULL,
    PRIMARY KEY (tenant, event_time, event_id)
)";

const SIGNING_KEYS: &str = "
CREATE TABLE signing_keys (
    name        TEXT    NOT NULL PRIMARY KEY,
    secret      {bytes} NOT NULL CHECK (length(secret) = 32),
    create_time BIGINT  NOT NULL
)";

const TASK_LEASES: &str = "
CREATE TABLE task_leases (
    task        TEXT   NOT NULL PRIMARY KEY,
    holder      {uuid} NOT NULL,
    expire_time BIGINT NOT NULL
)";
