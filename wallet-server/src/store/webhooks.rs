//! Endpoints of webhooks and their deliveries.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany,
};
use uuid::Uuid;
use wallet_core::{Author, TenantId, Timestamp};

use crate::store::control_tx::insert_audit;
use crate::store::tables::webhook_deliveries::{self, Column as Delivery, Entity as Deliveries};
use crate::store::tables::webhook_endpoints::{self, Column as Endpoint, Entity as Endpoints};
use crate::store::timed::TimedConnection;
use crate::store::{Change, ControlTx, Store, StoreError};

/// An endpoint as stored.
pub(crate) type EndpointRow = webhook_endpoints::Model;
/// A delivery that failed, as stored.
pub(crate) type DeliveryRow = webhook_deliveries::Model;

/// The results of a round of deliveries to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryResults {
    /// The position of the feed up to which items have been attempted.
    pub(crate) last_position: i64,
    /// The positions of deliveries that succeeded after earlier failures.
    pub(crate) succeeded: Vec<i64>,
    pub(crate) failed: Vec<DeliveryRow>,
    /// The time of the first failure after the last success.
    pub(crate) failing_since: Timestamp,
    /// The state of the endpoint.
    pub(crate) state: i16,
    /// The reason why the endpoint is disabled. `None`: it is not.
    pub(crate) disabled: Option<String>,
}

impl Store {
    /// Returns the endpoints of a tenant by id.
    pub(crate) async fn webhook_endpoints(&self, tenant: TenantId) -> Result<Vec<EndpointRow>, StoreError> {
        let of_tenant = Endpoints::find().filter(Endpoint::Tenant.eq(tenant.0));
        Ok(of_tenant.order_by_asc(Endpoint::EndpointId).all(&self.control()).await?)
    }

    /// Returns the endpoints of all tenants in a state.
    pub(crate) async fn webhook_endpoints_in(&self, state: i16) -> Result<Vec<EndpointRow>, StoreError> {
        Ok(Endpoints::find().filter(Endpoint::State.eq(state)).all(&self.control()).await?)
    }

    /// Returns the tenants and ids of the endpoints that have a delivery whose next attempt is due.
    pub(crate) async fn webhook_endpoints_due(
        &self,
        now: Timestamp,
    ) -> Result<BTreeSet<(Uuid, String)>, StoreError> {
        let due = Deliveries::find()
            .select_only()
            .columns([Delivery::Tenant, Delivery::EndpointId])
            .filter(Delivery::NextTime.lte(now.as_micros()))
            .distinct();
        let rows: Vec<(Uuid, String)> = due.into_tuple().all(&self.control()).await?;
        Ok(rows.into_iter().collect())
    }

    /// Returns an endpoint.
    pub(crate) async fn webhook_endpoint(
        &self,
        tenant: TenantId,
        id: &str,
    ) -> Result<Option<EndpointRow>, StoreError> {
        Ok(Endpoints::find_by_id((tenant.0, id.to_owned())).one(&self.control()).await?)
    }

    /// Returns failed deliveries to an endpoint after a position, at most `limit`.
    pub(crate) async fn webhook_deliveries(
        &self,
        endpoint: &EndpointRow,
        after: i64,
        limit: u64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let after = of(endpoint).filter(Delivery::Position.gt(after)).order_by_asc(Delivery::Position);
        Ok(after.limit(limit).all(&self.control()).await?)
    }

    /// Returns the deliveries to an endpoint whose next attempt is due, the longest due first, at most `limit`.
    pub(crate) async fn webhook_deliveries_due(
        &self,
        endpoint: &EndpointRow,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let due = of(endpoint).filter(Delivery::NextTime.lte(now.as_micros()));
        Ok(due.order_by_asc(Delivery::NextTime).limit(limit).all(&self.control()).await?)
    }

    /// Returns the delivery to an endpoint that waits for another attempt and has the lowest position.
    pub(crate) async fn webhook_delivery_first(
        &self,
        endpoint: &EndpointRow,
    ) -> Result<Option<DeliveryRow>, StoreError> {
        let waiting = of(endpoint).filter(is_waiting());
        Ok(waiting.order_by_asc(Delivery::Position).one(&self.control()).await?)
    }

    /// Returns the number of deliveries to an endpoint that wait for another attempt.
    pub(crate) async fn webhook_deliveries_waiting(&self, endpoint: &EndpointRow) -> Result<u64, StoreError> {
        let waiting = of(endpoint).filter(is_waiting());
        Ok(waiting.count(&self.control()).await?)
    }

