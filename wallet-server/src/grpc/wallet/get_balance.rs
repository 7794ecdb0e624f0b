//! GetBalance: returns the balances of a wallet.

use wallet_core::{Rejection, WalletId, spend};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::Snapshot;

pub(super) async fn get_balance(
    call: Call,
    request: v1::GetBalanceRequest,
) -> Result<v1::GetBalanceResponse, RpcError> {
    let id = parse(&request)?;
    let read = call.services.queries.wallet(call.tenant, &id).await;
    let Snapshot { wallet, read_time, .. } = read.map_err(RpcError::about(&id))?;
    let catalog = call.catalog();
    let open = wallet.grants.values().filter(|grant| request.include_grants && grant.is_open());
    let open = spend::listing_order(&catalog, open).into_iter();
    Ok(v1::GetBalanceResponse {
        grants: open.map(|grant| to_proto::grant(&catalog, grant)).collect(),
        ..to_proto::balance(&catalog, &wallet, read_time)
    })
}

fn parse(request: &v1::GetBalanceRequest) -> Result<WalletId, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    fields.finish(|| wallet)
}
