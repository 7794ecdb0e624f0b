//! RecordAutoTopUpFailure: records that the payment of a purchase of the auto top-up was declined.

use wallet_core::decide::RecordAutoTopUpFailure;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn record_auto_top_up_failure(
    call: Call,
    request: v1::RecordAutoTopUpFailureRequest,
) -> Result<v1::RecordAutoTopUpFailureResponse, RpcError> {
    let (wallet, command) = parse(request)?;
    let done = call.submit(wallet, command).await?;
    Ok(v1::RecordAutoTopUpFailureResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(
    request: v1::RecordAutoTopUpFailureRequest,
) -> Result<(WalletId, RecordAutoTopUpFailure), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let top_up = fields.id("top_up_id", &request.top_up_id);
    let reason = fields.reason(request.reason);
    fields.finish(|| Some((wallet?, RecordAutoTopUpFailure { request: id?, top_up: top_up?, reason })))
}
