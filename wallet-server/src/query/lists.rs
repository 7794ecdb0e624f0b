//! Lists of a wallet's reservations, grants, entries and notifications, and of a tenant's wallets.

use std::collections::BTreeMap;
use std::sync::Arc;

use wallet_core::balance::WalletView;
use wallet_core::catalog::Catalog;
use wallet_core::decide::ReadSet;
use wallet_core::entry::Entry;
use wallet_core::event::EventKind;
use wallet_core::grant::Grant;
use wallet_core::reservation::{Reservation, State};
use wallet_core::spend::ListingPlace;
use wallet_core::wallet::decision_time;
use wallet_core::{Rejection, ReservationId, TenantId, Timestamp, Wallet, WalletId, WalletKey};

use crate::query::queries::{Turn, snapshot, uncancelled};
use crate::query::{Listed, Page, Queries, ReadError, RecordedEvent, Snapshot};
use crate::store::{ListPosition, ListedKeys, ReadTx, RowFilter};

/// The rows that a search reads at a time.
const ROWS: u64 = 500;

/// The filter of a list of reservations. All given conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReservationFilter {
    pub(crate) states: Vec<State>,
    pub(crate) worker: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) actor: Option<String>,
    /// A label's key, or its key and value.
    pub(crate) label: Option<(String, Option<String>)>,
    pub(crate) from_time: Option<Timestamp>,
    pub(crate) to_time: Option<Timestamp>,
}

/// The filter of a list of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EntryFilter {
    pub(crate) after_revision: i64,
    pub(crate) reservation: Option<ReservationId>,
}

/// The filter of a list of notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EventFilter {
    pub(crate) after_revision: i64,
    /// All kinds if empty.
    pub(crate) kinds: Vec<EventKind>,
}

/// The filter of a list of wallets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WalletFilter {
    pub(crate) frozen_only: bool,
}

impl EventFilter {
    fn rows(&self) -> RowFilter {
        RowFilter::of_kinds(&self.kinds)
    }
}

impl ReservationFilter {
    /// Returns the condition for the time span of the list.
    pub(super) fn span(&self) -> RowFilter {
        RowFilter::reserved_within(self.from_time, self.to_time)
    }

    /// Returns true if there may be rows in the span that are not listed.
    fn searches(&self) -> bool {
        let span = Self { from_time: self.from_time, to_time: self.to_time, ..Self::default() };
        *self != span
    }

    /// Returns true if a reservation, shown in this state, meets the conditions besides the time span.
    fn admits(&self, reservation: &Reservation, state: State) -> bool {
        let terms = &reservation.terms;
        let equal = [
            (&self.worker, reservation.worker.as_ref().map_or("", |worker| worker.as_str())),
            (&self.kind, terms.operation.as_ref().map_or("", |operation| &operation.kind)),
            (&self.actor, terms.actor.as_ref().map_or("", |actor| actor.as_str())),
        ];
        let is_equal =
            equal.into_iter().all(|(wanted, value)| wanted.as_ref().is_none_or(|wanted| wanted == value));
        let label = self.label.as_ref().is_none_or(|(key, wanted)| {
            let value = terms.labels.get(key);
            value.is_some_and(|value| wanted.as_ref().is_none_or(|wanted| wanted == value))
        });
        is_equal && label && (self.states.is_empty() || self.states.contains(&state))
    }
}

impl Queries {
    /// Returns a wallet's reservations, the newest first. A search reads a bounded number of rows: its page may
    /// have fewer items than requested, or none, and still be followed by another one.
    pub(crate) async fn reservations(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        filter: ReservationFilter,
        page: Page,
    ) -> Result<Listed<Reservation>, ReadError> {
        let (key, now) = (WalletKey::new(tenant, wallet), self.clock.of(tenant));
        let position: Option<ListPosition> = page.position()?;
        let place = self.costly.take_place(filter.searches(), Some(key)).await?;
        let budget = Budget::of(&page, place.is_some().then_some(self.costly.searched));
        let found = self.on_snapshot(place, move |snapshot, turn| {
            let filter = filter.clone();
            async move {
                let standing = snapshot.standing(key).await?.ok_or(Rejection::WalletNotFound)?;
                let read_time = decision_time(now, standing.last_time);
                // A hold that is due is still stored as open.
                let state =
                    |reservation: &Reservation| match !standing.frozen && reservation.is_due(read_time) {
                        true => State::Expired,
                        false => reservation.state,
                    };
                let (found, rest) = filtered(&snapshot, key, &filter, state, position, budget).await?;
                Ok((with_their_ends(&snapshot, key, read_time, found, &turn).await?, rest))
            }
        });
        let (found, rest) = found.await?;
        Ok(page.cut_scan(found, rest, list_position))
    }

