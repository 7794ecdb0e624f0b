//! ChangePlan: changes the plan of a subscription, or shows the result of a change.

use wallet_core::decide::ChangePlan;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::Effects;

pub(super) async fn change_plan(
    call: Call,
    request: v1::ChangePlanRequest,
) -> Result<v1::ChangePlanResponse, RpcError> {
    let validate_only = request.validate_only;
    let (wallet, change) = parse(request)?;
    let (plan, quantity) = (change.plan.clone(), change.quantity);
    let (done, effects) = match validate_only {
        true => call.preview(wallet, change).await?,
        false => (call.submit(wallet, change).await?, Effects::default()),
    };
    let catalog = call.catalog();
    let subscription = done.view.wallet.profile.subscription.as_deref();
    // A paid change that stays is another one.
    let change = subscription.and_then(|subscription| subscription.change_time_to(&plan, quantity));
    Ok(v1::ChangePlanResponse {
        wallet: Some(to_proto::wallet(&catalog, &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        effective_time: to_proto::instant(change.unwrap_or(done.decided_at)),
        kept: to_proto::amounts(&catalog, &effects.kept),
        lost: to_proto::amounts(&catalog, &effects.lost),
        grants: effects.issued.iter().map(|grant| to_proto::grant(&catalog, grant)).collect(),
    })
}

fn parse(request: v1::ChangePlanRequest) -> Result<(WalletId, ChangePlan), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let plan = fields.plan_id("plan_id", request.plan_id);
    let overrides = fields.overrides("overrides", request.overrides);
    let quantity = fields.seats("quantity", request.quantity);
    let when = fields.change_time("when", request.when);
    let unused = fields.unused_credits("unused", request.unused);
    let paid = fields.period_payment("paid", request.paid);
    fields.finish(|| {
        Some((wallet?, ChangePlan { request: id?, plan, overrides, quantity, when, unused, paid }))
    })
}
