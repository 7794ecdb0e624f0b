//! The requests of `CatalogService`.

use crate::v1::{GetCatalogRequest, GetPriceTableRequest, PublishCatalogRequest};

impl PublishCatalogRequest {
    /// Publishes a catalog document in TOML, at most 256 KiB.
    pub fn new(toml: impl Into<String>) -> Self {
        Self { toml: toml.into(), ..Default::default() }
    }

    /// Checks the document and publishes nothing. Default false.
    #[must_use]
    pub fn with_validate_only(mut self, validate_only: bool) -> Self {
        self.validate_only = validate_only;
        self
    }

    /// Sets the version that the document replaces. Refused with CATALOG_SUPERSEDED if another one is current. Default:
    /// any.
    #[must_use]
    pub fn with_expected_version(mut self, version: i64) -> Self {
        self.expected_version = version;
        self
    }
}

impl GetCatalogRequest {
    /// The current catalog.
    pub fn current() -> Self {
        Self { version: 0 }
    }

    /// The catalog with this version.
    pub fn version(version: i64) -> Self {
        Self { version }
    }
}

impl GetPriceTableRequest {
    /// All price rules of the current catalog.
    pub fn current() -> Self {
        Self::default()
    }

    /// Sets the catalog version. Default: the current one.
    #[must_use]
    pub fn with_catalog_version(mut self, version: i64) -> Self {
        self.catalog_version = version;
        self
    }

    /// Keeps rules of these kinds, at most 100. Default: all.
    #[must_use]
    pub fn with_kinds<K: Into<String>>(mut self, kinds: impl IntoIterator<Item = K>) -> Self {
        self.kinds = kinds.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps rules that apply to this tier. Default: all.
    #[must_use]
    pub fn with_tier(mut self, tier: impl Into<String>) -> Self {
        self.tier = tier.into();
        self
    }
}
