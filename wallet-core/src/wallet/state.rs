//! A wallet in memory: the rows that a decision needs. Only a [`UnitOfWork`] changes it.
//!
//! [`UnitOfWork`]: crate::UnitOfWork

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::catalog::{Catalog, Entitlement, Limit, Plan};
use crate::ledger::entry::{EntryKind, Hash, genesis};
use crate::ledger::posting::Posting;
use crate::value::box_map::BoxMap;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{RequestId, ReservationId, UnitId, WalletId};
use crate::value::key::WalletKey;
use crate::value::time::Timestamp;
use crate::value::wallet_status::WalletStatus;
use crate::wallet::alerts::Alerts;
use crate::wallet::catalogs::Catalogs;
use crate::wallet::grant::{Grant, GrantKey};
use crate::wallet::horizon::Horizon;
use crate::wallet::profile::Profile;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::Reservation;
use crate::wallet::sold::Sold;
use crate::wallet::subscription::Subscription;

/// The most open grants a wallet may have.
pub const MAX_OPEN_GRANTS: usize = 1_000;

/// A revision that is not known yet: it is replaced by that of the entry which the decision makes.
pub const UNNUMBERED: i64 = 0;

/// The balance of one unit, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The amount that can be reserved.
    pub available: i64,
    /// The amount held by reservations.
    pub held: i64,
    /// The amount owed.
    pub debt: i64,
    /// The most that may be owed.
    pub debt_limit: i64,
}

impl Balance {
    /// Divides a charge of `amount` into an available part and one that becomes debt.
    pub(crate) fn split(&self, amount: i64) -> (i64, i64) {
        let available = amount.min(self.available);
        (available, amount - available)
    }

    /// Returns the violation if a unit is owed and available at once: credits that become available repay debt first.
    pub(crate) fn owes_what_it_has(&self, unit: &UnitId) -> Option<String> {
        let Self { available, debt, .. } = *self;
        (available > 0 && debt > 0).then(|| format!("{debt} {unit} are owed, and {available} are available"))
    }
}

/// The record of a command that made no row of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// The kind of its entry.
    pub kind: EntryKind,
    pub fingerprint: Fingerprint,
    pub postings: Vec<Posting>,
}

/// The rows of a wallet that the commands of a unit of work need: all open grants, and those in the read sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Wallet {
    /// The key of its rows.
    pub key: WalletKey,
    /// The id that the platform chose.
    pub id: WalletId,
    pub status: WalletStatus,
    /// True if an invariant is violated. No command is carried out until an operator unfreezes the wallet. The status
    /// stays as it was.
    pub frozen: bool,
    /// The number of writes.
    pub version: i64,
    /// The number of entries; 0 if the wallet does not exist.
    pub revision: i64,
    /// The hash of the last entry.
    pub head: Hash,
    /// The instant of the last write. No later write has an earlier instant.
    pub last_time: Timestamp,
    /// The instant of its first entry.
    pub create_time: Timestamp,
    /// The number of open reservations.
    pub open_reservations: i64,
    /// The balances, per unit.
    pub balances: BTreeMap<UnitId, Balance>,
    /// The properties that rarely change.
    pub profile: Box<Profile>,
    /// All open grants, and closed ones of the read sets.
    pub grants: BoxMap<GrantKey, Grant>,
    /// The reservations that are due or in the read sets.
    pub reservations: BoxMap<ReservationId, Reservation>,
    /// The earlier requests of the read sets.
    pub requests: BTreeMap<RequestId, RequestRecord>,
    /// The end of the due events that are known, if not all were loaded. In this case no command is decided.
    pub horizon: Option<Horizon>,
}

/// A violated invariant: a wallet that does not add up, or a decision that does not fit it. A defect, never an error
/// of the caller. No part of the unit of work may be stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invariant broken in wallet {wallet}: {what}")]
pub struct InvariantViolation {
    pub wallet: WalletId,
    pub what: String,
}

/// Returns the instant at which a wallet is read or changed when the clock shows `clock`: never before the wallet's
/// last write.
pub fn decision_time(clock: Timestamp, last_time: Timestamp) -> Timestamp {
    clock.max(last_time)
}

impl Wallet {
    /// Returns a wallet before its first entry.
    pub fn blank(key: WalletKey, id: WalletId) -> Self {
        Self {
            key,
            id,
            status: WalletStatus::Active,
            frozen: false,
            version: 0,
            revision: 0,
            head: genesis(key),
            last_time: Timestamp::EPOCH,
            create_time: Timestamp::EPOCH,
            open_reservations: 0,
            balances: BTreeMap::new(),
            profile: Box::default(),
            grants: BoxMap::new(),
            reservations: BoxMap::new(),
            requests: BTreeMap::new(),
            horizon: None,
        }
    }

    /// Returns whether the wallet has an entry.
    pub const fn exists(&self) -> bool {
        self.revision > 0
    }

    /// Returns the balance of a unit.
    pub fn balance(&self, unit: &str) -> Balance {
        self.balances.get(unit).copied().unwrap_or_default()
    }

    /// Returns the id of the plan whose entitlements, limits and prices apply; none if nothing is restricted.
    pub fn plan_id<'a>(&'a self, catalog: &'a Catalog) -> Option<&'a str> {
        let subscribed = self.profile.running().map(|subscription| &subscription.sold.plan);
        subscribed.or_else(|| catalog.default_plan().map(|plan| &plan.id)).map(String::as_str)
    }

