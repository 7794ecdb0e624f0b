//! The shared parts of scenarios and properties: a wallet with a manual clock, functions for steps and facts, and
//! the invariants, which are checked after every command.

#![allow(dead_code, reason = "each test crate uses a part of these functions")]

pub(crate) mod facts;
pub(crate) mod invariants;
pub(crate) mod ledger;
pub(crate) mod money_back;
pub(crate) mod paid_year;
pub(crate) mod parameters;
pub(crate) mod steps;
pub(crate) mod subscribing;
pub(crate) mod telling;
pub(crate) mod topping_up;
pub(crate) mod world;
