//! Start: records that a worker runs a job.

use wallet_core::decide::Start;
use wallet_core::{Command, Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::Violations;
use crate::grpc::to_proto;

pub(super) async fn start(call: Call, request: v1::StartRequest) -> Result<v1::StartResponse, RpcError> {
    let (wallet, start) = parse(request)?;
    let done = call.submit(wallet, Command::Start(start)).await?;
    Ok(v1::StartResponse {
        reservation: Some(to_proto::reservation(&call.catalog(), &done.wallet, done.reservation()?)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::StartRequest) -> Result<(WalletId, Start), Rejection> {
    let mut bad = Violations::default();
    let wallet = bad.id("wallet_id", &request.wallet_id);
    let id = bad.id("reservation_id", &request.reservation_id);
    let options = bad.required_start("start", request.start);
    bad.verdict(|| Some((wallet?, Start { id: id?, options: options? })))
}
