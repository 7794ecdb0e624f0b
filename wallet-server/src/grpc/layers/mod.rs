//! The layers of this server around the services. [`super::router`] lists all layers in order.

mod deadline;
mod in_progress;
mod messages;
mod only_grpc;
mod panic;
mod request_id;
mod tenant;
mod trace;

pub(super) use deadline::{Deadline, DeadlineLayer};
pub(super) use in_progress::InProgressLayer;
pub(super) use messages::framed;
pub(super) use only_grpc::OnlyGrpc;
pub(super) use panic::answer_panic;
pub(super) use request_id::{MakeUuidV7, with_safe_id};
pub(super) use tenant::{Tenant, identify};
pub(super) use trace::tracing_layer;