    /// Returns a wallet's grants: the open ones in spending order, then the closed ones if requested. Those are read
    /// all for each page, which keeps no more of them than it shows.
    pub(crate) async fn grants(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        include_closed: bool,
        page: Page,
    ) -> Result<Listed<Grant>, ReadError> {
        let place = self.costly.take_place(include_closed, Some(WalletKey::new(tenant, wallet))).await?;
        let advanced = self.wallet(tenant, wallet).await?.wallet;
        let catalog = self.catalogs.current(tenant);
        // The position of the last item stays valid, even if that grant has changed since.
        let mut first = FirstGrants::new(Arc::clone(&catalog), &page)?;
        let wanted = advanced.grants.values().filter(|grant| include_closed || grant.is_open());
        wanted.cloned().for_each(|grant| first.add(grant));
        if include_closed {
            let store = self.store.clone();
            first = uncancelled(async move {
                let add = |grant: Grant| {
                    if !advanced.grants.contains_key(&grant.key) {
                        first.add(grant);
                    }
                };
                snapshot(&store, &place).await?.each_grant(advanced.key, add).await.map(|()| first)
            })
            .await?;
        }
        let found = first.grants.into_values().collect();
        Ok(page.cut(found, move |grant: &Grant| ListingPlace::of(&catalog, grant)))
    }

    /// Returns a wallet's entries by revision, without due events that are not recorded yet.
    pub(crate) async fn entries(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        filter: EntryFilter,
        page: Page,
    ) -> Result<Listed<Entry>, ReadError> {
        let key = WalletKey::new(tenant, wallet);
        let after = page.position()?.unwrap_or(filter.after_revision);
        let place = self.costly.take_place(filter.reservation.is_some(), Some(key)).await?;
        let (store, probe) = (self.store.clone(), page.probe());
        let found = uncancelled(async move {
            let snapshot = snapshot(&store, &place).await?;
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

    /// Returns a wallet's notifications by revision, without those of due events that are not recorded yet.
    pub(crate) async fn events(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        filter: EventFilter,
        page: Page,
    ) -> Result<Listed<RecordedEvent>, ReadError> {
        let key = WalletKey::new(tenant, wallet);
        let after = page.position()?.unwrap_or((filter.after_revision, i32::MAX));
        let place = self.costly.take_place(!filter.kinds.is_empty(), Some(key)).await?;
        let (store, probe) = (self.store.clone(), page.probe());
        let found = uncancelled(async move {
            let snapshot = snapshot(&store, &place).await?;
            if snapshot.standing(key).await?.is_none() {
                return Ok(None);
            }
            snapshot.events(key, after, filter.rows(), probe).await.map(Some)
        })
        .await?;
        let found = found.ok_or(Rejection::WalletNotFound)?;
        Ok(page.cut(found, |event: &RecordedEvent| (event.revision, event.n)))
    }

    /// Returns a tenant's wallets by id. A search for frozen wallets reads a bounded number of rows: its page may have
    /// fewer items than requested, or none, and still be followed by another one.
    pub(crate) async fn wallets(
        &self,
        tenant: TenantId,
        filter: WalletFilter,
        page: Page,
    ) -> Result<Listed<WalletView>, ReadError> {
        let after: String = page.position()?.unwrap_or_default();
        let (now, catalog) = (self.clock.of(tenant), self.catalogs.current(tenant));
        let place = self.costly.take_place(filter.frozen_only, None).await?;
        let budget = Budget::of(&page, place.is_some().then_some(self.costly.searched));
        let found = self.on_snapshot(place, move |snapshot, turn| {
            let (after, catalog) = (after.clone(), catalog.clone());
            async move {
                let (keys, rest) = wallet_keys(&snapshot, tenant, filter, after, budget).await?;
                let mut views = Vec::new();
                for (id, key) in keys {
                    let read = Snapshot::read(&snapshot, key, now, ReadSet::default(), &turn, |_| {});
                    let wallet = match read.await {
                        Ok(Some(read)) => read.recorded().wallet,
                        // A wallet that cannot be read is listed as frozen, and does not affect the others.
                        Ok(None) | Err(ReadError::Unreadable) => unreadable(key, id),
                        Err(error) => return Err(error),
                    };
                    views.push(WalletView::of(&wallet, &catalog));
                }
                Ok((views, rest))
            }
        });
        let (views, rest): (Vec<WalletView>, Option<String>) = found.await?;
        Ok(page.cut_scan(views, rest, |view: &WalletView| view.id.to_string()))
    }
}

/// The grants of a page: those that come first after its position.
struct FirstGrants {
    catalog: Arc<Catalog>,
    after: Option<ListingPlace>,
    /// The most grants that are kept.
    most: usize,
    grants: BTreeMap<ListingPlace, Grant>,
}

impl FirstGrants {
    fn new(catalog: Arc<Catalog>, page: &Page) -> Result<Self, ReadError> {
        let most = usize::try_from(page.probe()).unwrap_or(usize::MAX);
        Ok(Self { catalog, after: page.position()?, most, grants: BTreeMap::new() })
    }

    fn add(&mut self, grant: Grant) {
        let place = ListingPlace::of(&self.catalog, &grant);
        if self.after.as_ref().is_none_or(|after| place > *after) {
            self.grants.insert(place, grant);
        }
        if self.grants.len() > self.most {
            self.grants.pop_last();
        }
    }
}

/// The bounds of a list.
#[derive(Debug, Clone, Copy)]
struct Budget {
    /// The number of items that is enough.
    probe: u64,
    /// The rows read at a time.
    rows: u64,
    /// The most rows read in total.
    searched: u64,
}

impl Budget {
    /// Returns the bounds of a page, for a list of all rows or for a search among `search` rows.
    fn of(page: &Page, search: Option<u64>) -> Self {
        let probe = page.probe();
        match search {
            Some(searched) => Self { probe, rows: ROWS.min(searched), searched },
            None => Self { probe, rows: probe, searched: probe },
        }
    }
}

/// Returns the reservations after a position that a filter accepts, as many as the budget allows, and the position
/// to continue from.
async fn filtered(
    snapshot: &ReadTx,
    key: WalletKey,
    filter: &ReservationFilter,
    state: impl Fn(&Reservation) -> State,
    mut position: Option<ListPosition>,
    mut budget: Budget,
) -> Result<(Vec<Reservation>, Option<ListPosition>), ReadError> {
    let mut found: Vec<Reservation> = Vec::new();
    loop {
        let part = snapshot.reservations(key, filter.span(), position.take(), budget.rows).await?;
        found.extend(part.rows.into_iter().filter(|found| filter.admits(found, state(found))));
        budget.searched = budget.searched.saturating_sub(budget.rows);
        if part.next.is_none() || found.len() as u64 >= budget.probe || budget.searched == 0 {
            return Ok((found, part.next));
        }
        position = part.next;
    }
}

/// Returns the wallets after an id that a filter accepts, as many as the budget allows, and the id to continue from.
async fn wallet_keys(
    snapshot: &ReadTx,
    tenant: TenantId,
    filter: WalletFilter,
    mut after: String,
    mut budget: Budget,
) -> Result<(ListedKeys, Option<String>), ReadError> {
    let mut found = ListedKeys::new();
    loop {
        let part = snapshot.wallet_keys(tenant, &after, budget.rows).await?;
        let is_full = part.len() as u64 == budget.rows;
        let rest = part.last().filter(|_| is_full).map(|(id, _)| id.to_string());
        found.extend(match filter.frozen_only {
            true => snapshot.frozen(part).await?,
            false => part,
        });
        budget.searched = budget.searched.saturating_sub(budget.rows);
        let probe = usize::try_from(budget.probe).unwrap_or(usize::MAX);
        match rest {
            Some(rest) if found.len() < probe && budget.searched > 0 => after = rest,
            rest => {
                found.truncate(probe);
                return Ok((found, rest));
            }
        }
    }
}

/// Returns the reservations, with the final state of those that are due.
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
        Snapshot::read(snapshot, key, now, ReadSet::default(), turn, show).await?;
    }
    Ok(found)
}

/// Returns a stand-in for a wallet that cannot be decoded.
fn unreadable(key: WalletKey, id: WalletId) -> Wallet {
    Wallet { frozen: true, ..Wallet::blank(key, id) }
}

/// Returns the position of a reservation in the list.
fn list_position(reservation: &Reservation) -> ListPosition {
    (reservation.reserve_time.as_micros(), reservation.first_revision())
}

#[cfg(test)]
mod tests {
    use wallet_core::Source;
    use wallet_core::grant::{GrantDetails, GrantKey, Origin, Parts};

