//! A wallet in memory: as much of it as a decision needs. Only a [`UnitOfWork`] changes it.
//!
//! [`UnitOfWork`]: crate::UnitOfWork

use std::collections::BTreeMap;

use thiserror::Error;

use crate::catalog::{Catalog, Entitlement, Limit, Plan};
use crate::ledger::entry::{EntryKind, Hash, genesis};
use crate::ledger::posting::Posting;
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
use crate::wallet::subscription::{Pending, Sold, Subscription};

/// The most open grants a wallet may have.
pub const MAX_OPEN_GRANTS: usize = 1_000;

/// A revision that is not known yet: it is replaced by that of the entry which the decision makes.
pub const UNNUMBERED: i64 = 0;

/// What a wallet has of one unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Can be reserved.
    pub available: i64,
    /// Held by reservations.
    pub held: i64,
    /// Owed.
    pub debt: i64,
    /// How much may be owed.
    pub debt_limit: i64,
}

impl Balance {
    /// How a charge of `amount` divides: what is available, and what is owed.
    pub(crate) fn split(&self, amount: i64) -> (i64, i64) {
        let available = amount.min(self.available);
        (available, amount - available)
    }

    /// What is wrong if a unit is owed and available at once: whatever becomes available repays debt first.
    pub(crate) fn owes_what_it_has(&self, unit: &UnitId) -> Option<String> {
        let Self { available, debt, .. } = *self;
        (available > 0 && debt > 0).then(|| format!("{debt} {unit} are owed, and {available} are available"))
    }
}

/// What is known of a command that made no row of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// What its entry records.
    pub kind: EntryKind,
    /// What it said.
    pub fingerprint: Fingerprint,
    /// What it moved.
    pub postings: Vec<Posting>,
}

/// As much of a wallet as the commands at hand need: all open grants, and whatever else was addressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Wallet {
    /// Where its rows live.
    pub key: WalletKey,
    /// The platform's own id.
    pub id: WalletId,
    /// Whether it can be used.
    pub status: WalletStatus,
    /// An invariant failed: no commands until a person has looked, whatever the status, which stays.
    pub frozen: bool,
    /// Counts every write.
    pub version: i64,
    /// Counts entries; 0: the wallet does not exist.
    pub revision: i64,
    /// The hash of the last entry.
    pub head: Hash,
    /// The latest instant at which anything was written; time never runs back behind it.
    pub last_time: Timestamp,
    /// When it was made.
    pub create_time: Timestamp,
    /// Reservations that are open.
    pub open_reservations: i64,
    /// What it has, per unit.
    pub balances: BTreeMap<UnitId, Balance>,
    /// What rarely changes.
    pub profile: Profile,
    /// All open grants, and closed ones that were addressed.
    pub grants: BTreeMap<GrantKey, Grant>,
    /// Reservations that are due or were addressed.
    pub reservations: BTreeMap<ReservationId, Reservation>,
    /// Requests that were addressed and had been made before.
    pub requests: BTreeMap<RequestId, RequestRecord>,
    /// How far what is due is known, if not all of it was loaded. No command is decided then.
    pub horizon: Option<Horizon>,
}

/// A decision that does not fit its wallet: a defect, never a caller's fault. Nothing of it may be stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invariant broken in wallet {wallet}: {what}")]
pub struct InvariantViolation {
    /// The wallet.
    pub wallet: WalletId,
    /// What does not add up.
    pub what: String,
}

/// The instant at which a wallet is read or changed when the clock shows `clock`: time never runs back behind the
/// wallet's last write.
pub fn decision_time(clock: Timestamp, last_time: Timestamp) -> Timestamp {
    clock.max(last_time)
}

