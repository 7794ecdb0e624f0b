//! Lists of a wallet's reservations, grants, entries and events, and of a tenant's wallets.

use sea_orm::{ColumnTrait, Condition};
use wallet_core::balance::WalletView;
use wallet_core::entry::Entry;
use wallet_core::event::EventKind;
use wallet_core::grant::{Grant, GrantKey};
use wallet_core::reservation::{Reservation, State};
use wallet_core::{Rejection, ReservationId, TenantId, Timestamp, WalletId, WalletKey, spend};

use crate::query::{Listed, Page, Queries, ReadError, RecordedEvent, Snapshot, uncancelled};
use crate::store::entity::events;
use crate::store::entity::reservations::Column;
use crate::store::{LoadPlan, StoreError};

/// Which reservations to list; everything named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReservationFilter {
    pub(crate) states: Vec<State>,
    pub(crate) worker: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) actor: Option<String>,
    /// A key, or a key and its value.
    pub(crate) label: Option<(String, Option<String>)>,
    pub(crate) from_time: Option<Timestamp>,
    pub(crate) to_time: Option<Timestamp>,
}

/// Which entries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EntryFilter {
    pub(crate) after_revision: i64,
    pub(crate) reservation: Option<ReservationId>,
}

/// Which events to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EventFilter {
    pub(crate) after_revision: i64,
    /// None: all.
    pub(crate) kinds: Vec<EventKind>,
}

impl EventFilter {
    fn condition(&self) -> Condition {
        let kinds = self.kinds.iter().map(|kind| *kind as i16);
        Condition::all().add_option((!self.kinds.is_empty()).then(|| events::Column::Kind.is_in(kinds)))
    }
}

impl ReservationFilter {
    /// What the database can tell. States are left out: a due hold is stored as open.
    pub(super) fn condition(&self) -> Condition {
        let mut condition = Condition::all();
        let equal =
            [(Column::Worker, &self.worker), (Column::Kind, &self.kind), (Column::Actor, &self.actor)];
        for (column, value) in equal {
            condition = condition.add_option(value.as_ref().map(|value| column.eq(value.as_str())));
        }
        condition
            .add_option(self.from_time.map(|time| Column::ReserveTime.gte(time.as_micros())))
            .add_option(self.to_time.map(|time| Column::ReserveTime.lt(time.as_micros())))
    }

    fn admits(&self, reservation: &Reservation) -> bool {
        let label = self.label.as_ref().is_none_or(|(key, wanted)| {
            let value = reservation.terms.labels.get(key);
            value.is_some_and(|value| wanted.as_ref().is_none_or(|wanted| wanted == value))
        });
        label && (self.states.is_empty() || self.states.contains(&reservation.state))
    }
}

impl Queries {
    /// A wallet's reservations, the newest first.
    pub(crate) async fn reservations(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        filter: ReservationFilter,
        page: Page,
    ) -> Result<Listed<Reservation>, ReadError> {
        let key = WalletKey::new(tenant, wallet);
        let advanced = self.wallet(tenant, wallet).await?.wallet;
        let mut position: Option<(i64, String)> = page.position()?;
        let (store, probe, condition) = (self.store.clone(), page.probe(), filter.condition());
        let found = uncancelled(async move {
            let snapshot = store.snapshot().await?;
            let mut found: Vec<Reservation> = Vec::new();
            loop {
                let rows = snapshot.reservations(key, condition.clone(), position.take(), probe).await?;
                let full = rows.len() as u64 == probe;
                position = rows.last().map(place);
                // Holds that are due show as the advanced wallet has them.
                let now = rows.into_iter().map(|r| advanced.reservations.get(&r.id).cloned().unwrap_or(r));
                found.extend(now.filter(|reservation| filter.admits(reservation)));
                if !full || found.len() as u64 >= probe {
                    return Ok::<_, StoreError>(found);
                }
            }
        })
        .await?;
        Ok(page.cut(found, place))
    }

