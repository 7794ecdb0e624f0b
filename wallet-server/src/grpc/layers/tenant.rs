//! Tenants: whose wallets a call is about. Never taken from the message.

use http::Request;
use wallet_core::TenantId;

/// The platform that calls: a request extension that every handler needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tenant(pub(crate) TenantId);

/// Finds out who calls. Without API keys everybody is the default tenant; keys will be read here.
pub(crate) fn identify<B>(mut request: Request<B>) -> Request<B> {
    request.extensions_mut().insert(Tenant(TenantId::DEFAULT));
    request
}
