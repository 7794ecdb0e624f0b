//! Creates, changes and deletes endpoints. Every change is recorded in the audit by its own transaction.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use wallet_core::feed::ItemType;
use wallet_core::{Author, TenantId, Timestamp};

use crate::clock::Clock;
use crate::store::{Change, ControlTx, DeliveryRow, EndpointRow, FeedEnds, Store, StoreError};
use crate::webhooks::{Allowed, Secret, Sender, WebhookUrl};

/// The most endpoints of a tenant.
pub(crate) const MAX_ENDPOINTS: u64 = 16;
/// The time for which messages are signed with the previous secret as well.
const OVERLAP: Duration = Duration::from_hours(24);

/// The state of an endpoint. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum EndpointState {
    Enabled = 0,
    /// Disabled by an operator.
    Disabled = 1,
    /// The endpoint has answered 410 Gone.
    Gone = 2,
    /// No delivery has succeeded for days.
    Failing = 3,
}

impl EndpointState {
    pub(crate) const ALL: [Self; 4] = [Self::Enabled, Self::Disabled, Self::Gone, Self::Failing];

    pub(crate) const fn number(self) -> i16 {
        self as i16
    }
}

/// An endpoint as it stands, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointInfo {
    pub(crate) id: String,
    pub(crate) url: String,
    /// Empty: all types.
    pub(crate) types: BTreeSet<ItemType>,
    /// An item is delivered only after the one before.
    pub(crate) is_ordered: bool,
    pub(crate) state: EndpointState,
    pub(crate) secret_version: i64,
    pub(crate) last_position: i64,
    /// The time of the first failure after the last success; never if there is none.
    pub(crate) failing_since: Timestamp,
    pub(crate) create_time: Timestamp,
}

impl TryFrom<&EndpointRow> for EndpointInfo {
    type Error = StoreError;

    fn try_from(row: &EndpointRow) -> Result<Self, StoreError> {
        let unreadable =
            |what: &str| StoreError::unreadable(format!("endpoint {:?}: {what}", row.endpoint_id));
        let by_name = |name: &str| ItemType::ALL.iter().find(|item_type| item_type.name() == name).copied();
        let types = row.types.split_whitespace().map(|name| by_name(name).ok_or(name));
        Ok(Self {
            id: row.endpoint_id.clone(),
            url: row.url.clone(),
            types: types.collect::<Result<_, _>>().map_err(|name| unreadable(&format!("type {name:?}")))?,
            is_ordered: row.ordered,
            state: EndpointState::ALL
                .into_iter()
                .find(|state| state.number() == row.state)
                .ok_or_else(|| unreadable(&format!("state {}", row.state)))?,
            secret_version: row.secret_version,
            last_position: row.last_position,
            failing_since: Timestamp::from_micros(row.failing_since),
            create_time: Timestamp::from_micros(row.create_time),
        })
    }
}

/// An endpoint to create.
#[derive(Debug, Clone)]
pub(crate) struct NewEndpoint {
    pub(crate) id: String,
    pub(crate) url: WebhookUrl,
    pub(crate) types: BTreeSet<ItemType>,
    pub(crate) is_ordered: bool,
    /// The position of the feed after which deliveries begin. `None`: its present end.
    pub(crate) after_position: Option<i64>,
}

/// A change of an endpoint. `None` leaves a value as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct EndpointChange {
    pub(crate) id: String,
    pub(crate) url: Option<WebhookUrl>,
    /// An empty set stands for all types.
    pub(crate) types: Option<BTreeSet<ItemType>>,
    pub(crate) is_ordered: Option<bool>,
    pub(crate) is_enabled: Option<bool>,
    /// The next version of the secret.
    pub(crate) secret_version: Option<i64>,
}

