//! The requests of `EventService`.

use crate::v1::{EventKind, ListEventsRequest};

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
