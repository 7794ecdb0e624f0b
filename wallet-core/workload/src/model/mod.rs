//! A wallet kept the dumb way: lists of lots and jobs with plain numbers, everything else found by looking at
//! all of them. Written from the rules, for being compared with the core: it shares its value types and the
//! commands, and none of its decisions.

mod answer;
mod calendar;
mod credits;
mod due;
mod ending;
mod jobs;
mod money_back;
mod plans;
mod refusals;
mod request;
mod reversal;
mod sold;
mod state;
mod telling;

pub use answer::{Answered, Expected, Refusal, Seen, WrittenEntry};
pub(crate) use calendar::{DAY, HOUR, SECOND};
pub(crate) use sold::{Beyond, KINDS, Kind, MOST_N, PACKS, PLANS, UNITS, Unit, price};
pub use state::Model;
pub(crate) use state::{Job, Lot, Part, Sub};
