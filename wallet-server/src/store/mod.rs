//! The database: connections, transactions, statements, and the conversion of rows to core types. No other module
//! runs SQL.
//!
//! [`Store`] opens connections, [`batch`] runs a batch's transaction, [`tables`] has the rows of each table, [`sql`]
//! the statements of the hot path. No rule about credits is in this module.
//!
//! Lock order: a batch locks wallets, sorted by (bucket, wallet_key), and nothing else; the lock of a wallet guards all
//! its other rows. A batch that sells a plan first takes the shared lock of its tenants' catalogs ([`publishing`]). The
//! control plane locks tenants, keys and endpoints ([`control_tx`]), and the feed has locks of its own ([`feed`]); no
//! batch takes any of these.

mod backup;
mod batch;
mod connect;
mod control;
mod control_tx;
mod due;
mod due_of_tenants;
mod durability;
mod error;
pub(crate) mod failpoints;
mod feed;
mod figures;
mod file_lock;
mod in_place;
mod journal;
mod keys;
mod lane_connection;
mod migrate;
mod nats;
mod owner;
mod packed;
pub(crate) mod pages;
mod pool;
mod publishing;
mod reach;
mod read;
mod row_filter;
mod sql;
pub(crate) mod tables;
mod task_lease;
mod timed;
mod times;
mod unfreeze;
mod url;
mod wallet_cache;
mod webhooks;
mod whole;

pub(crate) use batch::{
    LoadedWallet, LoadedWallets, Locked, Optimistic, ReadPlan, Tx, WalletRows, WalletWrite,
};
pub(crate) use connect::{Backend, Store};
pub(crate) use control::CatalogRow;
pub(crate) use control_tx::{Change, ClockMove, ControlTx};
pub(crate) use due::{DueRows, DueWallet};
pub(crate) use due_of_tenants::WalletPlace;
pub use error::StoreError;
pub(crate) use error::StoreErrorKind;
pub(crate) use feed::{FeedEnds, FeedRows};
pub(crate) use figures::{OldTransaction, Space, TableVacuum};
pub(crate) use keys::{AuditRow, KeyRow, TenantRow, clock_ahead};
pub(crate) use lane_connection::LaneConnection;
pub(crate) use publishing::Publishing;
pub(crate) use read::{ListPosition, ListedKeys, ReadTx};
pub(crate) use row_filter::RowFilter;
pub(crate) use tables::events::{EventDetails, RecordedEvent};
#[cfg(test)]
pub(crate) use timed::{is_inside_a_transaction, tamper};
pub use times::DueCounts;
pub(crate) use url::DatabaseUrl;
pub(crate) use wallet_cache::WalletCache;
pub(crate) use webhooks::{DeliveryResults, DeliveryRow, EndpointRow};
pub(crate) use whole::{SchemaObject, fresh_schema};
