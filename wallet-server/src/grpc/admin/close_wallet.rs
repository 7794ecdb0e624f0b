//! CloseWallet: ends a wallet for good.

use wallet_core::decide::CloseWallet;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn close_wallet(
    call: Call,
    request: v1::CloseWalletRequest,
) -> Result<v1::CloseWalletResponse, RpcError> {
    let (wallet, close) = parse(request)?;
    let done = call.submit(wallet, close).await?;
    Ok(v1::CloseWalletResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::CloseWalletRequest) -> Result<(WalletId, CloseWallet), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let reason = fields.reason(request.reason);
    fields.finish(|| Some((wallet?, CloseWallet { request: id?, reason })))
}