    /// A wallet's grants: the open ones in the order of spending, then the closed ones if wanted.
    pub(crate) async fn grants(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        include_closed: bool,
        page: Page,
    ) -> Result<Listed<Grant>, ReadError> {
        let mut advanced = self.wallet(tenant, wallet).await?.wallet;
        if include_closed {
            let (store, key) = (self.store.clone(), advanced.key);
            let all = uncancelled(async move { store.snapshot().await?.grants(key).await }).await?;
            for grant in all {
                advanced.grants.entry(grant.key.clone()).or_insert(grant);
            }
        }
        let wanted = advanced.grants.values().filter(|grant| include_closed || grant.is_open());
        let grants = spend::listing_order(&self.catalogs.current(tenant), wanted);
        let after: Option<GrantKey> = page.position()?;
        let start = match &after {
            None => 0,
            Some(key) => {
                grants.iter().position(|grant| grant.key == *key).ok_or(ReadError::BadPageToken)? + 1
            }
        };
        let probe = usize::try_from(page.probe()).unwrap_or(usize::MAX);
        let found = grants.into_iter().skip(start).take(probe).cloned().collect();
        Ok(page.cut(found, |grant: &Grant| grant.key.clone()))
    }

    /// A wallet's entries, by revision. What is due but not recorded is not among them.
    pub(crate) async fn entries(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        filter: EntryFilter,
        page: Page,
    ) -> Result<Listed<Entry>, ReadError> {
        let key = WalletKey::new(tenant, wallet);
        let after = page.position()?.unwrap_or(filter.after_revision);
        let (store, probe, now) = (self.store.clone(), page.probe(), self.clock.now());
        let found = uncancelled(async move {
            let snapshot = store.snapshot().await?;
            if snapshot.wallet(key, now, LoadPlan::default()).await?.is_none() {
                return Ok(None);
            }
            let reservation = filter.reservation.as_ref().map(ReservationId::as_str);
            snapshot.entries(key, after, reservation, probe).await.map(Some)
        })
        .await?;
        let found = found.ok_or(Rejection::WalletNotFound)?;
        Ok(page.cut(found, |entry: &Entry| entry.revision))
    }

    /// What people were told of a wallet, by revision. What is due but not recorded is not among it.
    pub(crate) async fn events(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        filter: EventFilter,
        page: Page,
    ) -> Result<Listed<RecordedEvent>, ReadError> {
        let key = WalletKey::new(tenant, wallet);
        let after = page.position()?.unwrap_or((filter.after_revision, i32::MAX));
        let (store, probe, now) = (self.store.clone(), page.probe(), self.clock.now());
        let found = uncancelled(async move {
            let snapshot = store.snapshot().await?;
            if snapshot.wallet(key, now, LoadPlan::default()).await?.is_none() {
                return Ok(None);
            }
            snapshot.events(key, after, filter.condition(), probe).await.map(Some)
        })
        .await?;
        let found = found.ok_or(Rejection::WalletNotFound)?;
        Ok(page.cut(found, |event: &RecordedEvent| (event.revision, event.n)))
    }

    /// A tenant's wallets, by id.
    pub(crate) async fn wallets(
        &self,
        tenant: TenantId,
        page: Page,
    ) -> Result<Listed<WalletView>, ReadError> {
        let after: String = page.position()?.unwrap_or_default();
        let (store, probe, now) = (self.store.clone(), page.probe(), self.clock.now());
        let catalog = self.catalogs.current(tenant);
        let found = uncancelled(async move {
            let snapshot = store.snapshot().await?;
            let mut wallets = Vec::new();
            for (_, key) in snapshot.wallet_keys(tenant, &after, probe).await? {
                wallets.extend(snapshot.wallet(key, now, LoadPlan::default()).await?);
            }
            Ok::<_, StoreError>(wallets)
        })
        .await?;
        let view = |wallet| Ok(WalletView::of(&Snapshot::at(wallet, now)?.wallet, &catalog));
        let views: Vec<WalletView> = found.into_iter().map(view).collect::<Result<_, ReadError>>()?;
        Ok(page.cut(views, |view: &WalletView| view.id.clone()))
    }
}

/// Where a reservation stands in the list.
pub(super) fn place(reservation: &Reservation) -> (i64, String) {
    (reservation.reserve_time.as_micros(), reservation.id.to_string())
}
