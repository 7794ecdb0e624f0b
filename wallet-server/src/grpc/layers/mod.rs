//! The steps of a call around its handler. [`super::router`] lists all of them in order.

mod call_metrics;
mod caller;
mod deadline;
mod in_progress;
mod messages;
mod panic;
mod protocol;
mod purpose;
mod rate;
mod reply;
mod request_id;
mod trace;

pub(crate) use call_metrics::CallMetrics;
pub(super) use caller::{Caller, CallerCheck, KeyGate};
pub(super) use deadline::{in_time, time_left};
pub(super) use in_progress::{CallPlaces, HEALTH_WATCH, InProgress};
pub(super) use messages::{Messages, framed};
pub(crate) use messages::{PREFIX, prefixed};
pub(super) use panic::catch_panic;
pub(super) use protocol::{Protocol, no_post, protocol};
pub(crate) use purpose::Purpose;
pub(crate) use rate::Rates;
pub(super) use reply::Reply;
pub(super) use request_id::{HEADER as REQUEST_ID, RequestIds};
pub(super) use trace::log_end;
