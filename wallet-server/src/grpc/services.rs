//! What handlers work with: the parts of the application, handed in by whoever builds it.

use crate::catalogs::PublishedCatalogs;
use crate::engine::Engine;
use crate::query::Queries;
use crate::quote::QuoteSigner;

/// The parts of the application that handlers call. They need no clock: the engine and the queries say when
/// something was decided or read.
#[derive(Clone)]
pub(crate) struct Services {
    /// Decides and writes.
    pub(crate) engine: Engine,
    /// Reads.
    pub(crate) queries: Queries,
    /// Prices, plans and packs.
    pub(crate) catalogs: PublishedCatalogs,
    /// Signs and opens quotes.
    pub(crate) quotes: QuoteSigner,
}
