//! Tests of `verify` on ledgers made by the real rules and the real store: unchanged, and with every value tampered
//! with.

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
