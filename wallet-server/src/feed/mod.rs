//! The feed: gives the items of the outbox their positions, and notifies readers of new ones. Also notifies the
//! watchers of a wallet that it has changed.
//!
//! A reader asks for the items after a position ([`crate::query`]); nothing in a server remembers readers, so a slow
//! one costs nothing.

mod feed_notifier;
mod places;
mod sequencer;
mod wallet_notifier;

pub(crate) use feed_notifier::{FeedListener, FeedNotifier, Wakeup};
pub(crate) use places::AllStreamPlaces;
pub(crate) use sequencer::{Sequencer, SequencerMetrics};
pub(crate) use wallet_notifier::{WalletListener, WalletNotifier};
