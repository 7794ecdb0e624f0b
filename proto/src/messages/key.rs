//! The requests of `KeyService`.

use prost_types::Timestamp;

use crate::v1::{CreateKeyRequest, ListAuditEventsRequest, ListKeysRequest, RevokeKeyRequest, Scope};

impl CreateKeyRequest {
    /// A key with these scopes that does not expire.
    pub fn new(name: impl Into<String>, scopes: impl IntoIterator<Item = Scope>) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        Self { name: name.into(), scopes, ..Default::default() }
    }

    /// Sets the time from which the key is refused. Default: it does not expire.
    #[must_use]
    pub fn with_expire_time(mut self, expire_time: Timestamp) -> Self {
        self.expire_time = Some(expire_time);
        self
    }
}

impl ListKeysRequest {
    /// The keys of the caller's tenant.
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

impl RevokeKeyRequest {
    /// The key with this id.
    pub fn new(key_id: impl Into<String>) -> Self {
        Self { key_id: key_id.into() }
    }
}

impl ListAuditEventsRequest {
    /// The changes of the caller's tenant.
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
