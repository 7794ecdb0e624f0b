//! A wallet in memory: as much of it as a decision needs. Only a [`UnitOfWork`] changes it.
//!
//! [`UnitOfWork`]: crate::UnitOfWork

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::advance::Horizon;
use crate::alerts::Alerts;
use crate::amount::Amounts;
use crate::catalog::{Catalog, Entitlement, Limit, Plan, Threshold};
use crate::catalogs::Catalogs;
use crate::decision::Decision;
use crate::entry::{Entry, EntryBalance, EntryKind, Hash, genesis};
use crate::fact::Facts;
use crate::fingerprint::Fingerprint;
use crate::grant::{Grant, GrantKey};
use crate::ids::{RequestId, ReservationId, UnitId, WalletId};
use crate::key::WalletKey;
use crate::posting::{Account, Part, Posting};
use crate::rejection::Rejection;
use crate::reservation::Reservation;
use crate::subscription::{Pending, Sold, Subscription, SubscriptionRefund};
use crate::time::Timestamp;

/// The most open grants a wallet may have.
pub const MAX_OPEN_GRANTS: usize = 1_000;

/// A revision that is not known yet: it is replaced by that of the entry which the decision makes.
pub const UNNUMBERED: i64 = 0;

/// Whether a wallet can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(u8)]
pub enum WalletStatus {
    /// In use.
    Active = 1,
    /// Nothing can be reserved; what runs goes on.
    Suspended = 2,
    /// For good.
    Closed = 3,
}

impl WalletStatus {
    /// All of them.
    pub const ALL: [WalletStatus; 3] = [WalletStatus::Active, WalletStatus::Suspended, WalletStatus::Closed];
}

/// What a wallet has of one unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Can be reserved.
    pub available: i64,
    /// Set aside for reservations.
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

/// What rarely changes about a wallet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// What the command that made the wallet said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
    /// What it is subscribed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Subscription>,
    /// How many times something was sold to it; numbers its subscriptions.
    pub sales: u32,
    /// What was refunded of subscriptions, by the request: an entry knows no money.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refunds: BTreeMap<RequestId, SubscriptionRefund>,
    /// Whether it was given what a plan gives once; the default plan gives that once per wallet, ever.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub welcomed: bool,
    /// When to warn without a subscription: the default plan's; follows the catalog with every command.
    #[serde(skip_serializing_if = "Alerts::is_empty")]
    pub alerts: Alerts,
    /// Thresholds of its own, per unit; they win over the plan's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub low_balance: BTreeMap<UnitId, Vec<Threshold>>,
    /// Thresholds that it fell below and has not risen clear of since, per unit: told once.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<UnitId, BTreeSet<i64>>,
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
pub struct Broken {
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

    /// Carries out a decision that was made on this state. Returns the entry to append, if the decision makes one: it is
    /// not hashed yet, and not the head of the chain.
    pub(crate) fn apply(&mut self, decision: Decision, now: Timestamp) -> Result<Option<Entry>, Broken> {
        let facts = Facts::of(&decision, self);
        let moved = self.apply_postings(&decision)?;
        let revision = self.revision + i64::from(decision.entry.is_some());
        self.apply_reservation(&decision, revision)?;
        for (key, why) in &decision.taken_back {
            let grant = self.grant_mut(key)?;
            (grant.taken_back, grant.warn_time) = (grant.taken_back.max(Some(*why)), Timestamp::NEVER);
        }
        if let Some(said) = &decision.entry {
            for key in &decision.expiring {
                let grant = self.grant_mut(key)?;
                (grant.expire_time, grant.warn_time) = (said.effective_time, Timestamp::NEVER);
            }
        }
        for key in decision.events.iter().filter_map(|event| event.grant.as_ref()) {
            self.grant_mut(key)?.warn_time = Timestamp::NEVER;
        }
        if let Some(change) = decision.change {
            self.status = change.status;
            self.profile = change.profile;
            for (unit, limit) in change.debt_limits.iter() {
                self.balances.entry(unit.clone()).or_default().debt_limit = limit;
            }
        }
        if self.revision == 0 {
            self.create_time = now;
        }
        self.version += 1;
        self.last_time = now;
        let Some(said) = decision.entry else { return Ok(None) };
        let (request, fingerprint) = decision.request.unzip();
        let entry = Entry {
            revision,
            kind: said.kind,
            effective_time: said.effective_time,
            record_time: now,
            reservation: said.reservation,
            request,
            fingerprint: fingerprint.unwrap_or_default(),
            actor: said.actor,
            reason: said.reason,
            facts,
            postings: decision.postings,
            balances: moved.units().map(|unit| self.entry_balance(unit)).collect(),
            events: decision.events,
            hash: [0; 32],
        };
        self.revision = revision;
        if let Some(request) = &entry.request {
            let record = RequestRecord {
                kind: entry.kind,
                fingerprint: entry.fingerprint.clone(),
                postings: entry.postings.clone(),
            };
            self.requests.insert(request.clone(), record);
        }
        Ok(Some(entry))
    }

