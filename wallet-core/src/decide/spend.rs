//! The order in which grants are spent, and the selection of credits in this order.
//!
//! The order is total: the same state always spends the same grants.

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::value::ids::UnitId;
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::{Grant, GrantKey};

/// Credits taken from one grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    pub grant: GrantKey,
    pub source: Source,
    /// The amount taken, in minor units.
    pub amount: i64,
}

/// Returns the grants of a unit that have available credits, in spending order: by the catalog's order of sources,
/// then the lower priority number, the sooner expiry ("never" last), the older grant, the smaller id.
///
/// The wallet must have been advanced, so that available credits are effective and unexpired.
pub fn in_order<'a>(wallet: &'a Wallet, catalog: &Catalog, unit: &UnitId) -> Vec<&'a Grant> {
    let mut grants: Vec<&Grant> =
        wallet.grants.values().filter(|grant| grant.unit == *unit && grant.parts.available > 0).collect();
    grants.sort_by_key(|grant| order(catalog, grant));
    grants
}

/// Returns the sort key of the spending order.
pub fn order<'a>(catalog: &Catalog, grant: &'a Grant) -> impl Ord + use<'a> {
    (catalog.spend_rank(grant.source), grant.priority, grant.expire_time, grant.create_time, &grant.key)
}

/// Takes up to `amount` minor units of a unit in spending order. The sum of the takes is smaller if the wallet has
/// less.
pub fn take(wallet: &Wallet, catalog: &Catalog, unit: &UnitId, amount: i64) -> Vec<Take> {
    let mut left = amount;
    let mut takes = Vec::new();
    for grant in in_order(wallet, catalog, unit) {
        if left <= 0 {
            break;
        }
        let part = grant.parts.available.min(left);
        left -= part;
        takes.push(Take { grant: grant.key.clone(), source: grant.source, amount: part });
    }
    takes
}

/// The place of a grant in a listing: by unit, open grants first, each in spending order. A place remains a valid
/// position in the listing after its grant has moved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListingPlace {
    unit: UnitId,
    closed: bool,
    rank: u8,
    priority: i32,
    expire_time: Timestamp,
    create_time: Timestamp,
    key: GrantKey,
}

impl ListingPlace {
    /// Returns the place of a grant under this catalog's order of sources.
    pub fn of(catalog: &Catalog, grant: &Grant) -> Self {
        Self {
            unit: grant.unit.clone(),
            closed: !grant.is_open(),
            rank: catalog.spend_rank(grant.source),
            priority: grant.priority,
            expire_time: grant.expire_time,
            create_time: grant.create_time,
            key: grant.key.clone(),
        }
    }
}

/// Sorts grants for a listing, pending and held ones included.
pub fn listing_order<'a>(catalog: &Catalog, grants: impl Iterator<Item = &'a Grant>) -> Vec<&'a Grant> {
    let mut grants: Vec<&Grant> = grants.collect();
    grants.sort_by_cached_key(|grant| ListingPlace::of(catalog, grant));
    grants
}
