//! The comparison of a wallet's rows with the fold of its entries, and the checks of the wallet as a whole.

use wallet_core::posting::Account;
use wallet_core::reservation::Pin;
use wallet_core::row_digests::Digest;
use wallet_core::wallet::Profile;
use wallet_core::{TenantId, Timestamp, WalletId, WalletKey};

use crate::store::tables::{grants, holds, reservations, wallet_profiles, wallets};
use crate::verify::control::ControlPlane;
use crate::verify::faults::Faults;
use crate::verify::grant_row::Context;
use crate::verify::reservation::Writes;
use crate::verify::wallet::WalletFold;
use crate::verify::{grant_row, reservation, returned_payment};

impl WalletFold {
    /// Keeps the row of `wallets` until the wallet's other rows have been read.
    pub(super) fn own_row(&mut self, row: wallets::Model) {
        self.row = Some(row);
    }

    /// Checks the profile. The key must be that of tenant and id. Later faults name the wallet by its id.
    pub(super) fn profile(
        &mut self,
        row: wallet_profiles::Model,
        control_plane: Option<&ControlPlane>,
        faults: &mut Faults,
    ) {
        faults.about(&format!("{} ({})", row.wallet_id, self.uuid));
        faults.unless(
            control_plane.is_none_or(|control_plane| control_plane.has_tenant(row.tenant)),
            0,
            || format!("its tenant {} does not exist", row.tenant),
        );
        match row.wallet_id.parse::<WalletId>() {
            Ok(id) => {
                let key = WalletKey::new(TenantId(row.tenant), &id);
                faults.unless((key.bucket(), key.uuid()) == self.key(), 0, || {
                    let (bucket, uuid) = (key.bucket(), key.uuid());
                    format!(
                        "its key is ({}, {}), but ({bucket}, {uuid}) according to tenant and id",
                        self.bucket, self.uuid
                    )
                });
            }
            Err(error) => faults.add(0, &format!("its wallet_id {error}")),
        }
        match serde_json::from_str::<Profile>(&row.profile) {
            Ok(profile) => self.plan = profile,
            Err(error) => faults.add(0, &format!("its profile is unreadable: {error}")),
        }
        (self.tenant, self.next_time) = (Some(row.tenant), row.next_time);
        self.create_time = Some(row.create_time);
        self.profile = Some(Digest::of_profile(&row.profile));
    }

    pub(super) fn grant(&mut self, row: &grants::Model, faults: &mut Faults) {
        let last_time = self.row.as_ref().map_or(i64::MAX, |row| row.last_time);
        match grant_row::key(row) {
            Ok(key) => match self.grants.get_mut(&key) {
                Some(grant) => {
                    let decoded = grant_row::decode(&key, row);
                    let gave_unpaid = decoded.as_ref().is_some_and(|decoded| self.plan.gave_unpaid(decoded));
                    let effective_time = self.chain.effective_time();
                    let clawbacks = &self.clawbacks;
                    let context = Context { clawbacks, gave_unpaid, last_time, effective_time };
                    grant.row = Some(grant_row::check(&key, row, decoded, grant, context, faults));
                }
                None => {
                    faults.add(0, &format!("I2: grant {key} of {} {} was not issued", row.amount, row.unit))
                }
            },
            Err(error) => faults.add(0, &error),
        }
    }

    /// Checks the balances in the wallet's row. A unit that occurs in no entry has no balance.
    fn check_balances(&mut self, row: &wallets::Model, faults: &mut Faults) {
        let at = self.chain.revision;
        let balances = match wallets::balances(row) {
            Ok(balances) => balances,
            Err(error) => return faults.add(at, &format!("its balances are unreadable: {error}")),
        };
        for (unit, balance) in &balances {
            faults.unless(self.units.contains_key(unit), at, || {
                format!("I6: there is a balance of {unit}, but no entry has this unit")
            });
            self.unit(unit).check(unit, balance, at, faults);
        }
    }

    /// Keeps a hold until its reservation is read.
    pub(super) fn hold(&mut self, row: holds::Model) {
        self.holds.insert((row.reservation_id, row.sweep_at));
    }

