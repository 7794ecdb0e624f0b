//! The feed: gives the items of the outbox their positions, and notifies readers of new ones. Also notifies the
//! watchers of a wallet that it has changed.
//!
//! A reader asks for the items after a position ([`crate::query`]); nothing in a server remembers readers, so a slow one
//! costs nothing.

mod news;
mod places;
mod sequencer;
mod wallet_news;

pub(crate) use news::{FeedListener, FeedNews, News};
pub(crate) use places::AllStreamPlaces;
pub(crate) use sequencer::{Sequencer, SequencerMetrics};
pub(crate) use wallet_news::{WalletListener, WalletNews};
