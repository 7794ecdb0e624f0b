//! GetWallet: returns one wallet in its present state.

use wallet_core::balance::{WalletView, unit_balances};
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn get_wallet(
    call: Call,
    request: v1::GetWalletRequest,
) -> Result<v1::GetWalletResponse, RpcError> {
    let id = parse(&request)?;
    let read = call.services.queries.wallet(call.tenant, &id).await;
    let wallet = read.map_err(RpcError::about(&id))?.wallet;
    let catalog = call.catalog();
    let (view, balances) = (WalletView::of(&wallet, &catalog), unit_balances(&wallet, &catalog));
    Ok(v1::GetWalletResponse { wallet: Some(to_proto::wallet(&catalog, &view, &balances)) })
}

fn parse(request: &v1::GetWalletRequest) -> Result<WalletId, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    fields.finish(|| wallet)
}
