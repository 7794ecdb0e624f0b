//! ResumeSubscription: undoes a cancel or a pause that has not taken effect, or ends a pause.

use wallet_core::decide::ResumeSubscription;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn resume_subscription(
    call: Call,
    request: v1::ResumeSubscriptionRequest,
) -> Result<v1::ResumeSubscriptionResponse, RpcError> {
    let (wallet, command) = parse(request)?;
    let done = call.submit(wallet, command).await?;
    Ok(v1::ResumeSubscriptionResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::ResumeSubscriptionRequest) -> Result<(WalletId, ResumeSubscription), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    fields.finish(|| Some((wallet?, ResumeSubscription { request: id? })))
}
