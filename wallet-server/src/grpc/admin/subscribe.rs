//! Subscribe: begins a subscription to a plan.

use wallet_core::decide::Subscribe;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn subscribe(
    call: Call,
    request: v1::SubscribeRequest,
) -> Result<v1::SubscribeResponse, RpcError> {
    let (wallet, command) = parse(request)?;
    let done = call.submit(wallet, command).await?;
    Ok(v1::SubscribeResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::SubscribeRequest) -> Result<(WalletId, Subscribe), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let plan = fields.plan_id("plan_id", request.plan_id);
    let overrides = fields.overrides("overrides", request.overrides);
    let quantity = fields.seats("quantity", request.quantity);
    let anchor = fields.instant("anchor_time", request.anchor_time);
    let paid = fields.period_payment("paid", request.paid);
    fields.finish(|| Some((wallet?, Subscribe { request: id?, plan, overrides, quantity, anchor, paid })))
}
