//! The conversion of core types to messages, a file per noun. The current catalog has the units for `Amount.display`.

mod amount;
mod balance;
mod catalog;
mod decision;
mod entitlement;
mod entry;
mod event;
mod grant;
mod operation;
mod page;
mod plan;
mod price;
mod reservation;
mod source;
mod subscription;
mod time;
mod usage;
mod wallet;

pub(super) use amount::{amount, amounts};
pub(super) use balance::{balances, count, expiries};
pub(super) use catalog::{catalog, pack, unit};
pub(super) use decision::decision;
pub(super) use entitlement::entitlement;
pub(super) use entry::entry;
pub(super) use event::{event, warnings};
pub(super) use grant::{grant, money};
pub(super) use operation::{cancel_fees, price_lines};
pub(super) use page::page;
pub(super) use plan::{existing, plan};
pub(super) use price::price_rule;
pub(super) use reservation::{reservation, state};
pub(super) use subscription::{fraction, limits};
pub(super) use time::{duration, instant};
pub(super) use usage::usage;
pub(super) use wallet::wallet;
