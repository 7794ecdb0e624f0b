//! The requests of `EventService`.

use crate::v1::{EventKind, ListEventsRequest, ListFeedRequest, WatchFeedRequest, WatchWalletRequest};

impl ListEventsRequest {
    /// The notifications of a wallet from its first one.
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), ..Default::default() }
    }

    /// Keeps notifications of entries above this revision. Default 0: from the first one.
    #[must_use]
    pub fn with_after_revision(mut self, revision: i64) -> Self {
        self.after_revision = revision;
        self
    }

    /// Keeps notifications of these kinds. Default: all.
    #[must_use]
    pub fn with_kinds(mut self, kinds: impl IntoIterator<Item = EventKind>) -> Self {
        self.kinds = kinds.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the largest page, at most 500. Default 50.
    #[must_use]
    pub fn with_page_size(mut self, page_size: i32) -> Self {
        self.page_size = page_size;
        self
    }
}

impl ListFeedRequest {
    /// The items of the feed after a position; 0 is the beginning.
    pub fn new(after_position: i64) -> Self {
        Self { after_position, ..Default::default() }
    }

    /// Keeps items of these types, as in `job.settled`. Default: all.
    #[must_use]
    pub fn with_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps items of these wallets. Default: all.
    #[must_use]
    pub fn with_wallet_ids(mut self, wallet_ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.wallet_ids = wallet_ids.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the largest page, at most 500. Default 50.
    #[must_use]
    pub fn with_page_size(mut self, page_size: i32) -> Self {
        self.page_size = page_size;
        self
    }
}

impl WatchFeedRequest {
    /// The items of the feed after a position; 0 is the beginning.
    pub fn new(after_position: i64) -> Self {
        Self { after_position, ..Default::default() }
    }

    /// Keeps items of these types, as in `job.settled`. Default: all.
    #[must_use]
    pub fn with_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps items of these wallets. Default: all.
    #[must_use]
    pub fn with_wallet_ids(mut self, wallet_ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.wallet_ids = wallet_ids.into_iter().map(Into::into).collect();
        self
    }
}

impl WatchWalletRequest {
    /// The balances of a wallet.
    pub fn new(wallet_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into() }
    }
}
