//! What handlers work with: the parts of the application, handed in by whoever builds it.

use crate::catalogs::PublishedCatalogs;
use crate::engine::{Engine, ManualTime};
use crate::query::Queries;
use crate::quote::QuoteSigner;

/// The parts of the application that handlers call. They read no clock: the engine and the queries say when
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
    /// Moves the clock, if it is one that can be moved.
    pub(crate) manual_time: Option<ManualTime>,
}
