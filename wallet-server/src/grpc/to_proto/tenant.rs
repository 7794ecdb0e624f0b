//! Renders tenants with their clocks.

use wallet_proto::v1::{Tenant, TenantMode, TenantStatus};

use super::{duration, instant};
use crate::keys::Mode;
use crate::store::{TenantRow, clock_ahead};
use crate::tenants::{created, is_suspended};

pub(crate) fn tenant(row: &TenantRow) -> Tenant {
    let mode = match Mode::of(row) {
        Mode::Live => TenantMode::Live,
        Mode::Test => TenantMode::Test,
    };
    let status = if is_suspended(row) { TenantStatus::Suspended } else { TenantStatus::Active };
    let ahead = clock_ahead(row);
    Tenant {
        name: row.name.clone(),
        mode: mode.into(),
        status: status.into(),
        create_time: created(row).and_then(instant),
        clock_ahead: (!ahead.is_zero()).then(|| duration(ahead)),
    }
}
