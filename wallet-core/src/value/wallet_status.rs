//! The status of a wallet.

use serde::{Deserialize, Serialize};

/// The status of a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(u8)]
pub enum WalletStatus {
    Active = 1,
    /// Nothing can be reserved; what runs goes on.
    Suspended = 2,
    Closed = 3,
}

impl WalletStatus {
    /// All statuses, in the order of their numbers.
    pub const ALL: [WalletStatus; 3] = [WalletStatus::Active, WalletStatus::Suspended, WalletStatus::Closed];
}
