//! The rules of the wallet as scenarios: given earlier steps, when a step is taken, then facts hold.
//! After every command the invariants are checked, and a twin that a sweeper visits must agree (see `common`).

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "../common/mod.rs"]
mod common;

mod auto_top_ups;
mod automatic_payments;
mod billing;
mod cancelling;
mod chargebacks;
mod charged_back_periods;
mod checkouts;
mod commands;
mod crediting;
mod debts;
mod disputes;
mod due;
mod entitlements;
mod expiry;
mod failing;
mod fingerprints;
mod following;
mod free_credits;
mod golden;
mod golden_fingerprints;
mod grace;
mod late;
mod mismatch;
mod overage;
mod packs;
mod paid_changes;
mod paid_histories;
mod pauses;
mod payments_that_go_back;
mod period_prices;
mod periods;
mod plan_changes;
mod plans;
mod pricing;
mod provisional;
mod recorded_refunds;
mod refund_parts;
mod refund_rules;
mod refunded_periods;
mod refunds;
mod refunds_ahead;
mod refusing;
mod remedies;
mod replaying;
mod reversals;
mod revoking;
mod seats;
mod settling;
mod sold_again;
mod spending_order;
mod subscription_refunds;
mod terminal;
mod terms;
mod trials;
mod unstarted_payments;
mod warning;
mod working;
mod years;

/// The imports of every scenario.
mod prelude {
    pub(crate) use wallet_core::Source;
    pub(crate) use wallet_core::entry::EntryKind;
    pub(crate) use wallet_core::reservation::State;

    pub(crate) use crate::common::facts::*;
    pub(crate) use crate::common::money_back::*;
    pub(crate) use crate::common::steps::*;
    pub(crate) use crate::common::subscribing::*;
    pub(crate) use crate::common::telling::*;
    pub(crate) use crate::common::topping_up::*;
    pub(crate) use crate::common::world::{CATALOG, START, World, given, given_catalog};
}
