//! A ledger of the real rules and the real store, verified as it is and with every kind of figure tampered with.

mod chance;
mod checkpoint;
mod commands;
mod edits;
mod file;
mod fixture;
mod money_back;
mod pages;
mod rows;
mod tampered_chain;
mod tampered_ends;
mod tampered_entries;
mod tampered_events;
mod tampered_rows;
mod tampered_words;
