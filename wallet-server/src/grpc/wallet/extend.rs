//! Extend: moves the deadline of a job, the heartbeat of its worker.

use std::time::Duration;

use wallet_core::decide::Extend;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn extend(call: Call, request: v1::ExtendRequest) -> Result<v1::ExtendResponse, RpcError> {
    let (wallet, extend) = parse(request)?;
    let done = call.submit(wallet, extend).await?;
    let reservation = &done.view.reservation;
    let deadline = reservation.state.is_open().then_some(reservation.deadline);
    let remaining = deadline.map_or(Duration::ZERO, |deadline| deadline.since(done.decided_at));
    Ok(v1::ExtendResponse {
        state: to_proto::state(reservation.state).into(),
        remaining: Some(to_proto::duration(remaining)),
        deadline: deadline.and_then(to_proto::instant),
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::ExtendRequest) -> Result<(WalletId, Extend), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("reservation_id", &request.reservation_id);
    let attempt = fields.attempt("attempt", request.attempt);
    let lease = fields.duration("lease", request.lease);
    fields.finish(|| Some((wallet?, Extend { id: id?, attempt, lease })))
}
