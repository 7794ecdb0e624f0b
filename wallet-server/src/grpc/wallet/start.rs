//! Start: records that a worker runs a job.

use wallet_core::decide::Start;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn start(call: Call, request: v1::StartRequest) -> Result<v1::StartResponse, RpcError> {
    let (wallet, start) = parse(request)?;
    let done = call.submit(wallet, start).await?;
    Ok(v1::StartResponse {
        reservation: Some(to_proto::reservation(&call.catalog(), &done.wallet, &done.view.reservation)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::StartRequest) -> Result<(WalletId, Start), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("reservation_id", &request.reservation_id);
    let options = fields.required_start("start", request.start);
    fields.finish(|| Some((wallet?, Start { id: id?, options: options? })))
}
