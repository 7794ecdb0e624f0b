//! CreateWallet: creates a wallet.

use wallet_core::decide::CreateWallet;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn create_wallet(
    call: Call,
    request: v1::CreateWalletRequest,
) -> Result<v1::CreateWalletResponse, RpcError> {
    let (wallet, create) = parse(request)?;
    let done = call.submit(wallet, create).await?;
    Ok(v1::CreateWalletResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::CreateWalletRequest) -> Result<(WalletId, CreateWallet), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let display_name = fields.display_name(request.display_name);
    let debt_limits = fields.amounts("debt_limits", request.debt_limits);
    fields.finish(|| Some((wallet?, CreateWallet { display_name, debt_limits })))
}
