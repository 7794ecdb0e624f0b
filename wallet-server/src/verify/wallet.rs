//! The fold of one wallet's entries.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use uuid::Uuid;
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::event::Event;
use wallet_core::grant::GrantKey;
use wallet_core::posting::Account;
use wallet_core::row_digests::{Digest, RowDigests};
use wallet_core::wallet::Profile;
use wallet_core::wallet::WalletStatus;
use wallet_core::{RequestId, ReservationId, UnitId, WalletKey};

use crate::store::pages::Key;
use crate::store::tables::{entries, events, wallets};
use crate::verify::auto_top_up::AutoTopUpFold;
use crate::verify::balance::UnitFold;
use crate::verify::chain::{Chain, Heartbeats};
use crate::verify::clawback::Clawbacks;
use crate::verify::event::RecordedNotification;
use crate::verify::faults::Faults;
use crate::verify::feed::ItemFold;
use crate::verify::grant::GrantFold;
use crate::verify::life::Life;
use crate::verify::returned_payment::ReturnedPayment;
use crate::verify::windows::Windows;
use crate::verify::{entry, event, moves};

/// A wallet according to the rows read so far.
#[derive(Debug)]
pub(super) struct WalletFold {
    pub(super) bucket: i16,
    pub(super) uuid: Uuid,
    pub(super) row: Option<wallets::Model>,
    /// The `create_time` of its profile.
    pub(super) create_time: Option<i64>,
    /// The digest of the stored profile.
    pub(super) profile: Option<Digest>,
    /// The digest of the profile in the last entry that changed it.
    pub(super) recorded_profile: Option<Digest>,
    /// The tenant in its profile.
    pub(super) tenant: Option<Uuid>,
    pub(super) plan: Profile,
    /// The `next_time` of its profile, by which the sweeper finds it.
    pub(super) next_time: i64,
    /// The status according to the entries.
    pub(super) status: WalletStatus,
    pub(super) chain: Chain,
    /// Notifications by revision, until their entries are read.
    pub(super) events: BTreeMap<i64, Vec<RecordedNotification>>,
    pub(super) grants: BTreeMap<GrantKey, GrantFold>,
    pub(super) units: BTreeMap<UnitId, UnitFold>,
    /// Reservations, until their rows are read.
    pub(super) lives: BTreeMap<ReservationId, Life>,
    pub(super) requests: HashSet<RequestId>,
    pub(super) clawbacks: Clawbacks,
    /// Payments that were returned, until the rows of grants are read.
    pub(super) returned_payments: Vec<ReturnedPayment>,
    pub(super) windows: Windows,
    /// The ids and times of `holds`, until the rows of the reservations are read.
    pub(super) holds: BTreeSet<(String, i64)>,
    pub(super) open_reservations: i64,
    pub(super) heartbeats: Heartbeats,
    /// The items of the feed. `None`: the feed is not verified.
    pub(super) items: Option<ItemFold>,
    pub(super) auto_top_up: AutoTopUpFold,
}

impl WalletFold {
    /// Returns a wallet before its first row.
    pub(super) fn new((bucket, uuid): Key) -> Self {
        Self {
            bucket,
            uuid,
            row: None,
            create_time: None,
            profile: None,
            recorded_profile: None,
            tenant: None,
            plan: Profile::default(),
            next_time: i64::MAX,
            status: WalletStatus::Active,
            chain: Chain::new(WalletKey::from_uuid(uuid)),
            events: BTreeMap::new(),
            grants: BTreeMap::new(),
            units: BTreeMap::new(),
            lives: BTreeMap::new(),
            requests: HashSet::new(),
            clawbacks: Clawbacks::default(),
            returned_payments: Vec::new(),
            windows: Windows::default(),
            holds: BTreeSet::new(),
            open_reservations: 0,
            heartbeats: Heartbeats::default(),
            items: None,
            auto_top_up: AutoTopUpFold::default(),
        }
    }

    pub(super) const fn key(&self) -> Key {
        (self.bucket, self.uuid)
    }

    /// Keeps a notification until its entry is read.
    pub(super) fn event(&mut self, row: &events::Model, faults: &mut Faults) {
        match event::read(row) {
            Ok(read) => self.events.entry(row.revision).or_default().push(read),
            Err(error) => faults.add(row.revision, &format!("notification {} is unreadable: {error}", row.n)),
        }
    }