/// The reason why an endpoint is not created or changed.
#[derive(Debug, Error)]
pub(crate) enum WebhookError {
    #[error("there is no endpoint {0:?}; ListWebhookEndpoints shows all")]
    NotFound(String),
    #[error("endpoint {0:?} exists with another URL, types or order; change it with UpdateWebhookEndpoint")]
    Exists(String),
    #[error("the tenant has {MAX_ENDPOINTS} endpoints, which is the most; delete one that is not used")]
    TooMany,
    #[error("the secret has version {0}; secret_version must be that or {next}", next = .0 + 1)]
    SecretVersion(i64),
    #[error("the feed has the positions {} to {}", .0.first, .0.last)]
    Position(FeedEnds),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The endpoints of all tenants. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Webhooks {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// The key from which the secrets of all endpoints are derived.
    pub(crate) master: [u8; 32],
    /// The networks that URLs may name besides public ones.
    pub(crate) allowed: Arc<Allowed>,
    pub(crate) sender: Sender,
}

impl Webhooks {
    /// Returns the secret of an endpoint in its present version.
    pub(crate) fn secret(&self, tenant: TenantId, endpoint: &EndpointInfo) -> Secret {
        Secret::derive(&self.master, tenant, &endpoint.id, endpoint.secret_version)
    }

    /// Returns the secrets that sign messages: the present one, and the previous one for a day after a rotation.
    pub(super) fn secrets(&self, row: &EndpointRow, now: Timestamp) -> Vec<Secret> {
        let is_rotated = now < Timestamp::from_micros(row.rotate_time).plus(OVERLAP);
        let previous = (row.secret_version > 1 && is_rotated).then(|| row.secret_version - 1);
        let versions = [Some(row.secret_version), previous].into_iter().flatten();
        let derive = |version| Secret::derive(&self.master, TenantId(row.tenant), &row.endpoint_id, version);
        versions.map(derive).collect()
    }

    /// Creates an endpoint. Returns it, and whether an equal one existed before.
    pub(crate) async fn create(
        &self,
        tenant: TenantId,
        new: NewEndpoint,
        author: &Author,
    ) -> Result<(EndpointInfo, bool), WebhookError> {
        let now = self.clock.now();
        let ends = self.store.feed_ends().await?.get(&tenant).copied().unwrap_or(FeedEnds::EMPTY);
        let last_position = new.after_position.unwrap_or(ends.last);
        if last_position < ends.first - 1 || last_position > ends.last {
            return Err(WebhookError::Position(ends));
        }
        let (url, types) = (new.url.to_string(), type_names(&new.types));
        let transaction = self.store.begin_control().await?;
        // A row that does not exist cannot be locked, nor can the number of rows.
        transaction.lock_tenant(tenant).await?;
        if let Some(row) = transaction.locked_endpoint(tenant, &new.id).await? {
            return match (&row.url, &row.types, row.ordered) == (&url, &types, new.is_ordered) {
                true => Ok(((&row).try_into()?, true)),
                false => Err(WebhookError::Exists(new.id)),
            };
        }
        if transaction.count_endpoints(tenant).await? >= MAX_ENDPOINTS {
            return Err(WebhookError::TooMany);
        }
        let row = EndpointRow {
            tenant: tenant.0,
            endpoint_id: new.id,
            url,
            types,
            ordered: new.is_ordered,
            state: EndpointState::Enabled.number(),
            secret_version: 1,
            rotate_time: now.as_micros(),
            last_position,
            failing_since: Timestamp::NEVER.as_micros(),
            create_time: now.as_micros(),
        };
        let info = EndpointInfo::try_from(&row)?;
        commit(transaction, tenant, "webhook.create", row, author, now).await?;
        Ok((info, false))
    }

