//! The requests of `WebhookService`.

use crate::v1::{
    CreateWebhookEndpointRequest, DeleteWebhookEndpointRequest, ListWebhookDeliveriesRequest,
    ListWebhookEndpointsRequest, RetryWebhookDeliveriesRequest, TestWebhookEndpointRequest,
    UpdateWebhookEndpointRequest, WebhookEndpointState,
};

impl CreateWebhookEndpointRequest {
    /// An endpoint that gets new items of all types.
    pub fn new(endpoint_id: impl Into<String>, url: impl Into<String>) -> Self {
        Self { endpoint_id: endpoint_id.into(), url: url.into(), ..Default::default() }
    }

    /// Delivers only items of these types, as in `job.settled`. Default: all.
    #[must_use]
    pub fn with_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Delivers items after this position of the feed. Default: its present end.
    #[must_use]
    pub fn with_after_position(mut self, position: i64) -> Self {
        self.after_position = Some(position);
        self
    }

    /// Delivers an item only after the one before. Default: false.
    #[must_use]
    pub fn with_ordered(mut self, ordered: bool) -> Self {
        self.ordered = ordered;
        self
    }
}

impl ListWebhookEndpointsRequest {
    /// All endpoints of the tenant.
    pub fn new() -> Self {
        Self::default()
    }
}

impl UpdateWebhookEndpointRequest {
    /// A change of an endpoint that changes nothing yet.
    pub fn new(endpoint_id: impl Into<String>) -> Self {
        Self { endpoint_id: endpoint_id.into(), ..Default::default() }
    }

    /// Sets the URL. Default: unchanged.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Delivers only items of these types. Default: unchanged.
    #[must_use]
    pub fn with_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Delivers items of all types.
    #[must_use]
    pub fn with_all_types(mut self) -> Self {
        self.all_types = true;
        self
    }

    /// Sets whether an item is delivered only after the one before. Default: unchanged.
    #[must_use]
    pub fn with_ordered(mut self, ordered: bool) -> Self {
        self.ordered = Some(ordered);
        self
    }

    /// Enables or disables the endpoint. Default: unchanged.
    #[must_use]
    pub fn with_state(mut self, state: WebhookEndpointState) -> Self {
        self.state = state.into();
        self
    }

    /// Requests the secret of this version, which is the present one or the next. Default: the secret is unchanged.
    #[must_use]
    pub fn with_secret_version(mut self, version: i64) -> Self {
        self.secret_version = version;
        self
    }
}

impl DeleteWebhookEndpointRequest {
    /// The deletion of an endpoint.
    pub fn new(endpoint_id: impl Into<String>) -> Self {
        Self { endpoint_id: endpoint_id.into() }
    }
}

impl TestWebhookEndpointRequest {
    /// A test of an endpoint.
    pub fn new(endpoint_id: impl Into<String>) -> Self {
        Self { endpoint_id: endpoint_id.into() }
    }
}

impl ListWebhookDeliveriesRequest {
    /// The failed deliveries to an endpoint.
    pub fn new(endpoint_id: impl Into<String>) -> Self {
        Self { endpoint_id: endpoint_id.into(), ..Default::default() }
    }

    /// Lists the deliveries of items after this position. Default 0: all.
    #[must_use]
    pub fn with_after_position(mut self, position: i64) -> Self {
        self.after_position = position;
        self
    }
}

impl RetryWebhookDeliveriesRequest {
    /// Another attempt of all failed deliveries to an endpoint.
    pub fn new(endpoint_id: impl Into<String>) -> Self {
        Self { endpoint_id: endpoint_id.into(), ..Default::default() }
    }

    /// Attempts only the deliveries of items at these positions, both included. Default: all.
    #[must_use]
    pub fn with_positions(mut self, from: i64, to: i64) -> Self {
        (self.from_position, self.to_position) = (from, to);
        self
    }
}
