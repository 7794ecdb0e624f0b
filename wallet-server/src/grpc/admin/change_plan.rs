//! ChangePlan: another plan is sold, or it is shown what that would do.

use wallet_core::command::Shown;
use wallet_core::decide::ChangePlan;
use wallet_core::{Command, Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::{Decided, RpcError};
use crate::grpc::from_proto::Violations;
use crate::grpc::to_proto;

pub(super) async fn change_plan(
    call: Call,
    request: v1::ChangePlanRequest,
) -> Result<v1::ChangePlanResponse, RpcError> {
    let validate_only = request.validate_only;
    let (wallet, change) = parse(request)?;
    if validate_only {
        return preview(&call, wallet, change).await;
    }
    let done = call.submit(wallet, Command::ChangePlan(change)).await?;
    Ok(v1::ChangePlanResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), done.view()?, &done.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        grants: Vec::new(),
    })
}

/// What the change would do if it were made now. Enters no lane and writes nothing.
async fn preview(
    call: &Call,
    wallet: WalletId,
    change: ChangePlan,
) -> Result<v1::ChangePlanResponse, RpcError> {
    let previewed = call.services.queries.preview(call.tenant, &wallet, &Command::ChangePlan(change)).await;
    let (reply, issued) = previewed.map_err(RpcError::about(&wallet))?;
    let decided = Decided { revision: reply.revision, version: reply.version, at: reply.decided_at };
    let answer = reply.result.map_err(|refusal| RpcError::about(&wallet)(refusal).decided(decided))?;
    let Shown::Wallet(view) = answer.shown else {
        return Err(RpcError::defect("a plan change without its wallet"));
    };
    let catalog = call.catalog();
    Ok(v1::ChangePlanResponse {
        wallet: Some(to_proto::wallet(&catalog, &view, &answer.balances)),
        replayed: answer.replayed,
        revision: decided.revision,
        version: decided.version,
        decide_time: to_proto::instant(decided.at),
        grants: issued.iter().map(|grant| to_proto::grant(&catalog, grant)).collect(),
    })
}

fn parse(request: v1::ChangePlanRequest) -> Result<(WalletId, ChangePlan), Rejection> {
    let mut bad = Violations::default();
    let wallet = bad.id("wallet_id", &request.wallet_id);
    let id = bad.id("request_id", &request.request_id);
    let plan = bad.plan_id("plan_id", request.plan_id);
    let overrides = bad.overrides("overrides", request.overrides);
    bad.verdict(|| Some((wallet?, ChangePlan { request: id?, plan, overrides })))
}
