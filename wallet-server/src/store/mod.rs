//! The database: connections, transactions, statements, and the conversion of rows to core types. No other module
//! runs SQL.
//!
//! [`Store`] opens connections, [`tx`] runs a batch's transaction, [`entity`] maps the tables for reading, [`sql`]
//! holds the statements of the hot path. No rule about credits is in this module.
//!
//! Lock order: a transaction locks wallets, sorted by (bucket, wallet_key), and nothing else; the lock of a wallet
//! guards all its other rows. A batch that sells a plan first takes the shared lock of its tenants' catalogs
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
mod timed;
mod tx;
mod url;
mod whole;

pub(crate) use connect::{Backend, Store};
pub(crate) use control::CatalogRow;
pub use control::Due;
pub(crate) use due::{DueRows, DueWallet};
pub use error::StoreError;
pub(crate) use error::StoreErrorKind;
pub(crate) use publishing::Publishing;
pub(crate) use read::{Place, ReadTx};
pub(crate) use rows::{EventDetails, RecordedEvent};
#[cfg(test)]
pub(crate) use timed::{is_inside_a_transaction, tamper};
pub(crate) use tx::{LoadedWallet, Locked, ReadPlan, Tx, WalletWrite};
pub(crate) use url::DatabaseUrl;
pub(crate) use whole::{SchemaObject, fresh_schema};
