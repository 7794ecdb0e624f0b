//! The reads and the write of a batch of commands.
//!
//! A batch runs either in one transaction, which locks its wallets first ([`Tx`]), or without locks between its
//! statements ([`Optimistic`]).

mod load;
mod load_due;
mod loaded;
mod optimistic;
mod read_plan;
mod tx;
mod write;

pub(in crate::store) use load::{load_wallets, usable, wallet_rows};
pub(in crate::store) use load_due::next_due;
#[cfg(test)]
pub(in crate::store) use loaded::StoredRows;
pub(crate) use loaded::{LoadedWallet, LoadedWallets, WalletRows};
pub(crate) use optimistic::Optimistic;
pub(crate) use read_plan::ReadPlan;
pub(crate) use tx::{Locked, Tx};
pub(crate) use write::WalletWrite;
#[cfg(test)]
pub(in crate::store) use write::{write, write_at_versions};
