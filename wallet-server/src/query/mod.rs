//! Reads: the present and the past of a wallet, from one snapshot. Due events are processed in memory, and nothing
//! is written.

mod costly;
mod error;
mod feed;
mod grouped;
mod keys;
mod lists;
mod page;
mod preview;
mod queries;
mod snapshot;
mod usage;

pub(crate) use error::ReadError;
pub(crate) use feed::{FeedContent, FeedFilter, FeedItem, FeedPage};
pub(crate) use lists::{EntryFilter, EventFilter, ReservationFilter, WalletFilter};
pub(crate) use page::{Listed, Page};
pub(crate) use preview::Effects;
pub(crate) use queries::Queries;
pub(crate) use snapshot::Snapshot;
pub(crate) use usage::{GroupBy, Usage, UsageQuery};

pub(crate) use crate::store::RecordedEvent;
