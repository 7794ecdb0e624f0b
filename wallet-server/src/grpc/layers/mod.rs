//! The layers around the services that are our own. [`super::router`] puts all of them in order.

mod deadline;
mod panic;
mod request_id;
mod shed;
mod tenant;
mod trace;

pub(super) use deadline::{Deadline, DeadlineLayer};
pub(super) use panic::answer_panic;
pub(super) use request_id::MakeUuidV7;
pub(super) use shed::say_overloaded;
pub(super) use tenant::{Tenant, identify};
pub(super) use trace::tracing_layer;
