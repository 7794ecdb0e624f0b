//! A ledger of the real rules and the real store, verified as it is and with every kind of figure tampered with.

mod chance;
mod commands;
pub(super) mod file;
pub(super) mod fixture;
mod money_back;
mod rows;
mod tampered_chain;
mod tampered_entries;
mod tampered_events;
mod tampered_rows;
