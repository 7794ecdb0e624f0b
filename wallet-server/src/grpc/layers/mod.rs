//! The steps of a call around its handler. [`super::router`] lists all of them in order.

mod deadline;
mod in_progress;
mod messages;
mod only_grpc;
mod panic;
mod request_id;
mod tenant;
mod trace;

pub(super) use deadline::{in_time, time_left};
pub(super) use in_progress::{Places, Reply, begin};
pub(super) use messages::{Framed, framed};
pub(super) use only_grpc::not_grpc;
pub(super) use panic::catch_panic;
pub(super) use request_id::{HEADER as REQUEST_ID, RequestIds};
pub(super) use tenant::{Admission, Caller, Gate};
pub(super) use trace::log_end;
