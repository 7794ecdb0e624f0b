//! What a wallet has of each unit, as people ask for it: by source, and what lapses next.

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

/// What a wallet has of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitBalance {
    /// The unit.
    pub unit: UnitId,
    /// The figures.
    pub total: Balance,
    /// Available and held, by source in the order of spending.
    pub by_source: Vec<(Source, i64, i64)>,
    /// When available credits lapse next, and how many.
    pub next_expiry: Option<(Timestamp, i64)>,
}

/// A wallet's own properties, as people see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletView {
    /// The platform's own id.
    pub id: WalletId,
    /// Whether it can be used.
    pub status: WalletStatus,
    /// Whether an invariant failed, and nothing can be done until a person has looked.
    pub frozen: bool,
    /// What rarely changes.
    pub profile: Profile,
    /// The plan whose prices and limits apply.
    pub plan: Option<String>,
    /// Reservations that are open.
    pub open_reservations: i64,
    /// When it was made.
    pub create_time: Timestamp,
    /// Its last entry.
    pub revision: i64,
    /// Its last write.
    pub version: i64,
}

impl WalletView {
    /// The properties of an advanced wallet.
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

/// What a wallet's plan promises to whoever works for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanView {
    /// The plan; none: unrestricted.
    pub plan: Option<String>,
    /// The tier that price rules match.
    pub tier: Option<String>,
    /// Higher is served earlier.
    pub queue_priority: i32,
    /// Names that mean something to the platform.
    pub features: Vec<String>,
    /// The plan's numbers and the negotiated ones by name; a name that is missing is unlimited.
    pub limits: BTreeMap<String, u64>,
}

impl PlanView {
    /// What the plan of an advanced wallet promises.
    pub fn of(wallet: &Wallet, catalogs: &Catalogs) -> Result<Self, Rejection> {
        let plan = wallet.plan(catalogs)?;
        let negotiated = wallet.profile.subscription.as_ref().map(|subscription| &subscription.sold.limits);
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

/// What an advanced wallet has of every unit it ever had.
pub fn unit_balances(wallet: &Wallet, catalog: &Catalog) -> Vec<UnitBalance> {
    wallet.balances.keys().map(|unit| unit_balance(wallet, catalog, unit)).collect()
}

/// What an advanced wallet has of a unit.
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

/// When the available credits of an advanced wallet lapse, and how many at each instant.
pub fn expiries(wallet: &Wallet) -> BTreeMap<&UnitId, BTreeMap<Timestamp, i64>> {
    let mut expiries: BTreeMap<_, BTreeMap<_, i64>> = BTreeMap::new();
    let lapses = |grant: &&Grant| grant.parts.available > 0 && grant.expire_time < Timestamp::NEVER;
    for grant in wallet.grants.values().filter(lapses) {
        *expiries.entry(&grant.unit).or_default().entry(grant.expire_time).or_default() +=
            grant.parts.available;
    }
    expiries
}