    /// Returns the plan whose entitlements, limits and prices apply; none if nothing is restricted.
    ///
    /// # Errors
    ///
    /// The plan of the subscription is neither in the current catalog nor in the version from which it was sold: a
    /// subscriber never has more rights than the plan that was sold.
    pub fn plan<'a>(&self, catalogs: &'a Catalogs) -> Result<Option<&'a Plan>, Rejection> {
        let Some(subscription) = self.profile.running() else {
            return Ok(catalogs.current.default_plan());
        };
        let sold = &subscription.sold;
        if let Some(plan) = catalogs.current.plan(&sold.plan) {
            return Ok(Some(plan));
        }
        let plan = catalogs.version(sold.catalog_version)?.plan(&sold.plan);
        plan.map(Some).ok_or_else(|| Rejection::PlanNotFound(sold.plan.clone()))
    }

    /// Returns the catalog versions of the wallet's plan, and of the plan from the end of the period on.
    pub fn sold_from(&self) -> impl Iterator<Item = i64> {
        self.sold().map(|sold| sold.catalog_version)
    }

    /// Returns those of these versions whose plan is not in the current catalog.
    pub fn sold_elsewhere(&self, current: &Catalog) -> impl Iterator<Item = i64> {
        self.sold().filter(|sold| current.plan(&sold.plan).is_none()).map(|sold| sold.catalog_version)
    }

    /// Returns the terms of the sale, and those from the end of the period on.
    fn sold(&self) -> impl Iterator<Item = &Sold> {
        let subscription = self.profile.subscription.as_deref();
        let pending = subscription.and_then(|subscription| subscription.change.as_ref());
        let pending = pending.map(|change| &change.sold);
        subscription.map(|subscription| &subscription.sold).into_iter().chain(pending)
    }

    /// Returns the operations that the plan allows, or those negotiated instead; `None` allows all.
    pub fn entitlements<'a>(
        &'a self,
        catalogs: &'a Catalogs,
    ) -> Result<Option<&'a [Entitlement]>, Rejection> {
        match self.profile.running().and_then(|s| s.sold.entitlements.as_deref()) {
            Some(negotiated) => Ok(Some(negotiated)),
            None => Ok(self.plan(catalogs)?.and_then(|plan| plan.entitlements.as_deref())),
        }
    }

    /// Returns a limit of the plan, or the one negotiated instead.
    pub fn limit(&self, catalogs: &Catalogs, name: &str) -> Result<Limit, Rejection> {
        match self.profile.running().and_then(|s| s.sold.limits.get(name)) {
            Some(limit) => Ok(Limit::AtMost(*limit)),
            None => Ok(self.plan(catalogs)?.map_or(Limit::Unlimited, |plan| plan.limit(name, self.seats()))),
        }
    }

    /// Returns the number of seats of the subscription; one without a subscription, or while it is paused.
    pub fn seats(&self) -> u32 {
        self.profile.running().map_or(1, |subscription| subscription.sold.quantity)
    }

    /// Returns the instant at which the plan grants credits again, as far as is known.
    pub fn next_renewal(&self) -> Option<Timestamp> {
        let of_subscription = self.profile.subscription.as_deref().and_then(Subscription::next_renewal);
        of_subscription.into_iter().chain(self.next_free_credits()).min()
    }

    /// Returns the instant of the next due event of the profile: of the subscription, the free credits or the auto
    /// top-up.
    pub fn next_profile_time(&self) -> Timestamp {
        self.profile.next_time(self.status)
    }

    /// Returns the instant at which the default plan grants credits again: none while a subscription runs.
    pub fn next_free_credits(&self) -> Option<Timestamp> {
        self.profile.next_free_credits(self.status)
    }

    /// Returns the instant, from `at` on, at which a purchase of the auto top-up is due while the wallet stays as it
    /// is.
    pub(crate) fn next_auto_top_up(&self, at: Timestamp) -> Option<Timestamp> {
        let auto = self.profile.auto_top_up.as_ref().filter(|_| self.status == WalletStatus::Active)?;
        let plan = self.profile.running().map(|subscription| subscription.sold.plan.as_str());
        auto.next_due(plan, self.balance(auto.setting.unit.as_str()).available, at)
    }

    /// Returns the tier whose prices apply.
    pub fn tier(&self, catalogs: &Catalogs) -> Result<Option<String>, Rejection> {
        Ok(self.plan(catalogs)?.map(|plan| plan.tier.clone()))
    }

    /// Returns the number of open grants. All of them are loaded.
    pub fn open_grants(&self) -> usize {
        self.grants.values().filter(|grant| grant.is_open()).count()
    }

    /// Returns the instant at which the wallet is read or changed when the clock shows `clock`.
    pub fn decision_time(&self, clock: Timestamp) -> Timestamp {
        decision_time(clock, self.last_time)
    }

    /// Returns the instant of the notification that a grant which a command issues now will expire.
    pub(crate) fn warn_time(&self, catalog: &Catalog, begin: Timestamp, expire_time: Timestamp) -> Timestamp {
        let of_plan = self.plan_id(catalog).and_then(|id| catalog.plan(id)).map(Alerts::of);
        of_plan.unwrap_or_else(|| self.profile.alerts().clone()).warn_time(begin, expire_time)
    }
}
