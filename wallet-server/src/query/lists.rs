//! Lists of a wallet's reservations, grants, entries and events, and of a tenant's wallets.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, Condition};
use wallet_core::balance::WalletView;
use wallet_core::command::Addressed;
use wallet_core::entry::Entry;
use wallet_core::event::EventKind;
use wallet_core::grant::{Grant, GrantKey};
use wallet_core::reservation::{Reservation, State};
use wallet_core::{Rejection, ReservationId, TenantId, Timestamp, Wallet, WalletId, WalletKey, spend};

use crate::query::{Listed, Page, Queries, ReadError, RecordedEvent, Snapshot, Turn, uncancelled};
use crate::store::ReadTx;
use crate::store::entity::events;
use crate::store::entity::reservations::Column;

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

    /// Whether a reservation that shows this state is to be listed.
    fn admits(&self, reservation: &Reservation, state: State) -> bool {
        let label = self.label.as_ref().is_none_or(|(key, wanted)| {
            let value = reservation.terms.labels.get(key);
            value.is_some_and(|value| wanted.as_ref().is_none_or(|wanted| wanted == value))
        });
        label && (self.states.is_empty() || self.states.contains(&state))
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
        let (key, now) = (WalletKey::new(tenant, wallet), self.clock.now());
        let position: Option<(i64, String)> = page.position()?;
        let probe = page.probe();
        let found = self.on_snapshot(move |snapshot, turn| {
            let (filter, position) = (filter.clone(), position.clone());
            async move {
                let standing = snapshot.standing(key).await?.ok_or(Rejection::WalletNotFound)?;
                let read_time = now.max(standing.last_time);
                // A hold that is due is stored as open.
                let state =
                    |reservation: &Reservation| match !standing.frozen && reservation.is_due(read_time) {
                        true => State::Expired,
                        false => reservation.state,
                    };
                let found = filtered(&snapshot, key, &filter, state, position, probe).await?;
                with_their_ends(&snapshot, key, read_time, found, &turn).await
            }
        });
        Ok(page.cut(found.await?, place))
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
        let (store, probe) = (self.store.clone(), page.probe());
        let found = uncancelled(async move {
            let snapshot = store.snapshot().await?;
            if snapshot.standing(key).await?.is_none() {
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
        let (store, probe) = (self.store.clone(), page.probe());
        let found = uncancelled(async move {
            let snapshot = store.snapshot().await?;
            if snapshot.standing(key).await?.is_none() {
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
        let (probe, now, catalog) = (page.probe(), self.clock.now(), self.catalogs.current(tenant));
        let views = self.on_snapshot(move |snapshot, turn| {
            let (after, catalog) = (after.clone(), catalog.clone());
            async move {
                let mut views = Vec::new();
                for (id, key) in snapshot.wallet_keys(tenant, &after, probe).await? {
                    let read = Snapshot::read(&snapshot, key, now, Addressed::default(), &turn, |_| {});
                    let wallet = match read.await {
                        Ok(Some(read)) => read.wallet,
                        // One that cannot be read is listed as frozen, and the others as they are.
                        Ok(None) | Err(ReadError::Unreadable) => unreadable(key, id),
                        Err(error) => return Err(error),
                    };
                    views.push(WalletView::of(&wallet, &catalog));
                }
                Ok(views)
            }
        });
        let views: Vec<WalletView> = views.await?;
        Ok(page.cut(views, |view: &WalletView| view.id.clone()))
    }
}

/// So many reservations that a filter admits, or all that are left after a position.
async fn filtered(
    snapshot: &ReadTx,
    key: WalletKey,
    filter: &ReservationFilter,
    state: impl Fn(&Reservation) -> State,
    mut position: Option<(i64, String)>,
    probe: u64,
) -> Result<Vec<Reservation>, ReadError> {
    let mut found: Vec<Reservation> = Vec::new();
    loop {
        let rows = snapshot.reservations(key, filter.condition(), position.take(), probe).await?;
        let full = rows.len() as u64 == probe;
        position = rows.last().map(place);
        found.extend(rows.into_iter().filter(|reservation| filter.admits(reservation, state(reservation))));
        if !full || found.len() as u64 >= probe {
            return Ok(found);
        }
    }
}

/// The same reservations, those that are due as they end.
async fn with_their_ends(
    snapshot: &ReadTx,
    key: WalletKey,
    now: Timestamp,
    mut found: Vec<Reservation>,
    turn: &Turn,
) -> Result<Vec<Reservation>, ReadError> {
    let places = found.iter().enumerate().filter(|(_, reservation)| reservation.is_due(now));
    let due: BTreeMap<ReservationId, usize> =
        places.map(|(n, reservation)| (reservation.id.clone(), n)).collect();
    if !due.is_empty() {
        let show = |ended: &Reservation| {
            if let Some(n) = due.get(&ended.id) {
                found[*n] = ended.clone();
            }
        };
        Snapshot::read(snapshot, key, now, Addressed::default(), turn, show).await?;
    }
    Ok(found)
}

/// What is known of a wallet that does not read back.
fn unreadable(key: WalletKey, id: WalletId) -> Wallet {
    Wallet { frozen: true, ..Wallet::blank(key, id) }
}

/// Where a reservation stands in the list.
pub(super) fn place(reservation: &Reservation) -> (i64, String) {
    (reservation.reserve_time.as_micros(), reservation.id.to_string())
}