    use super::*;

    fn closed(n: u16) -> Grant {
        Grant {
            key: GrantKey::new(Origin::Grant, format!("g{n}").parse().unwrap(), 0),
            unit: "credits".parse().unwrap(),
            source: Source::Purchased,
            priority: i32::from(n),
            effective_time: Timestamp::EPOCH,
            expire_time: Timestamp::NEVER,
            warn_time: Timestamp::NEVER,
            create_time: Timestamp::EPOCH,
            amount: 1,
            parts: Parts { consumed: 1, ..Parts::default() },
            clawback: None,
            details: GrantDetails::default(),
        }
    }

    #[test]
    fn a_page_of_grants_keeps_the_first_ones_after_its_position_and_no_more() {
        let catalog = Catalog::parse(crate::config::BUNDLED_CATALOG).unwrap();
        let (catalog, mut token, mut shown) = (Arc::new(catalog), None, Vec::new());
        for _ in 0..4 {
            let page = Page { size: 25, token };
            let mut first = FirstGrants::new(Arc::clone(&catalog), &page).unwrap();
            // In an order that is not that of the list.
            for n in (0..100).map(|n| n * 37 % 100) {
                first.add(closed(n));
                assert!(first.grants.len() <= 26);
            }
            let of = Arc::clone(&catalog);
            let listed = page
                .cut(first.grants.into_values().collect(), move |grant: &Grant| ListingPlace::of(&of, grant));
            let (grants, next) = listed.taken(|grant| Some(grant.priority));
            shown.extend(grants);
            token = Some(next);
        }
        assert_eq!((shown, token.as_deref()), ((0..100).collect::<Vec<i32>>(), Some("")));
    }
}
