//! Renders API keys and the audit.

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
    }
}
