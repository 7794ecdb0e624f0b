//! A naive model of a wallet: lists of lots and jobs with plain numbers. Everything else is computed by going
//! through all of them. It is written from the rules, for comparison with the core: it shares the core's value
//! types and commands, and none of its decisions.

mod answer;
mod auto_top_up;
mod calendar;
mod catalog;
mod credits;
mod due;
mod ending;
mod following;
mod free;
mod jobs;
mod money_back;
mod notifications;
mod pause;
mod payment;
mod plan_changes;
mod plans;
mod prices;
mod provisional;
mod recorded_refunds;
mod refunded_credits;
mod refunded_periods;
mod refusals;
mod request;
mod reversal;
mod state;
mod subscription;

pub use answer::{Answered, Expected, Refusal, Seen, WrittenEntry};
pub(crate) use auto_top_up::Auto;
pub(crate) use calendar::{DAY, HOUR, SECOND};
pub(crate) use catalog::{Beyond, KINDS, Kind, MOST_N, PACKS, PLANS, UNITS, Unit, price};
pub(crate) use following::is_other_edition;
pub use state::Model;
pub(crate) use state::{Job, Lot, Part, Sub};
