//! GetBalance: returns the balances of a wallet.

use wallet_core::balance::unit_balances;
use wallet_core::warning::warnings;
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
    Ok(v1::GetBalanceResponse {
        balances: to_proto::balances(&catalog, &unit_balances(&wallet, &catalog)),
        revision: wallet.revision,
        version: wallet.version,
        read_time: to_proto::instant(read_time),
        open_reservations: to_proto::count(wallet.open_reservations),
        warnings: to_proto::warnings(&catalog, &warnings(&wallet, wallet.balances.keys())),
        next_renewal_time: wallet.next_renewal().and_then(to_proto::instant),
        expiries: to_proto::expiries(&catalog, &wallet),
        grants: spend::listing_order(&catalog, open)
            .into_iter()
            .map(|grant| to_proto::grant(&catalog, grant))
            .collect(),
    })
}

fn parse(request: &v1::GetBalanceRequest) -> Result<WalletId, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    fields.finish(|| wallet)
}
