//! The tenant of a call. It never comes from the message.

use http::Request;
use wallet_core::TenantId;

/// The tenant of the caller: a request extension that every handler needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tenant(pub(crate) TenantId);

/// Adds the tenant of the caller. There are no API keys yet, so every caller belongs to the default tenant.
pub(crate) fn identify<B>(mut request: Request<B>) -> Request<B> {
    request.extensions_mut().insert(Tenant(TenantId::DEFAULT));
    request
}
