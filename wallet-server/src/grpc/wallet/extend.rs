//! Extend: moves the deadline of a job, the heartbeat of its worker.

use std::time::Duration;

use wallet_core::Rejection;
use wallet_core::decide::Extend;
use wallet_core::view::ReservationView;
use wallet_proto::v1;

use crate::grpc::call::{Answered, Call, Parsed};
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn extend(call: Call, request: v1::ExtendRequest) -> Result<v1::ExtendResponse, RpcError> {
    Ok(render(call.run(parse(request)?).await?))
}

pub(super) fn parse(request: v1::ExtendRequest) -> Result<Parsed<Extend>, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("reservation_id", &request.reservation_id);
    let attempt = fields.attempt("attempt", request.attempt);
    let lease = fields.duration("lease", request.lease);
    fields.finish(|| Some(Parsed::new(wallet?, Extend { id: id?, attempt, lease })))
}

pub(super) fn render(done: Answered<ReservationView>) -> v1::ExtendResponse {
    let reservation = &done.view.reservation;
    let deadline = reservation.state.is_open().then_some(reservation.deadline);
    let remaining = deadline.map_or(Duration::ZERO, |deadline| deadline.since(done.decided_at));
    v1::ExtendResponse {
        state: to_proto::state(reservation.state).into(),
        remaining: Some(to_proto::duration(remaining)),
        deadline: deadline.and_then(to_proto::instant),
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    }
}
