//! CancelSubscription: ends a subscription at the end of its period, or at once.

use wallet_core::decide::CancelSubscription;
use wallet_core::subscription::UnusedCredits;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn cancel_subscription(
    call: Call,
    request: v1::CancelSubscriptionRequest,
) -> Result<v1::CancelSubscriptionResponse, RpcError> {
    let (wallet, command) = parse(request)?;
    let done = call.submit(wallet, command).await?;
    Ok(v1::CancelSubscriptionResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::CancelSubscriptionRequest) -> Result<(WalletId, CancelSubscription), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let now = fields.cancel_now("when", request.when);
    let reason = fields.reason(request.reason);
    let expire_credits = fields.unused_credits("unused", request.unused) == Some(UnusedCredits::Expire);
    fields.finish(|| Some((wallet?, CancelSubscription { request: id?, now, expire_credits, reason })))
}
