//! The check of the positions up to which the NATS stream has the items of the feeds.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::store::tables::nats_positions;
use crate::store::{ReadTx, StoreError};
use crate::verify::control::ControlPlane;
use crate::verify::faults::Faults;

/// Checks the rows against the tenants and the last positions of their feeds.
pub(super) async fn check(
    snapshot: &ReadTx,
    control_plane: &ControlPlane,
    last: &BTreeMap<Uuid, i64>,
    faults: &mut Faults,
) -> Result<(), StoreError> {
    faults.about_the_database();
    snapshot
        .each_of::<nats_positions::Entity>(|row| match row {
            Ok(row) => {
                let (tenant, position) = (row.tenant, row.last_position);
                faults.unless(control_plane.has_tenant(tenant), 0, || {
                    format!("nats_positions has tenant {tenant}, which does not exist")
                });
                let end = last.get(&tenant).copied().unwrap_or_default();
                faults.unless((0..=end).contains(&position), 0, || {
                    format!(
                        "nats_positions has position {position} of tenant {tenant}, but the feed ends at {end}"
                    )
                });
            }
            Err(error) => faults.add(0, &format!("a row of nats_positions is unreadable: {error}")),
        })
        .await
}
