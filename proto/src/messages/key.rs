//! The requests of `KeyService`.

use std::time::Duration;

use prost_types::Timestamp;

use super::wire_duration;
use crate::v1::{
    CreateKeyRequest, CreateWalletTokenRequest, ListAuditEventsRequest, ListKeysRequest, RevokeKeyRequest,
    RotateKeyRequest, Scope,
};

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

    /// Sets the most calls per second, at most 100,000, and the most calls at once after a rest, 0 for as many. Default: the rate
    /// that the server allows to every key.
    #[must_use]
    pub fn with_rate(mut self, calls_per_second: i32, calls_burst: i32) -> Self {
        (self.calls_per_second, self.calls_burst) = (calls_per_second, calls_burst);
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

impl RotateKeyRequest {
    /// Replaces the key with this id, which stays valid for 24 hours.
    pub fn new(key_id: impl Into<String>) -> Self {
        Self { key_id: key_id.into(), ..Default::default() }
    }

    /// Sets the time for which the old key stays valid, at most 366 days. Default 24 hours.
    #[must_use]
    pub fn with_overlap(mut self, overlap: Duration) -> Self {
        self.overlap = Some(wire_duration(overlap));
        self
    }
}

impl RevokeKeyRequest {
    /// The key with this id.
    pub fn new(key_id: impl Into<String>) -> Self {
        Self { key_id: key_id.into() }
    }
}

impl CreateWalletTokenRequest {
    /// A token for a wallet with these scopes that expires after 15 minutes.
    pub fn new(wallet_id: impl Into<String>, scopes: impl IntoIterator<Item = Scope>) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        Self { wallet_id: wallet_id.into(), scopes, ..Default::default() }
    }

    /// Sets the time until the token expires, 1 second to 1 hour. Default 15 minutes.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(wire_duration(ttl));
        self
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
