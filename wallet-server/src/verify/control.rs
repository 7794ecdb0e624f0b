//! The checks of the control plane: tenants, API keys, catalogs, the audit, signing keys and leases.
//!
//! Entries do not cover these rows. The text of a catalog is checked against its digest; other values are checked
//! against bounds or noted, and a checkpoint outside the database covers catalogs and keys.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use uuid::Uuid;
use wallet_core::catalog::Catalog;
use wallet_core::{TenantId, Timestamp};

use crate::clock::MOST_AHEAD;
use crate::keys::{CallRate, KeyId, Scopes};
use crate::store::tables::{api_keys, audit_events, catalogs, signing_keys, task_leases, tenants};
use crate::store::{ReadTx, StoreError};
use crate::verify::faults::Faults;

/// The keys that sign quotes and messages to endpoints of webhooks.
const SIGNING_KEYS: [&str; 2] = ["quotes", "webhooks"];
/// The actions that the audit records.
const ACTIONS: [&str; 12] = [
    "catalog.publish",
    "key.create",
    "key.replace",
    "key.revoke",
    "tenant.advance_clock",
    "tenant.create",
    "tenant.resume",
    "tenant.suspend",
    "webhook.create",
    "webhook.delete",
    "webhook.disable",
    "webhook.update",
];
/// The tasks that have leases. The sweep has one for each part of the buckets.
const TASKS: [&str; 11] = [
    "feed", "nats", "sweep-0", "sweep-1", "sweep-2", "sweep-3", "sweep-4", "sweep-5", "sweep-6", "sweep-7",
    "webhooks",
];
/// An hour in microseconds. An instant further ahead of the clock is noted: a clock is wrong, or the row was edited.
const AHEAD: i64 = 3_600_000_000;

/// The part of the control plane that other rows refer to.
#[derive(Debug, Clone, Default)]
pub(super) struct ControlPlane {
    tenants: BTreeSet<Uuid>,
    catalogs: BTreeSet<(Uuid, i64)>,
    /// The changes that the feed must have: tenant, time, id in the audit, and number of the type.
    pub(super) changes: BTreeSet<(Uuid, i64, Uuid, u8)>,
    /// The lines of the control plane in a checkpoint.
    pub(super) lines: Vec<String>,
}

impl ControlPlane {
    pub(super) fn has_tenant(&self, tenant: Uuid) -> bool {
        self.tenants.contains(&tenant)
    }

    pub(super) fn has_catalog(&self, tenant: Uuid, version: i64) -> bool {
        self.catalogs.contains(&(tenant, version))
    }
}

/// Reads and checks the control plane.
pub(super) async fn read(
    snapshot: &ReadTx,
    now: Timestamp,
    faults: &mut Faults,
) -> Result<ControlPlane, StoreError> {
    let mut check = Check {
        control_plane: ControlPlane::default(),
        latest: now.as_micros().saturating_add(AHEAD),
        faults,
    };
    check.faults.about_the_database();
    snapshot.each_of::<tenants::Entity>(|row| check.row("tenants", row, Check::tenant)).await?;
    let default = check.control_plane.has_tenant(TenantId::DEFAULT.0);
    check.faults.unless(default, 0, || "has no tenant \"default\"".to_owned());
    let mut last = None;
    snapshot
        .each_of::<catalogs::Entity>(|row| {
            check.row("catalogs", row, |check, row| check.catalog(&row, &mut last));
        })
        .await?;
    snapshot.each_of::<api_keys::Entity>(|row| check.row("api_keys", row, Check::api_key)).await?;
    snapshot.each_of::<audit_events::Entity>(|row| check.row("audit_events", row, Check::audit)).await?;
    snapshot.each_of::<signing_keys::Entity>(|row| check.row("signing_keys", row, Check::key)).await?;
    snapshot.each_of::<task_leases::Entity>(|row| check.row("task_leases", row, Check::lease)).await?;
    Ok(check.control_plane)
}

struct Check<'a> {
    control_plane: ControlPlane,
    /// Later instants are noted, in microseconds since 1970.
    latest: i64,
    faults: &'a mut Faults,
}

