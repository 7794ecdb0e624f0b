//! Renders API keys and the audit.

use std::num::NonZeroU32;

use wallet_core::Timestamp;
use wallet_proto::v1;

use super::instant;
use crate::keys::{KeyInfo, Scope};
use crate::store::AuditRow;

pub(crate) fn api_key(info: &KeyInfo) -> v1::ApiKey {
    v1::ApiKey {
        key_id: info.id.clone(),
        name: info.name.clone(),
        scopes: info.scopes.iter().map(|of| scope(of).into()).collect(),
        create_time: instant(info.create_time),
        expire_time: instant(info.expire_time),
        revoke_time: instant(info.revoke_time),
        calls_per_second: info.rate.map_or(0, |rate| number(rate.per_second)),
        calls_burst: info.rate.map_or(0, |rate| number(rate.burst)),
    }
}

pub(crate) fn audit_event(row: &AuditRow) -> v1::AuditEvent {
    v1::AuditEvent {
        event_time: instant(Timestamp::from_micros(row.event_time)),
        principal: row.principal.clone(),
        call_id: row.call_id.clone(),
        action: row.action.clone(),
        subject: row.subject.clone(),
        details: row.details.clone(),
    }
}

/// Returns a number of calls, which is far below the bound of the type.
fn number(calls: NonZeroU32) -> i32 {
    i32::try_from(calls.get()).unwrap_or(i32::MAX)
}

const fn scope(scope: Scope) -> v1::Scope {
    match scope {
        Scope::Estimate => v1::Scope::Estimate,
        Scope::Reserve => v1::Scope::Reserve,
        Scope::Settle => v1::Scope::Settle,
        Scope::Topup => v1::Scope::Topup,
        Scope::Read => v1::Scope::Read,
        Scope::Admin => v1::Scope::Admin,
        Scope::Catalog => v1::Scope::Catalog,
        Scope::Events => v1::Scope::Events,
        Scope::Keys => v1::Scope::Keys,
        Scope::Tenants => v1::Scope::Tenants,
    }
}
