//! ReverseCharge: gives back the charge of a job, in whole or in part.

use wallet_core::decide::ReverseCharge;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn reverse_charge(
    call: Call,
    request: v1::ReverseChargeRequest,
) -> Result<v1::ReverseChargeResponse, RpcError> {
    let (wallet, reverse) = parse(request)?;
    let done = call.submit(wallet, reverse).await?;
    let catalog = call.catalog();
    Ok(v1::ReverseChargeResponse {
        reservation: Some(to_proto::reservation(&catalog, &done.wallet, &done.view.reservation)),
        balances: to_proto::balances(&catalog, &done.view.balances),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::ReverseChargeRequest) -> Result<(WalletId, ReverseCharge), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let reservation = fields.id("reservation_id", &request.reservation_id);
    let amounts = fields.amounts("amounts", request.amounts);
    let reason = fields.reason(request.reason);
    fields.finish(|| {
        Some((wallet?, ReverseCharge { request: id?, reservation: reservation?, amounts, reason }))
    })
}