    pub(super) fn reservation(
        &mut self,
        row: &reservations::Model,
        control_plane: Option<&ControlPlane>,
        faults: &mut Faults,
    ) {
        let is_open = reservation::is_open(row);
        self.open_reservations += i64::from(is_open);
        let is_held = self.holds.remove(&(row.reservation_id.clone(), row.sweep_at));
        faults.unless(is_held || !is_open, 0, || {
            format!("I9: reservation {} is open, but has no hold at its sweep_at", row.reservation_id)
        });
        faults.unless(is_open || !is_held, 0, || {
            format!("I9: reservation {} has a hold, but has ended", row.reservation_id)
        });
        let writes = Writes {
            effective_time: self.chain.effective_time(),
            silent: self.row.as_ref().map_or(i64::MAX, |row| row.version.saturating_sub(row.revision)),
        };
        let Some(life) = self.lives.remove(row.reservation_id.as_str()) else {
            return faults.add(0, &format!("I7: reservation {} is in no entry", row.reservation_id));
        };
        let Some(receipt) = reservation::check(row, &life, faults) else { return };
        receipt.check(faults);
        if is_open {
            let extended = reservation::check_deadline(row, &receipt, &writes, faults);
            self.heartbeats.extended += extended;
            let deadline = Some(Timestamp::from_micros(row.deadline));
            self.heartbeats.deadline = self.heartbeats.deadline.max(deadline);
        }
        if let (Some(control_plane), Some(tenant), Some(Pin { catalog_version: version, .. })) =
            (control_plane, self.tenant, &receipt.terms.pin)
        {
            faults.unless(control_plane.has_catalog(tenant, *version), life.revision(), || {
                format!(
                    "I22: reservation {} is priced by catalog {version}, which does not exist",
                    receipt.id
                )
            });
        }
        for line in &receipt.allocations {
            let Account::Grant(key) = &line.account else { continue };
            let source = self.grants.get(key).and_then(|grant| grant.row.as_ref()?.source);
            faults.unless(source == line.source, life.revision(), || {
                let id = receipt.id;
                format!(
                    "I5: reservation {id}: grant {key} is {source:?}, but {:?} according to its receipt",
                    line.source
                )
            });
        }
        for line in receipt.allocations.iter().filter(|_| is_open) {
            if let Account::Grant(key) = &line.account
                && let Some(grant) = self.grants.get_mut(key)
            {
                grant.hold(line.held);
            }
            self.unit(&line.unit).hold(line.held);
        }
    }

    /// Reports a row that is unreadable.
    pub(super) fn unreadable(&mut self, table: &str, error: &str, faults: &mut Faults) {
        faults.add(self.chain.revision, &format!("a row of {table} is unreadable: {error}"));
        if table == "entries" {
            self.chain.forget_head();
        }
    }

    /// Checks the wallet as a whole after its last row, and reports the parts of the fold that have no row.
    pub(super) fn close(mut self, faults: &mut Faults) {
        let at = self.chain.revision;
        let Some(row) = self.row.take() else {
            let text =
                format!("has rows under ({}, {}), but no readable one in wallets", self.bucket, self.uuid);
            return faults.add(0, &text);
        };
        self.check_balances(&row, faults);
        self.chain.check(&row, &self.heartbeats, faults);
        if row.frozen {
            faults.note("is frozen");
        }
        for revision in self.events.keys() {
            faults.add(*revision, "has notifications but no entry");
        }
        faults.unless(row.status == self.status as i16, at, || {
            format!("I16: has status {}, but is {:?} according to its entries", row.status, self.status)
        });
        faults.unless(self.profile.is_none() || self.profile == self.recorded_profile, at, || {
            "I16: its profile does not match its entries".to_owned()
        });
        self.check_next_time(faults);
        let under_way = self.plan.auto_top_up.as_ref().and_then(|auto| auto.under_way.as_ref());
        self.auto_top_up.close(under_way, at, faults);
        let open = self.open_reservations;
        faults.unless(row.open_reservations == open, at, || {
            format!("I5: counts {} open reservations, but has {open}", row.open_reservations)
        });
        let begin = self.chain.begin.map(Timestamp::as_micros);
        faults.unless(self.create_time.is_some(), 0, || "has no profile".to_owned());
        faults.unless(self.create_time.is_none() || self.create_time == begin, 1, || {
            format!("I18: its profile has create_time {:?}, but its first entry {begin:?}", self.create_time)
        });
        for (key, grant) in &self.grants {
            grant.close(key, faults);
        }
        returned_payment::check(&self.returned_payments, &self.grants, faults);
        self.windows.check(&self.grants, faults);
        for (unit, fold) in &self.units {
            fold.close(unit, at, faults);
        }
        for (id, sweep_at) in &self.holds {
            let sweep_at = Timestamp::from_micros(*sweep_at);
            faults.add(0, &format!("I9: a hold of {id} at {sweep_at} belongs to no open reservation"));
        }
        for (id, life) in &self.lives {
            faults.add(life.revision(), &format!("I7: reservation {id} has no row"));
        }
    }

    /// Checks I9: `next_time` is the next due time of the plan, by which the sweeper finds the wallet.
    /// Skipped if the profile does not match the entries, which is a fault of its own.
    fn check_next_time(&self, faults: &mut Faults) {
        if self.profile.is_none() || self.profile != self.recorded_profile {
            return;
        }
        let next = self.plan.next_time(self.status);
        faults.unless(self.next_time == next.as_micros(), self.chain.revision, || {
            format!(
                "I9: its profile has next_time {}, but its plan is due at {next}",
                Timestamp::from_micros(self.next_time)
            )
        });
    }
}
