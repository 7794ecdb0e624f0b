//! What scenarios and properties share: a wallet with a clock set by hand, words for what happens to it, and the
//! invariants, which are checked after every command.

#![allow(dead_code, reason = "each test crate uses its part of the words")]

pub(crate) mod facts;
pub(crate) mod invariants;
pub(crate) mod ledger;
pub(crate) mod money_back;
pub(crate) mod steps;
pub(crate) mod subscribing;
pub(crate) mod telling;
pub(crate) mod words;
pub(crate) mod world;
