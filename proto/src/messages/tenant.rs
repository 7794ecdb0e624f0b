//! The requests of `TenantService`.

use prost_types::Timestamp;

use crate::v1::{
    CreateTenantKeyRequest, CreateTenantRequest, ListTenantsRequest, Scope, TenantMode, TenantStatus,
    UpdateTenantRequest,
};

impl CreateTenantRequest {
    /// A tenant with this name, live or for tests.
    pub fn new(name: impl Into<String>, mode: TenantMode) -> Self {
        Self { name: name.into(), mode: mode.into() }
    }
}

impl ListTenantsRequest {
    /// The first page of all tenants.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the largest page, at most 500. Default 50.
    #[must_use]
    pub fn with_page_size(mut self, page_size: i32) -> Self {
        self.page_size = page_size;
        self
    }

    /// Continues after the page with this `next_page_token`.
    #[must_use]
    pub fn with_page_token(mut self, page_token: impl Into<String>) -> Self {
        self.page_token = page_token.into();
        self
    }
}

impl UpdateTenantRequest {
    /// Refuses the calls of a tenant.
    pub fn suspend(name: impl Into<String>) -> Self {
        Self { name: name.into(), status: TenantStatus::Suspended.into() }
    }

    /// Accepts the calls of a tenant again.
    pub fn resume(name: impl Into<String>) -> Self {
        Self { name: name.into(), status: TenantStatus::Active.into() }
    }
}

impl CreateTenantKeyRequest {
    /// A key of a tenant with these scopes that does not expire.
    pub fn new(
        tenant: impl Into<String>,
        name: impl Into<String>,
        scopes: impl IntoIterator<Item = Scope>,
    ) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        Self { tenant: tenant.into(), name: name.into(), scopes, ..Default::default() }
    }

    /// Sets the time from which the key is refused. Default: it does not expire.
    #[must_use]
    pub fn with_expire_time(mut self, expire_time: Timestamp) -> Self {
        self.expire_time = Some(expire_time);
        self
    }

    /// Sets the most calls per second, at most 100,000, and the most calls at once after a rest, 0 for as many. Default: the rate
    /// that the server allows to every key.
    #[must_use]
    pub fn with_rate(mut self, calls_per_second: i32, calls_burst: i32) -> Self {
        (self.calls_per_second, self.calls_burst) = (calls_per_second, calls_burst);
        self
    }
}
