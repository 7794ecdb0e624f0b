//! Cancel: stops a job that has not ended.

use wallet_core::decide::Cancel;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn cancel(call: Call, request: v1::CancelRequest) -> Result<v1::CancelResponse, RpcError> {
    let (wallet, cancel) = parse(request)?;
    let done = call.submit(wallet, cancel).await?;
    let catalog = call.catalog();
    Ok(v1::CancelResponse {
        reservation: Some(to_proto::reservation(&catalog, &done.wallet, &done.view.reservation)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        balances: to_proto::balances(&catalog, &done.view.balances),
    })
}

fn parse(request: v1::CancelRequest) -> Result<(WalletId, Cancel), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("reservation_id", &request.reservation_id);
    let reason = fields.cancel_reason("reason", request.reason);
    let max_fees = fields.amounts("max_fees", request.max_fees);
    let allow_missing = request.allow_missing;
    fields.finish(|| Some((wallet?, Cancel { id: id?, reason: reason?, max_fees, allow_missing })))
}
