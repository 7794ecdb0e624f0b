//! GetBalance: what a wallet has now.

use wallet_core::balance::unit_balances;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::Violations;
use crate::grpc::to_proto;
use crate::query::Snapshot;

pub(super) async fn get_balance(
    call: Call,
    request: v1::GetBalanceRequest,
) -> Result<v1::GetBalanceResponse, RpcError> {
    let wallet = parse(&request)?;
    let read = call.services.queries.wallet(call.tenant, &wallet).await;
    let Snapshot { wallet, read_time } = read.map_err(RpcError::about(&wallet))?;
    let catalog = call.catalog();
    Ok(v1::GetBalanceResponse {
        balances: to_proto::balances(&catalog, &unit_balances(&wallet, &catalog)),
        revision: wallet.revision,
        version: wallet.version,
        read_time: to_proto::instant(read_time),
        open_reservations: to_proto::count(wallet.open_reservations),
        next_renewal_time: wallet.next_renewal().and_then(to_proto::instant),
    })
}

fn parse(request: &v1::GetBalanceRequest) -> Result<WalletId, Rejection> {
    let mut bad = Violations::default();
    let wallet = bad.id("wallet_id", &request.wallet_id);
    bad.verdict(|| wallet)
}
