//! The feed: the order in which other systems see entries and notifications.
//!
//! A batch adds the items of its entries to the outbox, in the transaction that writes the entries. The sequencer
//! moves them from there into blocks of the feed, whose positions have no gap within a tenant.

use sea_orm_migration::prelude::*;

use crate::dialect::Dialect;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_feed"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Dialect::run(manager, &[FEED_OUTBOX, FEED_HEADS, FEED_BLOCKS]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drops = ["feed_blocks", "feed_heads", "feed_outbox"].map(|t| format!("DROP TABLE {t}"));
        Dialect::run(manager, &drops.each_ref().map(String::as_str)).await
    }
}

const FEED_OUTBOX: &str = "
CREATE TABLE feed_outbox (
    bucket   SMALLINT NOT NULL,
    batch_id {uuid}   NOT NULL,
    items    {bytes}  NOT NULL,
    PRIMARY KEY (bucket, batch_id)
)";

const FEED_HEADS: &str = "
CREATE TABLE feed_heads (
    tenant         {uuid} NOT NULL PRIMARY KEY,
    first_position BIGINT NOT NULL,
    last_position  BIGINT NOT NULL
)";

const FEED_BLOCKS: &str = "
CREATE TABLE feed_blocks (
    tenant         {uuid}  NOT NULL,
    last_position  BIGINT  NOT NULL,
    first_position BIGINT  NOT NULL,
    create_time    BIGINT  NOT NULL,
    items          {bytes} NOT NULL,
    PRIMARY KEY (tenant, last_position)
)";
