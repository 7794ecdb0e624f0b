//! The leases of background tasks that one server runs for all, and of the parts of the sweep. They only avoid
//! duplicate work: the tasks are correct even if several servers run them.

use std::time::Duration;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter};
use uuid::Uuid;
use wallet_core::Timestamp;

use crate::store::tables::task_leases::{ActiveModel, Column, Entity};
use crate::store::{Store, StoreError};

impl Store {
    /// Takes or renews the lease of a task. Returns false if another server holds it.
    pub(crate) async fn task_lease(
        &self,
        task: &str,
        holder: Uuid,
        now: Timestamp,
        length: Duration,
    ) -> Result<bool, StoreError> {
        lease(&self.control(), task, holder, now, length).await
    }

    /// Takes or renews the lease of the sweep of a part of the buckets, on the connection of the sweeper. Returns false
    /// if another server holds it.
    pub(crate) async fn sweep_lease(
        &self,
        part: i16,
        holder: Uuid,
        now: Timestamp,
        length: Duration,
    ) -> Result<bool, StoreError> {
        lease(&self.sweeper(), &format!("sweep-{part}"), holder, now, length).await
    }

    /// Gives the lease of a task back, if this holder has it.
    pub(crate) async fn end_task_lease(&self, task: &str, holder: Uuid) -> Result<(), StoreError> {
        let own = Entity::delete_by_id(task).filter(Column::Holder.eq(holder));
        own.exec(&self.control()).await?;
        Ok(())
    }
}

async fn lease(
    connection: &impl ConnectionTrait,
    task: &str,
    holder: Uuid,
    now: Timestamp,
    length: Duration,
) -> Result<bool, StoreError> {
    let row = ActiveModel {
        task: Set(task.to_owned()),
        holder: Set(holder),
        expire_time: Set(now.plus(length).as_micros()),
    };
    let free = Column::Holder.eq(holder).or(Column::ExpireTime.lt(now.as_micros()));
    let take = OnConflict::column(Column::Task)
        .update_columns([Column::Holder, Column::ExpireTime])
        .action_and_where(free)
        .to_owned();
    let taken = Entity::insert(row).on_conflict(take).exec_without_returning(connection).await?;
    Ok(taken > 0)
}
