//! The parts of the application that handlers call.

use std::sync::Arc;

use crate::catalogs::PublishedCatalogs;
use crate::engine::{Engine, MovableTime};
use crate::feed::{FeedNotifier, WalletNotifier};
use crate::grpc::layers::CallMetrics;
use crate::keys::{KeyCheck, Keys};
use crate::query::Queries;
use crate::quote::QuoteSigner;
use crate::tenants::Tenants;
use crate::traces::Traces;
use crate::webhooks::Webhooks;

/// The parts of the application that handlers call. Handlers read no clock: the engine and the queries return the
/// time of each decision or read.
#[derive(Clone)]
pub(crate) struct Services {
    /// Decides and writes commands.
    pub(crate) engine: Engine,
    /// Reads wallets, lists and totals.
    pub(crate) queries: Queries,
    /// Has the published catalogs.
    pub(crate) catalogs: PublishedCatalogs,
    /// Signs and opens quotes.
    pub(crate) quotes: QuoteSigner,
    /// Issues and revokes API keys.
    pub(crate) keys: Keys,
    /// Recognises API keys. `None`: callers are not authenticated.
    pub(crate) key_check: Option<KeyCheck>,
    /// Creates and suspends tenants.
    pub(crate) tenants: Tenants,
    /// Moves clocks for tests.
    pub(crate) time: MovableTime,
    /// Creates and changes endpoints of webhooks.
    pub(crate) webhooks: Webhooks,
    /// Notifies watchers of new items of the feed.
    pub(crate) feed_notifier: FeedNotifier,
    /// Notifies watchers of changed wallets.
    pub(crate) wallet_notifier: WalletNotifier,
    /// Counts the calls.
    pub(crate) call_metrics: Arc<CallMetrics>,
    /// Traces the calls, if there is a collector.
    pub(crate) traces: Traces,
}
