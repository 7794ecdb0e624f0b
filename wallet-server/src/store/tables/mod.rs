//! The tables, one per file: the row as sea-orm reads it, its conversion to a core type, and the columns that are
//! written. The fourth shape of a row is its definition in the migrations.

pub(crate) mod api_keys;
pub(crate) mod audit_events;
pub(crate) mod catalogs;
pub(super) mod decode;
pub(crate) mod entries;
pub(crate) mod events;
pub(crate) mod feed_blocks;
pub(crate) mod feed_heads;
pub(crate) mod feed_outbox;
pub(crate) mod grants;
pub(crate) mod holds;
pub(crate) mod nats_positions;
pub(crate) mod reservations;
pub(crate) mod signing_keys;
pub(crate) mod task_leases;
pub(crate) mod tenants;
pub(crate) mod wallet_profiles;
pub(crate) mod wallets;
pub(crate) mod webhook_deliveries;
pub(crate) mod webhook_endpoints;
