//! The context of a decision: its instant and its catalogs.

use crate::value::time::Timestamp;
use crate::wallet::catalogs::Catalogs;

/// The inputs of a decision, besides the wallet and the command.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The instant of the decision.
    pub now: Timestamp,
    /// The current catalog, and the older versions that the wallet or the command refers to.
    pub catalogs: &'a Catalogs,
}