    /// Moves the credits; returns the units that moved.
    fn apply_postings(&mut self, decision: &Decision) -> Result<Amounts, Broken> {
        for grant in &decision.issued {
            if self.grants.insert(grant.key.clone(), grant.clone()).is_some() {
                return Err(self.broken(format!("grant {} is issued twice", grant.key)));
            }
        }
        let mut moved = Amounts::none();
        for posting in &decision.postings {
            self.post(posting)?;
            moved.set(&posting.unit, 0);
        }
        for grant in &decision.issued {
            let total = self.grants.get(&grant.key).and_then(|grant| grant.parts.total());
            if total != Some(grant.amount) {
                return Err(self.broken(format!("grant {} is not issued in full", grant.key)));
            }
        }
        for unit in moved.units() {
            if let Some(what) = self.balance(unit.as_str()).owes_what_it_has(unit) {
                return Err(self.broken(what));
            }
        }
        Ok(moved)
    }

    fn post(&mut self, posting: &Posting) -> Result<(), Broken> {
        let Posting { unit, account, from, to, amount } = posting;
        if *amount <= 0 || from == to {
            return Err(self.broken(format!("empty posting {posting:?}")));
        }
        if let Account::Grant(key) = account {
            let grant = self.grant_mut(key)?;
            let moved = grant.parts.moved(*from, *to, *amount).filter(|_| grant.unit == *unit);
            match moved {
                Some(parts) => grant.parts = parts,
                None => return Err(self.broken(format!("{posting:?} does not fit its grant"))),
            }
            if !grant.is_open() {
                grant.warn_time = Timestamp::NEVER;
            }
        }
        let balance = self.balances.entry(unit.clone()).or_default();
        for (part, change) in [(*from, -*amount), (*to, *amount)] {
            let figure = match part {
                Part::Available => &mut balance.available,
                Part::Held => &mut balance.held,
                Part::Owed => &mut balance.debt,
                _ => continue,
            };
            match figure.checked_add(change).filter(|sum| *sum >= 0) {
                Some(sum) => *figure = sum,
                None => return Err(self.broken(format!("{posting:?} does not fit the balance"))),
            }
        }
        Ok(())
    }

    fn apply_reservation(&mut self, decision: &Decision, revision: i64) -> Result<(), Broken> {
        let Some(next) = &decision.reservation else { return Ok(()) };
        let was_open = self.reservations.get(&next.id).is_some_and(|before| before.state.is_open());
        let mut next = next.clone();
        let reserved = decision.entry.as_ref().is_some_and(|said| said.kind == EntryKind::Reserved);
        if reserved {
            next.reserve_revision = revision;
        }
        if let Some(finish) = next.finish.as_mut().filter(|finish| finish.revision == UNNUMBERED) {
            finish.revision = revision;
        }
        self.open_reservations += i64::from(next.state.is_open()) - i64::from(was_open);
        if self.open_reservations < 0 {
            return Err(self.broken("more reservations closed than were open".to_owned()));
        }
        self.reservations.insert(next.id.clone(), next);
        Ok(())
    }

    fn entry_balance(&self, unit: &UnitId) -> EntryBalance {
        let Balance { available, held, debt, .. } = self.balance(unit.as_str());
        EntryBalance { unit: unit.clone(), available, held, debt }
    }

    fn grant_mut(&mut self, key: &GrantKey) -> Result<&mut Grant, Broken> {
        let wallet = &self.id;
        let missing = || Broken { wallet: wallet.clone(), what: format!("grant {key} is not there") };
        self.grants.get_mut(key).ok_or_else(missing)
    }

    fn broken(&self, what: String) -> Broken {
        Broken { wallet: self.id.clone(), what }
    }
}
