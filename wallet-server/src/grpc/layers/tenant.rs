//! The tenant of a call. It never comes from the message.

use tokio::time::Instant;
use wallet_core::TenantId;

/// The context of a call: a request extension that every handler needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    pub(crate) deadline: Instant,
}

/// Returns the context of a call. There are no API keys yet, so every caller belongs to the default tenant.
pub(crate) const fn identify(deadline: Instant) -> Caller {
    Caller { tenant: TenantId::DEFAULT, deadline }
}
