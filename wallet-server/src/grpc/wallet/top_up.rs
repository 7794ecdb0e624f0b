//! TopUp: adds bought credits.

use wallet_core::decide::TopUp;
use wallet_core::{Command, Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::Violations;
use crate::grpc::to_proto;

pub(super) async fn top_up(call: Call, request: v1::TopUpRequest) -> Result<v1::TopUpResponse, RpcError> {
    let (wallet, top_up) = parse(request)?;
    let done = call.submit(wallet, Command::TopUp(top_up)).await?;
    let catalog = call.catalog();
    Ok(v1::TopUpResponse {
        top_up_id: done.grants()?.first().map(|grant| grant.key.id.to_string()).unwrap_or_default(),
        grants: done.grants()?.iter().map(|grant| to_proto::grant(&catalog, grant)).collect(),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        balances: to_proto::balances(&catalog, &done.balances),
    })
}

fn parse(request: v1::TopUpRequest) -> Result<(WalletId, TopUp), Rejection> {
    let mut bad = Violations::default();
    let wallet = bad.id("wallet_id", &request.wallet_id);
    let id = bad.id("top_up_id", &request.top_up_id);
    let purchase = bad.purchase(request.what);
    let external_ref = bad.external_ref("external_ref", request.external_ref);
    let paid_amount = bad.money("paid_amount", request.paid_amount);
    let paid_time = bad.instant("paid_time", request.paid_time);
    bad.verdict(|| {
        Some((wallet?, TopUp { id: id?, purchase: purchase?, external_ref, paid_amount, paid_time }))
    })
}
