//! The publisher to NATS: the position of each tenant's feed up to which the stream has the items.

use sea_orm_migration::prelude::*;

use crate::dialect::Dialect;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0007_nats"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Dialect::run(manager, &[NATS_POSITIONS]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Dialect::run(manager, &["DROP TABLE nats_positions"]).await
    }
}

const NATS_POSITIONS: &str = "
CREATE TABLE nats_positions (
    tenant        {uuid} NOT NULL PRIMARY KEY,
    last_position BIGINT NOT NULL
)";
