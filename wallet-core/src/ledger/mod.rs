//! The ledger: entries with their postings, notifications and row digests, as data.

pub(crate) mod canonical;
pub mod entry;
pub mod event;
pub mod feed;
pub(crate) mod in_feed;
pub mod posting;
pub mod row_digests;
