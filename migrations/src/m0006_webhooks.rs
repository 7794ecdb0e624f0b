//! Webhooks: the endpoints that get items of the feed, and the deliveries that wait for another attempt.

use sea_orm_migration::prelude::*;

use crate::dialect::Dialect;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_webhooks"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Dialect::run(manager, &[WEBHOOK_ENDPOINTS, WEBHOOK_DELIVERIES]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Dialect::run(manager, &["DROP TABLE webhook_deliveries", "DROP TABLE webhook_endpoints"]).await
    }
}

const WEBHOOK_ENDPOINTS: &str = "
CREATE TABLE webhook_endpoints (
    tenant         {uuid}   NOT NULL,
    endpoint_id    TEXT     NOT NULL,
    url            TEXT     NOT NULL,
    types          TEXT     NOT NULL,
    ordered        BOOLEAN  NOT NULL,
    state          SMALLINT NOT NULL CHECK (state BETWEEN 0 AND 3),
    secret_version BIGINT   NOT NULL CHECK (secret_version > 0),
    rotate_time    BIGINT   NOT NULL,
    last_position  BIGINT   NOT NULL,
    failing_since  BIGINT   NOT NULL,
    create_time    BIGINT   NOT NULL,
    PRIMARY KEY (tenant, endpoint_id)
)";

const WEBHOOK_DELIVERIES: &str = "
CREATE TABLE webhook_deliveries (
    tenant       {uuid}  NOT NULL,
    endpoint_id  TEXT    NOT NULL,
    position     BIGINT  NOT NULL,
    attempts     INTEGER NOT NULL,
    attempt_time BIGINT  NOT NULL,
    next_time    BIGINT  NOT NULL,
    failure      TEXT    NOT NULL,
    PRIMARY KEY (tenant, endpoint_id, position)
)";