    /// Records the result of deliveries that ended at `now`, with the audit if the endpoint is disabled. With
    /// `retry_waiting` all other deliveries to the endpoint that wait for another attempt become due at once. Records
    /// nothing and returns false if the endpoint was deleted, also if another one has its id now, if an operator has
    /// disabled it, or if another server has delivered meanwhile.
    pub(crate) async fn record_deliveries(
        &self,
        endpoint: &EndpointRow,
        result: DeliveryResults,
        retry_waiting: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let transaction = TimedConnection::begin_writing(self.control_pool(), self.call_timeout()).await?;
        let moved = Endpoints::update_many()
            .col_expr(Endpoint::LastPosition, result.last_position.into())
            .col_expr(Endpoint::FailingSince, result.failing_since.as_micros().into())
            .col_expr(Endpoint::State, result.state.into())
            .filter(Endpoint::Tenant.eq(endpoint.tenant))
            .filter(Endpoint::EndpointId.eq(&endpoint.endpoint_id))
            .filter(Endpoint::CreateTime.eq(endpoint.create_time))
            .filter(Endpoint::LastPosition.eq(endpoint.last_position))
            .filter(Endpoint::State.eq(endpoint.state));
        if moved.exec(&transaction).await?.rows_affected == 0 {
            return Ok(false);
        }
        if let Some(details) = result.disabled {
            let subject = endpoint.endpoint_id.clone();
            let change = Change { action: "webhook.disable", subject, details };
            let audit = change.row(TenantId(endpoint.tenant), &Author::system(), now);
            insert_audit(&transaction, self.recorded(), audit).await?;
        }
        if retry_waiting {
            due_now(endpoint, now).filter(is_waiting()).exec(&transaction).await?;
        }
        if !result.succeeded.is_empty() {
            let done = Deliveries::delete_many()
                .filter(Delivery::Tenant.eq(endpoint.tenant))
                .filter(Delivery::EndpointId.eq(&endpoint.endpoint_id))
                .filter(Delivery::Position.is_in(result.succeeded));
            done.exec(&transaction).await?;
        }
        for row in result.failed {
            let key = [Delivery::Tenant, Delivery::EndpointId, Delivery::Position];
            let changes = [Delivery::Attempts, Delivery::AttemptTime, Delivery::NextTime, Delivery::Failure];
            let replace = OnConflict::columns(key).update_columns(changes).to_owned();
            let insert = Deliveries::insert(row.into_active_model()).on_conflict(replace);
            insert.exec_without_returning(&transaction).await?;
        }
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(true)
    }

    /// Makes the failed deliveries to an endpoint due at once, with the schedule from its beginning, from one position
    /// to another. Returns their number.
    pub(crate) async fn retry_deliveries(
        &self,
        endpoint: &EndpointRow,
        from: i64,
        to: i64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let again = due_now(endpoint, now)
            .col_expr(Delivery::Attempts, Expr::value(0))
            .filter(Delivery::Position.between(from, to));
        Ok(again.exec(&self.control()).await?.rows_affected)
    }
}

impl ControlTx {
    /// Writes an endpoint that is new or changed by an operator.
    pub(crate) async fn put_endpoint(&self, row: EndpointRow) -> Result<(), StoreError> {
        let key = [Endpoint::Tenant, Endpoint::EndpointId];
        let changes = [
            Endpoint::Url,
            Endpoint::Types,
            Endpoint::Ordered,
            Endpoint::State,
            Endpoint::SecretVersion,
            Endpoint::RotateTime,
            Endpoint::FailingSince,
        ];
        let replace = OnConflict::columns(key).update_columns(changes).to_owned();
        let insert = Endpoints::insert(row.into_active_model()).on_conflict(replace);
        insert.exec_without_returning(self.transaction()).await?;
        Ok(())
    }

    /// Makes the deliveries to an endpoint that wait for another attempt due at once, with the schedule from its
    /// beginning.
    pub(crate) async fn retry_waiting(
        &self,
        endpoint: &EndpointRow,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let again = due_now(endpoint, now).col_expr(Delivery::Attempts, Expr::value(0)).filter(is_waiting());
        again.exec(self.transaction()).await?;
        Ok(())
    }

    /// Returns an endpoint as it is committed, and locks it. A SQLite file is locked by the transaction.
    pub(crate) async fn locked_endpoint(
        &self,
        tenant: TenantId,
        id: &str,
    ) -> Result<Option<EndpointRow>, StoreError> {
        let query = Endpoints::find_by_id((tenant.0, id.to_owned()));
        Ok(query.lock_exclusive().one(self.transaction()).await?)
    }

    /// Returns the number of endpoints of a tenant.
    pub(crate) async fn count_endpoints(&self, tenant: TenantId) -> Result<u64, StoreError> {
        Ok(Endpoints::find().filter(Endpoint::Tenant.eq(tenant.0)).count(self.transaction()).await?)
    }

    /// Deletes an endpoint with its deliveries.
    pub(crate) async fn delete_endpoint(&self, endpoint: &EndpointRow) -> Result<(), StoreError> {
        let key = (endpoint.tenant, endpoint.endpoint_id.clone());
        Endpoints::delete_by_id(key).exec(self.transaction()).await?;
        let deliveries = Deliveries::delete_many()
            .filter(Delivery::Tenant.eq(endpoint.tenant))
            .filter(Delivery::EndpointId.eq(&endpoint.endpoint_id));
        deliveries.exec(self.transaction()).await?;
        Ok(())
    }
}

/// Returns the statement that makes deliveries to an endpoint due. Callers restrict it by further filters.
fn due_now(endpoint: &EndpointRow, now: Timestamp) -> UpdateMany<Deliveries> {
    Deliveries::update_many()
        .col_expr(Delivery::NextTime, now.as_micros().into())
        .filter(Delivery::Tenant.eq(endpoint.tenant))
        .filter(Delivery::EndpointId.eq(&endpoint.endpoint_id))
}

/// Returns the condition for deliveries that wait for another attempt.
fn is_waiting() -> Expr {
    Delivery::NextTime.lt(Timestamp::NEVER.as_micros())
}

fn of(endpoint: &EndpointRow) -> sea_orm::Select<Deliveries> {
    Deliveries::find()
        .filter(Delivery::Tenant.eq(endpoint.tenant))
        .filter(Delivery::EndpointId.eq(&endpoint.endpoint_id))
}
