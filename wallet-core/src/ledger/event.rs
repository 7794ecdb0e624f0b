//! Events: notifications that are given once, because of an entry. They are part of the entry, and of its hash.

use serde::{Deserialize, Serialize};

use crate::value::grant_key::GrantKey;
use crate::value::ids::{OriginId, UnitId};
use crate::value::time::Timestamp;

/// The kind of a notification. The numbers are stored and hashed: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum EventKind {
    /// The available amount fell below a threshold. Given again only after the amount was 10 % above the threshold.
    LowBalance = 1,
    /// The available amount fell to 0. Given again only after the amount was above 0.
    Exhausted = 2,
    /// The rest of a grant expires in a few days. Given once per grant.
    GrantExpiring = 3,
    /// The available amount rose 10 % above a threshold, or above 0 after it was exhausted. Given once per notification
    /// of a low or exhausted balance.
    Recovered = 4,
    /// The available amount is below the threshold of the auto top-up: a purchase is due. Given once per purchase.
    AutoTopUpDue = 5,
    /// The payment of such a purchase was declined.
    AutoTopUpFailed = 6,
}

impl EventKind {
    pub const ALL: [EventKind; 6] = [
        EventKind::LowBalance,
        EventKind::Exhausted,
        EventKind::GrantExpiring,
        EventKind::Recovered,
        EventKind::AutoTopUpDue,
        EventKind::AutoTopUpFailed,
    ];

    /// Returns whether the notification is about a purchase of the auto top-up.
    pub const fn is_about_auto_top_up(self) -> bool {
        matches!(self, Self::AutoTopUpDue | Self::AutoTopUpFailed)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub kind: EventKind,
    pub unit: UnitId,
    /// The available amount at that time, in minor units: of the wallet, or of the grant that expires.
    pub available: i64,
    /// The threshold below which the balance is or was low, or that of the auto top-up, in minor units. 0 for
    /// exhaustion and for other kinds.
    pub threshold: i64,
    /// The grant that expires.
    pub grant: Option<GrantKey>,
    /// The expiry of the grant; [`Timestamp::NEVER`] for other kinds.
    pub expire_time: Timestamp,
    /// The purchase of the auto top-up. The entry hashes it separately, after all its notifications.
    #[serde(skip)]
    pub auto_top_up: Option<Box<AutoTopUpEvent>>,
}

/// The purchase of a notification about the auto top-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoTopUpEvent {
    /// The `top_up_id` of the purchase.
    pub top_up: OriginId,
    pub pack: String,
    /// The number of packs.
    pub quantity: u32,
    /// The end of the wait after a decline. `None` for other kinds, and if auto top-up is off.
    #[serde(default)]
    pub retry_time: Option<Timestamp>,
}

impl Event {
    pub(crate) fn about_balance(kind: EventKind, unit: &UnitId, available: i64, threshold: i64) -> Self {
        let (grant, expire_time) = (None, Timestamp::NEVER);
        Self { kind, unit: unit.clone(), available, threshold, grant, expire_time, auto_top_up: None }
    }
}