    /// Folds the next entry.
    pub(super) fn entry(&mut self, row: &entries::Model, faults: &mut Faults) {
        let events = self.events.remove(&row.revision).unwrap_or_default();
        let entry = match entry::read(row) {
            Ok(entry) => {
                Entry { events: events.iter().map(|recorded| recorded.event.clone()).collect(), ..entry }
            }
            Err(error) => {
                faults.add(row.revision, &format!("the entry is unreadable: {error}"));
                return self.chain.skip(row);
            }
        };
        self.chain.add(&entry, faults);
        if let Some(items) = &mut self.items {
            items.add(&entry, faults);
        }
        moves::check(&entry, faults);
        let returned = self.returned_payments.len();
        for posting in &entry.postings {
            if let Account::Grant(key) = &posting.account {
                let new = || GrantFold::new(&posting.unit, returned);
                let grant = self.grants.entry(key.clone()).or_insert_with(new);
                grant.remainders.keep(returned, grant.remainder());
                grant.post(key, &entry, posting, faults);
            }
            self.unit(&posting.unit).post(posting, entry.revision, faults);
        }
        self.check_leftovers(&entry, faults);
        self.row_digests(&entry, faults);
        self.balances(&entry, faults);
        // A unit of which a notification is the only trace has no stored balance.
        let available = |event: &Event| self.units.get(&event.unit).map_or(0, UnitFold::available);
        event::check(&entry, &events, available, faults);
        self.warning(&entry, faults);
        self.auto_top_up.add(&entry, faults);
        self.ids(&entry, faults);
        self.clawbacks.record(&entry);
        self.returned_payments.extend(ReturnedPayment::of(&entry, &self.clawbacks));
        self.windows.add(&entry);
    }

    /// Records the row digests, warning times, status, debt limits and profile digest of an entry.
    fn row_digests(&mut self, entry: &Entry, faults: &mut Faults) {
        let RowDigests { grants, warnings, status, debt_limits, profile, .. } = &entry.row_digests;
        for (key, digest) in grants {
            match self.grants.get_mut(key) {
                Some(grant) => grant.record_digest(key, *digest, entry),
                None => {
                    faults.add(entry.revision, &format!("I16: concerns grant {key}, which was not issued"))
                }
            }
        }
        for key in warnings.keys() {
            let issued = self.grants.get(key).is_some_and(|grant| grant.revision() == entry.revision);
            faults.unless(issued, entry.revision, || {
                format!("I16: has the warning time of grant {key}, which it does not issue")
            });
        }
        for (unit, limit) in debt_limits.iter() {
            self.unit(unit).debt_limit = limit;
        }
        self.status = status.unwrap_or(self.status);
        self.recorded_profile = profile.or(self.recorded_profile);
    }

    /// Checks the expiry notifications of an entry.
    fn warning(&mut self, entry: &Entry, faults: &mut Faults) {
        for event in &entry.events {
            let Some(key) = &event.grant else { continue };
            match self.grants.get_mut(key) {
                Some(grant) => grant.check_warning(key, entry, event, faults),
                None => faults.add(entry.revision, &format!("concerns grant {key}, which was not issued")),
            }
        }
    }

    /// Checks I4: the entry has the balances of the units that it moved, and no others.
    fn balances(&mut self, entry: &Entry, faults: &mut Faults) {
        for balance in &entry.balances {
            let unit = self.unit(&balance.unit);
            unit.recorded(balance, entry.revision, faults);
            let (owed, unbounded) = moves::new_debt(entry, &balance.unit);
            unit.owe(owed, unbounded, entry, faults);
        }
        let moved = |unit: &UnitId| entry.postings.iter().any(|posting| posting.unit == *unit);
        let recorded = |unit: &UnitId| entry.balances.iter().any(|balance| balance.unit == *unit);
        let has_same_units = entry.balances.iter().all(|balance| moved(&balance.unit))
            && entry.postings.iter().all(|posting| recorded(&posting.unit));
        faults.unless(has_same_units, entry.revision, || {
            "I4: the units it moves are not those whose balances it has".to_owned()
        });
    }

    /// Checks I7 for the reservation of an entry, and I11 for its request.
    fn ids(&mut self, entry: &Entry, faults: &mut Faults) {
        use EntryKind::{
            Cancelled, ChargeReversed, Failed, HoldExpired, Reserved, Settled, SettledLate, Started,
        };
        let at = entry.revision;
        if let Some(id) = &entry.reservation {
            let recorded = self.lives.entry(id.clone()).or_default().record(entry);
            if let Err(error) = recorded {
                faults.add(at, &format!("I7: reservation {id}: {error}"));
            }
        } else if matches!(
            entry.kind,
            Reserved | Started | Settled | Failed | Cancelled | HoldExpired | SettledLate | ChargeReversed
        ) {
            faults.add(at, &format!("I7: is {:?} and names no reservation", entry.kind));
        }
        if let Some(request) = &entry.request {
            let is_new = self.requests.insert(request.clone());
            faults.unless(is_new, at, || format!("I11: request {request} was carried out before"));
        }
    }

    pub(super) fn unit(&mut self, unit: &UnitId) -> &mut UnitFold {
        self.units.entry(unit.clone()).or_default()
    }
}