impl Check<'_> {
    /// Checks a row, or reports it as unreadable.
    fn row<T>(&mut self, table: &str, row: Result<T, String>, check: impl FnOnce(&mut Self, T)) {
        match row {
            Ok(row) => check(self, row),
            Err(error) => self.faults.add(0, &format!("a row of {table} is unreadable: {error}")),
        }
    }

    /// Checks a tenant. The tenant `default` is created with the database.
    fn tenant(&mut self, row: tenants::Model) {
        let tenants::Model { tenant, name, mode, status, create_time, clock_ahead } = row;
        let made = (name.as_str(), mode, create_time) == ("default", 0, 0);
        self.faults.unless(made == (tenant == TenantId::DEFAULT.0), 0, || {
            format!("tenant {tenant} is {name:?}, created at {}", Timestamp::from_micros(create_time))
        });
        self.faults.unless((0..=1).contains(&mode) && (0..=1).contains(&status), 0, || {
            format!("tenant {tenant} has mode {mode} and status {status}, which do not exist")
        });
        let most = if mode == 0 { 0 } else { MOST_AHEAD.as_micros() };
        self.faults.unless(u128::try_from(clock_ahead).is_ok_and(|ahead| ahead <= most), 0, || {
            format!("tenant {tenant} has a clock that is {clock_ahead} us ahead; at most {most} are allowed")
        });
        self.look(create_time, || format!("tenant {tenant} was created"));
        self.control_plane.tenants.insert(tenant);
    }

    /// Checks the form of an API key. Its MAC cannot be checked without the pepper.
    fn api_key(&mut self, row: api_keys::Model) {
        let api_keys::Model { key_id, tenant, scopes, mac, create_time, expire_time, revoke_time, .. } = row;
        let api_keys::Model { calls_per_second, calls_burst, .. } = row;
        self.of_tenant(tenant, || format!("API key {key_id:?}"));
        let scopes_fit = scopes.parse::<Scopes>().is_ok_and(|read| read.to_string() == scopes);
        let scopes_fit =
            scopes_fit && scopes.parse().is_ok_and(|read: Scopes| read.within(TenantId(tenant)) == read);
        let fits = KeyId::parse(&key_id).is_some() && scopes_fit && mac.len() == 32;
        self.faults.unless(fits, 0, || {
            format!("API key {key_id:?} has scopes {scopes:?} and a MAC of {} bytes", mac.len())
        });
        self.faults.unless(create_time <= expire_time && create_time <= revoke_time, 0, || {
            format!("I18: API key {key_id:?} ends before it was created")
        });
        self.faults.unless(CallRate::stored(calls_per_second, calls_burst).is_some(), 0, || {
            format!("API key {key_id:?} has {calls_per_second} calls per second and {calls_burst} at once")
        });
        self.look(create_time, || format!("API key {key_id:?} was created"));
    }

    fn audit(&mut self, row: audit_events::Model) {
        let item_type = row.item_type();
        let audit_events::Model { tenant, event_time, event_id, action, subject, in_feed, .. } = row;
        self.of_tenant(tenant, || format!("event {event_id} of the audit"));
        self.faults.unless(ACTIONS.contains(&action.as_str()), 0, || {
            format!("event {event_id} of the audit has the action {action:?}, which does not exist")
        });
        self.faults.unless(item_type.is_some() || !in_feed, 0, || {
            format!(
                "I33: event {event_id} of the audit is in the feed, which never has {action:?} of {subject:?}"
            )
        });
        let item_type = item_type.filter(|_| in_feed);
        self.control_plane.changes.extend(item_type.map(|of| (tenant, event_time, event_id, of as u8)));
        self.look(event_time, || format!("{action} of {subject:?} was recorded"));
    }

    fn of_tenant(&mut self, tenant: Uuid, row: impl FnOnce() -> String) {
        self.faults.unless(self.control_plane.tenants.contains(&tenant), 0, || {
            format!("{} has tenant {tenant}, which does not exist", row())
        });
    }

    /// Checks I22: the versions have no gap, and each text has the digest of its publication.
    fn catalog(&mut self, row: &catalogs::Model, last: &mut Option<(Uuid, i64, i64)>) {
        let catalogs::Model { tenant, version, toml, digest, publish_time } = row;
        let (before, since) = match *last {
            Some((of, version, time)) if of == *tenant => (version, time),
            _ => (0, 0),
        };
        let faults = &mut *self.faults;
        faults.unless(self.control_plane.tenants.contains(tenant), 0, || {
            format!("catalog {version} has tenant {tenant}, which does not exist")
        });
        faults.unless(*version == before + 1, 0, || {
            format!("I22: catalog {version} of tenant {tenant} follows version {before}")
        });
        let is: [u8; 32] = Sha256::digest(toml).into();
        faults.unless(is.as_slice() == digest.as_slice(), 0, || {
            format!(
                "I22: catalog {version} has digest {}, but its text has digest {}",
                hex::encode(digest),
                hex::encode(is)
            )
        });
        if let Err(problems) = Catalog::parse(toml) {
            faults.add(0, &format!("catalog {version} is unreadable: {problems}"));
        }
        faults.unless(*publish_time >= since, 0, || {
            let [time, since] = [*publish_time, since].map(Timestamp::from_micros);
            format!("I18: catalog {version} was published at {time}, but the previous one at {since}")
        });
        *last = Some((*tenant, *version, *publish_time));
        self.control_plane.catalogs.insert((*tenant, *version));
        self.control_plane.lines.push(format!("catalog {tenant} {version} {}", hex::encode(is)));
        self.look(*publish_time, || format!("catalog {version} was published"));
    }

    fn key(&mut self, row: signing_keys::Model) {
        let signing_keys::Model { name, secret, create_time } = row;
        self.faults
            .unless(secret.len() == 32, 0, || format!("key {name:?} has {} bytes, not 32", secret.len()));
        self.faults
            .unless(SIGNING_KEYS.contains(&name.as_str()), 0, || format!("key {name:?} signs nothing"));
        self.control_plane.lines.push(format!(
            "key {} {}",
            hex::encode(&name),
            hex::encode(Sha256::digest(&secret))
        ));
        self.look(create_time, || format!("key {name:?} was created"));
    }

    /// Checks a lease. Its holder and expiry cannot be checked.
    fn lease(&mut self, row: task_leases::Model) {
        let task_leases::Model { task, expire_time, .. } = row;
        self.faults.unless(TASKS.contains(&task.as_str()), 0, || {
            format!("I9: the task {task:?} is leased, which does not exist")
        });
        self.look(expire_time, || format!("the lease of the task {task:?} ends"));
    }

    fn look(&mut self, time: i64, what: impl FnOnce() -> String) {
        if time > self.latest {
            self.faults.note(&format!(
                "{} at {}, which is ahead of the clock",
                what(),
                Timestamp::from_micros(time)
            ));
        }
    }
}
