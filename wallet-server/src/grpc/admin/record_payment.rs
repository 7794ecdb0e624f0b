//! RecordPayment: records the payment of a period.

use wallet_core::decide::RecordPayment;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn record_payment(
    call: Call,
    request: v1::RecordPaymentRequest,
) -> Result<v1::RecordPaymentResponse, RpcError> {
    let (wallet, command) = parse(request)?;
    let done = call.submit(wallet, command).await?;
    Ok(v1::RecordPaymentResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::RecordPaymentRequest) -> Result<(WalletId, RecordPayment), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let reason = fields.reason(request.reason);
    let period_start = fields.instant("period_start_time", request.period_start_time);
    let paid = fields.period_payment("paid", request.paid);
    fields.finish(|| Some((wallet?, RecordPayment { request: id?, period_start, paid, reason })))
}
