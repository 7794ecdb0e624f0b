//! SetAutoTopUp: sets the pack that is bought when a balance is low, or turns auto top-up off.

use wallet_core::decide::SetAutoTopUp;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn set_auto_top_up(
    call: Call,
    request: v1::SetAutoTopUpRequest,
) -> Result<v1::SetAutoTopUpResponse, RpcError> {
    let (wallet, command) = parse(request)?;
    let done = call.submit(wallet, command).await?;
    Ok(v1::SetAutoTopUpResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::SetAutoTopUpRequest) -> Result<(WalletId, SetAutoTopUp), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let setting = fields.auto_top_up("auto_top_up", request.auto_top_up);
    let reason = fields.reason(request.reason);
    fields.finish(|| Some((wallet?, SetAutoTopUp { request: id?, setting: setting?, reason })))
}
