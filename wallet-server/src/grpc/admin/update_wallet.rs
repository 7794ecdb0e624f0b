//! UpdateWallet: suspends, reactivates or renames a wallet, or sets its debt limits and thresholds.

use wallet_core::decide::UpdateWallet;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn update_wallet(
    call: Call,
    request: v1::UpdateWalletRequest,
) -> Result<v1::UpdateWalletResponse, RpcError> {
    let (wallet, update) = parse(request)?;
    let done = call.submit(wallet, update).await?;
    Ok(v1::UpdateWalletResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::UpdateWalletRequest) -> Result<(WalletId, UpdateWallet), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let status = fields.new_status("status", request.status);
    let display_name = request.display_name.map(|name| fields.display_name(name));
    let debt_limits = fields.amounts("debt_limits", request.debt_limits);
    let low_balance = fields.low_balance("low_balance", request.low_balance);
    let reason = fields.reason(request.reason);
    fields.finish(|| {
        let update = UpdateWallet { request: id?, status, display_name, debt_limits, low_balance, reason };
        Some((wallet?, update))
    })
}
