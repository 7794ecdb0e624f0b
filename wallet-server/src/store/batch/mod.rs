//! The transaction of a batch of commands: it locks wallets, loads what their commands need, and writes what was
//! decided.

mod load;
mod loaded;
mod read_plan;
mod tx;
mod write;

pub(in crate::store) use load::{existing, load_wallets, next_due, usable};
#[cfg(test)]
pub(in crate::store) use loaded::StoredRows;
pub(crate) use loaded::{LoadedWallet, WalletRows, WalletWrite};
pub(crate) use read_plan::ReadPlan;
pub(crate) use tx::{Locked, Tx};
#[cfg(test)]
pub(in crate::store) use write::write;