impl Wallet {
    /// A wallet before its first entry.
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
            profile: Profile::default(),
            grants: BTreeMap::new(),
            reservations: BTreeMap::new(),
            requests: BTreeMap::new(),
            horizon: None,
        }
    }

    /// Whether it has been made.
    pub const fn exists(&self) -> bool {
        self.revision > 0
    }

    /// What it has of a unit.
    pub fn balance(&self, unit: &str) -> Balance {
        self.balances.get(unit).copied().unwrap_or_default()
    }

    /// The id of the plan whose entitlements, limits and prices apply; none: unrestricted.
    pub fn plan_id<'a>(&'a self, catalog: &'a Catalog) -> Option<&'a str> {
        let subscribed = self.profile.subscription.as_ref().map(|subscription| &subscription.sold.plan);
        subscribed.or_else(|| catalog.default_plan().map(|plan| &plan.id)).map(String::as_str)
    }

    /// The plan whose entitlements, limits and prices apply; none: unrestricted. That of a subscription stands in the
    /// current catalog, or else in the version that it was sold from. A plan that is in neither is an error: a
    /// subscriber is never freer than the plan that was sold.
    pub fn plan<'a>(&self, catalogs: &'a Catalogs) -> Result<Option<&'a Plan>, Rejection> {
        let Some(subscription) = &self.profile.subscription else {
            return Ok(catalogs.current.default_plan());
        };
        let sold = &subscription.sold;
        if let Some(plan) = catalogs.current.plan(&sold.plan) {
            return Ok(Some(plan));
        }
        let plan = catalogs.version(sold.catalog_version)?.plan(&sold.plan);
        plan.map(Some).ok_or_else(|| Rejection::PlanNotFound(sold.plan.clone()))
    }

    /// The catalog versions that the wallet's plan, now or from the end of the period on, was sold from.
    pub fn sold_from(&self) -> impl Iterator<Item = i64> {
        self.sold().map(|sold| sold.catalog_version)
    }

    /// The versions among them that are needed because this catalog lacks the plan.
    pub fn sold_elsewhere(&self, current: &Catalog) -> impl Iterator<Item = i64> {
        self.sold().filter(|sold| current.plan(&sold.plan).is_none()).map(|sold| sold.catalog_version)
    }

    /// What was sold, and what was sold for the end of the period.
    fn sold(&self) -> impl Iterator<Item = &Sold> {
        let subscription = self.profile.subscription.as_ref();
        let pending = subscription.and_then(|subscription| match &subscription.pending {
            Some(Pending::Change(sold)) => Some(sold),
            Some(Pending::End) | None => None,
        });
        subscription.map(|subscription| &subscription.sold).into_iter().chain(pending)
    }

    /// The operations that the plan allows, or those negotiated instead; `None` allows all.
    pub fn entitlements<'a>(
        &'a self,
        catalogs: &'a Catalogs,
    ) -> Result<Option<&'a [Entitlement]>, Rejection> {
        match self.profile.subscription.as_ref().and_then(|s| s.sold.entitlements.as_deref()) {
            Some(negotiated) => Ok(Some(negotiated)),
            None => Ok(self.plan(catalogs)?.and_then(|plan| plan.entitlements.as_deref())),
        }
    }

    /// A limit of the plan, or what was negotiated instead.
    pub fn limit(&self, catalogs: &Catalogs, name: &str) -> Result<Limit, Rejection> {
        match self.profile.subscription.as_ref().and_then(|s| s.sold.limits.get(name)) {
            Some(limit) => Ok(Limit::AtMost(*limit)),
            None => Ok(self.plan(catalogs)?.map_or(Limit::Unlimited, |plan| plan.limit(name))),
        }
    }

    /// When its plan gives credits again, as far as is known.
    pub fn next_renewal(&self) -> Option<Timestamp> {
        self.profile.subscription.as_ref().and_then(Subscription::next_renewal)
    }

    /// When something happens in its subscription by itself next.
    pub fn next_subscription_time(&self) -> Timestamp {
        self.profile.subscription.as_ref().map_or(Timestamp::NEVER, Subscription::next_time)
    }

    /// The tier whose prices apply.
    pub fn tier(&self, catalogs: &Catalogs) -> Result<Option<String>, Rejection> {
        Ok(self.plan(catalogs)?.map(|plan| plan.tier.clone()))
    }

    /// How many of the loaded grants are open, which is all that are.
    pub fn open_grants(&self) -> usize {
        self.grants.values().filter(|grant| grant.is_open()).count()
    }

    /// Returns the instant at which the wallet is read or changed when the clock shows `clock`.
    pub fn decision_time(&self, clock: Timestamp) -> Timestamp {
        decision_time(clock, self.last_time)
    }

    /// When it is told that a grant will lapse which a command issues now.
    pub(crate) fn warn_time(&self, catalog: &Catalog, begin: Timestamp, expire_time: Timestamp) -> Timestamp {
        let of_plan = self.plan_id(catalog).and_then(|id| catalog.plan(id)).map(Alerts::of);
        of_plan.unwrap_or_else(|| self.profile.alerts().clone()).warn_time(begin, expire_time)
    }
}
