//! The tables as sea-orm entities, one per file. They are used for reading.

pub(crate) mod catalogs;
pub(crate) mod entries;
pub(crate) mod events;
pub(crate) mod grants;
pub(crate) mod reservations;
pub(crate) mod signing_keys;
pub(crate) mod sweeper_leases;
pub(crate) mod tenants;
pub(crate) mod wallet_balances;
pub(crate) mod wallet_profiles;
pub(crate) mod wallets;
