//! Balances and other views of a wallet, for replies and reads.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, Limit};
use crate::value::ids::{UnitId, WalletId};
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::value::wallet_status::WalletStatus;
use crate::wallet::catalogs::Catalogs;
use crate::wallet::grant::Grant;
use crate::wallet::profile::Profile;
use crate::wallet::rejection::Rejection;
use crate::wallet::state::Balance;
use crate::wallet::state::Wallet;

/// The balance of one unit, in detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitBalance {
    pub unit: UnitId,
    pub total: Balance,
    /// The available and held amounts, by source in spending order.
    pub by_source: Vec<(Source, i64, i64)>,
    /// The next expiry of available credits, and their amount.
    pub next_expiry: Option<(Timestamp, i64)>,
}

/// The properties of a wallet, as they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletView {
    /// The id that the platform chose.
    pub id: WalletId,
    pub status: WalletStatus,
    /// True if an invariant is violated: no command is carried out until an operator unfreezes the wallet.
    pub frozen: bool,
    /// The properties that rarely change.
    pub profile: Box<Profile>,
    /// The plan whose prices and limits apply.
    pub plan: Option<String>,
    /// The number of open reservations.
    pub open_reservations: i64,
    /// The instant of its first entry.
    pub create_time: Timestamp,
    /// The revision of its last entry.
    pub revision: i64,
    /// The version of its last write.
    pub version: i64,
}

impl WalletView {
    /// Returns the properties of a wallet in which nothing is due.
    pub fn of(wallet: &Wallet, catalog: &Catalog) -> Self {
        Self {
            id: wallet.id.clone(),
            status: wallet.status,
            frozen: wallet.frozen,
            profile: wallet.profile.clone(),
            plan: wallet.plan_id(catalog).map(str::to_owned),
            open_reservations: wallet.open_reservations,
            create_time: wallet.create_time,
            revision: wallet.revision,
            version: wallet.version,
        }
    }
}

/// The properties of a wallet's plan, for workers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanView {
    /// The plan; none if nothing is restricted.
    pub plan: Option<String>,
    /// The tier that price rules match.
    pub tier: Option<String>,
    /// The priority of its jobs; higher numbers are served earlier.
    pub queue_priority: i32,
    /// The features of the plan. Only the platform gives their names a meaning.
    pub features: Vec<String>,
    /// The limits of the plan and the negotiated ones, by name; those that are missing are unlimited.
    pub limits: BTreeMap<String, u64>,
}

impl PlanView {
    /// Returns the properties of the plan of a wallet in which nothing is due.
    pub fn of(wallet: &Wallet, catalogs: &Catalogs) -> Result<Self, Rejection> {
        let plan = wallet.plan(catalogs)?;
        let negotiated = wallet.profile.running().map(|subscription| &subscription.sold.limits);
        let names = plan.into_iter().flat_map(|plan| plan.limits.keys());
        let names = names.chain(negotiated.into_iter().flat_map(|limits| limits.keys()));
        let bounded = |name: &String| match wallet.limit(catalogs, name) {
            Ok(Limit::AtMost(most)) => Some(Ok((name.clone(), most))),
            Ok(Limit::Unlimited) => None,
            Err(rejection) => Some(Err(rejection)),
        };
        Ok(Self {
            plan: plan.map(|plan| plan.id.clone()),
            tier: plan.map(|plan| plan.tier.clone()),
            queue_priority: plan.map_or(0, |plan| plan.queue_priority),
            features: plan.map(|plan| plan.features.clone()).unwrap_or_default(),
            limits: names.filter_map(bounded).collect::<Result<_, _>>()?,
        })
    }
}

/// Returns the balances of a wallet in which nothing is due, of every unit that it ever had.
pub fn unit_balances(wallet: &Wallet, catalog: &Catalog) -> Vec<UnitBalance> {
    wallet.balances.keys().map(|unit| unit_balance(wallet, catalog, unit)).collect()
}

/// Returns the balance of a unit in a wallet in which nothing is due.
pub fn unit_balance(wallet: &Wallet, catalog: &Catalog, unit: &UnitId) -> UnitBalance {
    let mut by_source: BTreeMap<(u8, Source), (i64, i64)> = BTreeMap::new();
    let mut next_expiry: Option<(Timestamp, i64)> = None;
    for grant in wallet.grants.values().filter(|grant| grant.unit == *unit && grant.is_open()) {
        let parts = grant.parts;
        if parts.available > 0 || parts.held > 0 {
            let sums = by_source.entry((catalog.spend_rank(grant.source), grant.source)).or_default();
            sums.0 += parts.available;
            sums.1 += parts.held;
        }
        if parts.available > 0 && grant.expire_time < Timestamp::NEVER {
            next_expiry = match next_expiry {
                Some((at, sum)) if at < grant.expire_time => Some((at, sum)),
                Some((at, sum)) if at == grant.expire_time => Some((at, sum + parts.available)),
                _ => Some((grant.expire_time, parts.available)),
            };
        }
    }
    UnitBalance {
        unit: unit.clone(),
        total: wallet.balance(unit.as_str()),
        by_source: by_source.into_iter().map(|((_, source), (a, h))| (source, a, h)).collect(),
        next_expiry,
    }
}

/// Returns the expiries of available credits of a wallet in which nothing is due, with the amount at each instant.
pub fn expiries(wallet: &Wallet) -> BTreeMap<&UnitId, BTreeMap<Timestamp, i64>> {
    let mut expiries: BTreeMap<_, BTreeMap<_, i64>> = BTreeMap::new();
    let expires = |grant: &&Grant| grant.parts.available > 0 && grant.expire_time < Timestamp::NEVER;
    for grant in wallet.grants.values().filter(expires) {
        *expiries.entry(&grant.unit).or_default().entry(grant.expire_time).or_default() +=
            grant.parts.available;
    }
    expiries
}
