//! The circumstances of a decision.

use crate::value::time::Timestamp;
use crate::wallet::catalogs::Catalogs;

/// What a decision is made with, besides the wallet.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The instant it is made.
    pub now: Timestamp,
    /// The catalogs at hand.
    pub catalogs: &'a Catalogs,
}
