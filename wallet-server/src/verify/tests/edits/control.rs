//! Edits of the control plane, and of the schema.

use super::Edit;
use super::Finds::{Fault, Note, Nothing};

pub(super) const EDITS: &[Edit] = &[
    ("tenants.tenant", "UPDATE tenants SET tenant = {uuid}", Fault("the database: has no tenant")),
    ("tenants.tenant", "DELETE FROM tenants", Fault("the database: has no tenant")),
    ("tenants.name", "UPDATE tenants SET name = 'other'", Fault("is \"other\", created at")),
    ("tenants.create_time", "UPDATE tenants SET create_time = 1", Fault("is \"default\", created at")),
    ("tenants.mode", "UPDATE tenants SET mode = 1", Fault("is \"default\", created at")),
    ("tenants.status", "UPDATE tenants SET status = 1", Nothing("The control plane")),
    ("tenants.clock_ahead", "UPDATE tenants SET clock_ahead = 1", Fault("has a clock that is 1 us ahead")),
    ("api_keys.key_id", "UPDATE api_keys SET key_id = 'short'", Fault("API key \"short\" has scopes")),
    ("api_keys.key_id", "DELETE FROM api_keys", Nothing("The control plane")),
    ("api_keys.tenant", "UPDATE api_keys SET tenant = {uuid}", Fault("API key \"0123456789\" has tenant")),
    ("api_keys.name", "UPDATE api_keys SET name = 'other'", Nothing("The control plane")),
    ("api_keys.scopes", "UPDATE api_keys SET scopes = 'everything'", Fault("has scopes \"everything\"")),
    ("api_keys.scopes", "UPDATE api_keys SET scopes = 'keys'", Nothing("The control plane")),
    ("api_keys.mac", "UPDATE api_keys SET mac = {bytes}", Nothing("The control plane")),
    (
        "api_keys.create_time",
        "UPDATE api_keys SET create_time = create_time + 631152000000000",
        Note("API key \"0123456789\" was created at"),
    ),
    ("api_keys.expire_time", "UPDATE api_keys SET expire_time = 5", Fault("ends before it was created")),
    ("api_keys.revoke_time", "UPDATE api_keys SET revoke_time = 5", Fault("ends before it was created")),
    (
        "api_keys.revoke_time",
        "UPDATE api_keys SET revoke_time = create_time + 5",
        Nothing("The control plane"),
    ),
    (
        "api_keys.calls_per_second",
        "UPDATE api_keys SET calls_per_second = 5",
        Fault("has 5 calls per second and 0"),
    ),
    ("api_keys.calls_burst", "UPDATE api_keys SET calls_burst = 5", Fault("has 0 calls per second and 5")),
    (
        "api_keys.calls_burst",
        "UPDATE api_keys SET calls_per_second = 9, calls_burst = 5",
        Nothing("The control plane"),
    ),
    ("audit_events.tenant", "UPDATE audit_events SET tenant = {uuid}", Fault("of the audit has tenant")),
    (
        "audit_events.event_time",
        "UPDATE audit_events SET event_time = 5 WHERE action = 'key.create'",
        Nothing("The control plane"),
    ),
    (
        "audit_events.event_time",
        "UPDATE audit_events SET event_time = event_time + 631152000000000 WHERE action = 'key.create'",
        Note("key.create of \"0123456789\" was recorded at"),
    ),
    (
        "audit_events.event_id",
        "UPDATE audit_events SET event_id = {uuid} WHERE action = 'key.create'",
        Nothing("The control plane"),
    ),
    ("audit_events.principal", "UPDATE audit_events SET principal = 'eve'", Nothing("The control plane")),
    ("audit_events.call_id", "UPDATE audit_events SET call_id = 'x'", Nothing("The control plane")),
    (
        "audit_events.action",
        "UPDATE audit_events SET action = 'key.lose'",
        Fault("has the action \"key.lose\", which does not exist"),
    ),
    (
        "audit_events.subject",
        "UPDATE audit_events SET subject = 'x' WHERE action = 'key.create'",
        Nothing("The control plane"),
    ),
    ("audit_events.details", "UPDATE audit_events SET details = 'x'", Nothing("The control plane")),
    ("catalogs.tenant", "UPDATE catalogs SET tenant = {uuid}", Fault("which does not exist")),
    (
        "catalogs.version",
        "UPDATE catalogs SET version = 5 WHERE version = 2",
        Fault("I22: catalog 5 of tenant"),
    ),
    (
        "catalogs.version",
        "UPDATE catalogs SET version = 9 WHERE version = 1",
        Fault("is priced by catalog 1, which does not exist"),
    ),
    (
        "catalogs.version",
        "DELETE FROM catalogs WHERE version = 1",
        Fault("is priced by catalog 1, which does not exist"),
    ),
    ("catalogs.version", "DELETE FROM catalogs WHERE version = 2", Nothing("The control plane")),
    (
        "catalogs.toml",
        "UPDATE catalogs SET toml = replace(toml, 'flat = 2', 'flat = 1')",
        Fault("I22: catalog 1 has digest"),
    ),
    (
        "catalogs.toml",
        "UPDATE catalogs SET toml = toml || ' ' WHERE version = 2",
        Fault("I22: catalog 2 has digest"),
    ),
    ("catalogs.toml", "UPDATE catalogs SET toml = '[' WHERE version = 2", Fault("catalog 2 is unreadable")),
    ("catalogs.digest", "UPDATE catalogs SET digest = {bytes}", Fault("I22: catalog 1 has digest")),
    (
        "catalogs.publish_time",
        "UPDATE catalogs SET publish_time = 5 WHERE version = 2",
        Fault("I18: catalog 2 was published at"),
    ),
    (
        "catalogs.publish_time",
        "UPDATE catalogs SET publish_time = publish_time + 631152000000000 WHERE version = 2",
        Note("catalog 2 was published at"),
    ),
    (
        "catalogs.publish_time",
        "UPDATE catalogs SET publish_time = publish_time + 1 WHERE version = 2",
        Nothing("The control plane"),
    ),
    ("signing_keys.name", "UPDATE signing_keys SET name = 'quote'", Fault("key \"quote\" signs nothing")),
    ("signing_keys.name", "DELETE FROM signing_keys", Nothing("The control plane")),
    ("signing_keys.secret", "UPDATE signing_keys SET secret = {bytes}", Nothing("The control plane")),
    ("signing_keys.create_time", "UPDATE signing_keys SET create_time = 5", Nothing("The control plane")),
    (
        "signing_keys.create_time",
        "UPDATE signing_keys SET create_time = create_time + 631152000000000",
        Note("key \"quotes\" was created at"),
    ),
    (
        "task_leases.task",
        "UPDATE task_leases SET task = 'sweep-8' WHERE task = 'sweep-3'",
        Fault("I9: the task \"sweep-8\" is leased"),
    ),
    (
        "task_leases.task",
        "UPDATE task_leases SET task = 'tea' WHERE task = 'feed'",
        Fault("the task \"tea\" is leased"),
    ),
    ("task_leases.holder", "UPDATE task_leases SET holder = {uuid}", Nothing("The control plane")),
    (
        "task_leases.expire_time",
        "UPDATE task_leases SET expire_time = expire_time + 631152000000000",
        Note("the lease of the task \"feed\" ends at"),
    ),
    ("task_leases.expire_time", "UPDATE task_leases SET expire_time = 5", Nothing("The control plane")),
];

