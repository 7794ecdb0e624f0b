//! ChangePlan: changes the plan of a subscription, or shows the result of a change.

use wallet_core::decide::ChangePlan;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn change_plan(
    call: Call,
    request: v1::ChangePlanRequest,
) -> Result<v1::ChangePlanResponse, RpcError> {
    let validate_only = request.validate_only;
    let (wallet, change) = parse(request)?;
    let (done, issued) = match validate_only {
        true => call.preview(wallet, change).await?,
        false => (call.submit(wallet, change).await?, Vec::new()),
    };
    let catalog = call.catalog();
    Ok(v1::ChangePlanResponse {
        wallet: Some(to_proto::wallet(&catalog, &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        grants: issued.iter().map(|grant| to_proto::grant(&catalog, grant)).collect(),
    })
}

fn parse(request: v1::ChangePlanRequest) -> Result<(WalletId, ChangePlan), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let plan = fields.plan_id("plan_id", request.plan_id);
    let overrides = fields.overrides("overrides", request.overrides);
    fields.finish(|| Some((wallet?, ChangePlan { request: id?, plan, overrides })))
}
