//! PauseSubscription: lets no period begin after those that are paid.

use wallet_core::decide::PauseSubscription;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn pause_subscription(
    call: Call,
    request: v1::PauseSubscriptionRequest,
) -> Result<v1::PauseSubscriptionResponse, RpcError> {
    let (wallet, command) = parse(request)?;
    let done = call.submit(wallet, command).await?;
    Ok(v1::PauseSubscriptionResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::PauseSubscriptionRequest) -> Result<(WalletId, PauseSubscription), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let until = fields.instant("until_time", request.until_time);
    let reason = fields.reason(request.reason);
    fields.finish(|| Some((wallet?, PauseSubscription { request: id?, until, reason })))
}
