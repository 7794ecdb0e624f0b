//! The positions of the feeds up to which the NATS stream has the items.

use std::collections::BTreeMap;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use wallet_core::{TenantId, Timestamp};

use crate::store::tables::nats_positions::{ActiveModel, Column, Entity};
use crate::store::tables::{feed_blocks, feed_heads};
use crate::store::{Store, StoreError};

impl Store {
    /// Returns the position of each tenant. One that is missing is 0.
    pub(crate) async fn nats_positions(&self) -> Result<BTreeMap<TenantId, i64>, StoreError> {
        let rows = Entity::find().all(&self.control()).await?;
        Ok(rows.into_iter().map(|row| (TenantId(row.tenant), row.last_position)).collect())
    }

    /// Moves the position of a tenant forward. A position that is already later does not change.
    #[cfg_attr(not(feature = "nats"), allow(dead_code, reason = "only the publisher moves positions"))]
    pub(crate) async fn move_nats_position(&self, tenant: TenantId, position: i64) -> Result<(), StoreError> {
        let row = ActiveModel { tenant: Set(tenant.0), last_position: Set(position) };
        let forward = OnConflict::column(Column::Tenant)
            .update_column(Column::LastPosition)
            .action_and_where(Column::LastPosition.lt(position))
            .to_owned();
        Entity::insert(row).on_conflict(forward).exec_without_returning(&self.control()).await?;
        Ok(())
    }

    /// Returns the number of items that the stream lacks, and the time at which the first of them got its position.
    /// `None`: it lacks none.
    pub(crate) async fn nats_lag(&self) -> Result<Option<(i64, Timestamp)>, StoreError> {
        let positions = self.nats_positions().await?;
        let (connection, mut lag): (_, Option<(i64, Timestamp)>) = (self.feed(), None);
        for head in feed_heads::Entity::find().all(&connection).await? {
            let position = positions.get(&TenantId(head.tenant)).copied().unwrap_or_default();
            let next = feed_blocks::Entity::find()
                .filter(feed_blocks::Column::Tenant.eq(head.tenant))
                .filter(feed_blocks::Column::LastPosition.gt(position))
                .order_by_asc(feed_blocks::Column::LastPosition)
                .one(&connection)
                .await?;
            if let Some(block) = next {
                let since = Timestamp::from_micros(block.create_time);
                let (count, oldest) = lag.unwrap_or((0, since));
                lag = Some((count + head.last_position - position, oldest.min(since)));
            }
        }
        Ok(lag)
    }
}
