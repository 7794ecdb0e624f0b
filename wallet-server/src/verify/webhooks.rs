//! The checks of endpoints of webhooks and of their failed deliveries. Entries do not cover them; `docs/verify.md`
//! lists the edits that are not seen.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::store::tables::{webhook_deliveries, webhook_endpoints};
use crate::store::{ReadTx, StoreError};
use crate::verify::control::ControlPlane;
use crate::verify::faults::Faults;
use crate::webhooks::EndpointInfo;

/// Checks the rows against the tenants and the last positions of their feeds.
pub(super) async fn check(
    snapshot: &ReadTx,
    control_plane: &ControlPlane,
    last: &BTreeMap<Uuid, i64>,
    faults: &mut Faults,
) -> Result<(), StoreError> {
    faults.about_the_database();
    let is_in_feed = |tenant: Uuid, position: i64| {
        (0..=last.get(&tenant).copied().unwrap_or_default()).contains(&position)
    };
    let mut endpoints = BTreeSet::new();
    snapshot
        .each_of::<webhook_endpoints::Entity>(|row| match row {
            Ok(row) => {
                let (id, position) = (&row.endpoint_id, row.last_position);
                faults.unless(control_plane.has_tenant(row.tenant), 0, || {
                    format!("endpoint {id:?} has tenant {}, which does not exist", row.tenant)
                });
                let read = EndpointInfo::try_from(&row);
                faults.unless(read.is_ok() && row.secret_version > 0, 0, || {
                    format!(
                        "endpoint {id:?} has types {:?}, state {} and secret version {}",
                        row.types, row.state, row.secret_version
                    )
                });
                faults.unless(is_in_feed(row.tenant, position), 0, || {
                    format!("endpoint {id:?} has position {position}, but the feed does not have it")
                });
                endpoints.insert((row.tenant, row.endpoint_id));
            }
            Err(error) => faults.add(0, &format!("a row of webhook_endpoints is unreadable: {error}")),
        })
        .await?;
    snapshot
        .each_of::<webhook_deliveries::Entity>(|row| match row {
            Ok(row) => {
                let position = row.position;
                faults.unless(row.attempts >= 0 && is_in_feed(row.tenant, position), 0, || {
                    let end = last.get(&row.tenant).copied().unwrap_or_default();
                    format!(
                        "a delivery has position {position} and {} attempts, but the feed ends at {end}",
                        row.attempts
                    )
                });
                faults.unless(endpoints.contains(&(row.tenant, row.endpoint_id.clone())), 0, || {
                    format!(
                        "a delivery of position {position} belongs to endpoint {:?}, which does not exist",
                        row.endpoint_id
                    )
                });
            }
            Err(error) => faults.add(0, &format!("a row of webhook_deliveries is unreadable: {error}")),
        })
        .await
}