    /// Changes an endpoint. Enabling a disabled one resets the time since which it has failed.
    pub(crate) async fn update(
        &self,
        tenant: TenantId,
        change: EndpointChange,
        author: &Author,
    ) -> Result<EndpointInfo, WebhookError> {
        let now = self.clock.now();
        let transaction = self.store.begin_control().await?;
        let row = transaction.locked_endpoint(tenant, &change.id).await?;
        let before = row.ok_or_else(|| WebhookError::NotFound(change.id.clone()))?;
        let mut row = before.clone();
        row.url = change.url.map_or(row.url, |url| url.to_string());
        row.types = change.types.map_or(row.types, |types| type_names(&types));
        row.ordered = change.is_ordered.unwrap_or(row.ordered);
        let was_enabled = row.state == EndpointState::Enabled.number();
        match change.is_enabled {
            Some(true) if !was_enabled => {
                row.state = EndpointState::Enabled.number();
                row.failing_since = Timestamp::NEVER.as_micros();
            }
            Some(false) => row.state = EndpointState::Disabled.number(),
            _ => {}
        }
        match change.secret_version {
            Some(version) if version == row.secret_version + 1 => {
                (row.secret_version, row.rotate_time) = (version, now.as_micros());
            }
            Some(version) if version != row.secret_version => {
                return Err(WebhookError::SecretVersion(row.secret_version));
            }
            _ => {}
        }
        let info = EndpointInfo::try_from(&row)?;
        // The failed message of an ordered endpoint holds up all later ones, so it is sent at once.
        if info.is_ordered && change.is_enabled == Some(true) && !was_enabled {
            transaction.retry_waiting(&row, now).await?;
        }
        if row != before {
            commit(transaction, tenant, "webhook.update", row, author, now).await?;
        }
        Ok(info)
    }

    /// Deletes an endpoint and its failed deliveries.
    pub(crate) async fn delete(
        &self,
        tenant: TenantId,
        id: &str,
        author: &Author,
    ) -> Result<(), WebhookError> {
        let transaction = self.store.begin_control().await?;
        let row = transaction.locked_endpoint(tenant, id).await?;
        let row = row.ok_or_else(|| WebhookError::NotFound(id.to_owned()))?;
        transaction.delete_endpoint(&row).await?;
        let change = Change { action: "webhook.delete", subject: row.endpoint_id, details: row.url };
        Ok(transaction.commit(change.row(tenant, author, self.clock.now())).await?)
    }

    /// Returns the endpoints of a tenant by id.
    pub(crate) async fn list(&self, tenant: TenantId) -> Result<Vec<EndpointInfo>, WebhookError> {
        let rows = self.store.webhook_endpoints(tenant).await?;
        Ok(rows.iter().map(EndpointInfo::try_from).collect::<Result<_, _>>()?)
    }

    /// Returns failed deliveries to an endpoint after a position, at most `limit`.
    pub(crate) async fn deliveries(
        &self,
        tenant: TenantId,
        id: &str,
        after: i64,
        limit: u64,
    ) -> Result<Vec<DeliveryRow>, WebhookError> {
        let endpoint = self.found(tenant, id).await?;
        Ok(self.store.webhook_deliveries(&endpoint, after, limit).await?)
    }

    /// Makes failed deliveries to an endpoint due at once, from one position to another. Returns their number.
    pub(crate) async fn retry(
        &self,
        tenant: TenantId,
        id: &str,
        from: i64,
        to: i64,
    ) -> Result<u64, WebhookError> {
        let endpoint = self.found(tenant, id).await?;
        Ok(self.store.retry_deliveries(&endpoint, from, to, self.clock.now()).await?)
    }

    pub(super) async fn found(&self, tenant: TenantId, id: &str) -> Result<EndpointRow, WebhookError> {
        let found = self.store.webhook_endpoint(tenant, id).await?;
        found.ok_or_else(|| WebhookError::NotFound(id.to_owned()))
    }
}

/// Returns the names of types, separated by spaces.
fn type_names(types: &BTreeSet<ItemType>) -> String {
    let names: Vec<&str> = types.iter().map(|item_type| item_type.name()).collect();
    names.join(" ")
}

/// Writes an endpoint with the audit of its change, and commits.
async fn commit(
    transaction: ControlTx,
    tenant: TenantId,
    action: &'static str,
    row: EndpointRow,
    author: &Author,
    now: Timestamp,
) -> Result<(), StoreError> {
    let types = if row.types.is_empty() { "all types" } else { &row.types };
    let order = if row.ordered { ", ordered" } else { "" };
    let details = format!("{}, {types}{order}, state {}, secret {}", row.url, row.state, row.secret_version);
    let change = Change { action, subject: row.endpoint_id.clone(), details };
    transaction.put_endpoint(row).await?;
    transaction.commit(change.row(tenant, author, now)).await
}