/// The statement for SQLite, the one for PostgreSQL, the one that restores PostgreSQL, and the text of the fault.
pub(super) const SCHEMA: &[(&str, &str, &str, &str)] = &[
    (
        "DROP TRIGGER entries_never_change",
        "DROP TRIGGER entries_never_change ON entries",
        "CREATE TRIGGER entries_never_change BEFORE UPDATE OR DELETE ON entries
         FOR EACH ROW EXECUTE FUNCTION entries_are_immutable()",
        "has no trigger entries.entries_never_change",
    ),
    (
        "DROP TRIGGER events_never_go; CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN SELECT 1; END",
        "CREATE OR REPLACE FUNCTION events_are_immutable() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RETURN NEW; END $$",
        "CREATE OR REPLACE FUNCTION events_are_immutable() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'events are immutable' USING ERRCODE = 'restrict_violation'; END $$",
        ", not ",
    ),
    (
        "",
        "ALTER TABLE entries DISABLE TRIGGER entries_never_vanish",
        "ALTER TABLE entries ENABLE TRIGGER entries_never_vanish",
        "DISABLED",
    ),
    (
        "CREATE TRIGGER foreign_one AFTER INSERT ON entries BEGIN SELECT 1; END",
        "CREATE RULE foreign_one AS ON INSERT TO entries DO ALSO SELECT 1",
        "DROP RULE foreign_one ON entries",
        "entries.foreign_one: ",
    ),
    (
        "DROP INDEX entries_request",
        "DROP INDEX entries_request",
        "CREATE UNIQUE INDEX entries_request ON entries (bucket, wallet_key, request_id) WHERE request_id <> ''",
        "has no index entries_request",
    ),
    (
        "",
        "ALTER TABLE catalogs DROP CONSTRAINT catalogs_version_check, ADD CONSTRAINT catalogs_version_check CHECK (version > -9)",
        "ALTER TABLE catalogs DROP CONSTRAINT catalogs_version_check, ADD CONSTRAINT catalogs_version_check CHECK (version > 0)",
        "has constraint catalogs.catalogs_version_check as",
    ),
    (
        "",
        "ALTER TABLE wallets ALTER head DROP NOT NULL",
        "ALTER TABLE wallets ALTER head SET NOT NULL",
        "has column wallets.head as bytea, not bytea NOT NULL",
    ),
    (
        "DELETE FROM seaql_migrations WHERE version = 'm0004_events'",
        "DELETE FROM seaql_migrations WHERE version = 'm0004_events'",
        "INSERT INTO seaql_migrations VALUES ('m0004_events', 0)",
        "has no migration m0004_events",
    ),
];
