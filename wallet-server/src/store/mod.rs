//! Rows: the only part of the server that knows the database.
//!
//! [`Store`] opens connections, [`tx`] runs a batch's transaction, [`entity`] maps the tables for reading,
//! [`sql`] holds the statements of the hot path. Nothing here decides anything about credits.
//!
//! Lock order: a transaction locks wallets, sorted by (bucket, wallet_key), and nothing else; all other rows of
//! a wallet are guarded by its lock. A batch that sells a plan takes the shared lock of its tenants' catalogs before
//! ([`publishing`]).

mod connect;
mod control;
mod due;
pub(crate) mod entity;
mod error;
mod file_lock;
mod in_place;
mod packed;
pub(crate) mod pages;
pub(crate) mod points;
mod pool;
mod publishing;
mod reach;
mod read;
pub(crate) mod rows;
mod sql;
mod tx;
mod url;
mod watched;
mod whole;

pub(crate) use connect::{Backend, Store};
pub(crate) use control::CatalogRow;
pub use control::Due;
pub(crate) use due::{DueRows, DueWallet};
pub(crate) use error::{StoreError, Trouble};
pub(crate) use publishing::Publishing;
pub(crate) use read::{Place, ReadTx};
pub(crate) use rows::{EventDetails, RecordedEvent};
pub(crate) use tx::{LoadPlan, Loaded, Locked, Tx, Written};
pub(crate) use url::DatabaseUrl;
#[cfg(test)]
pub(crate) use watched::{is_inside_a_transaction, tamper};
pub(crate) use whole::{SchemaObject, fresh_schema};
