//! GetEntitlements: returns the entitlements, limits and features of a wallet's plan.

use wallet_core::balance::PlanView;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::Snapshot;

pub(super) async fn get_entitlements(
    call: Call,
    request: v1::GetEntitlementsRequest,
) -> Result<v1::GetEntitlementsResponse, RpcError> {
    let wallet = parse(&request)?;
    let read = call.services.queries.wallet(call.tenant, &wallet).await;
    let Snapshot { wallet, read_time, .. } = read.map_err(RpcError::about(&wallet))?;
    let catalogs = call.catalogs_of(&wallet, None).await?;
    let about = || RpcError::about::<Rejection>(&wallet.id);
    let view = PlanView::of(&wallet, &catalogs).map_err(about())?;
    let PlanView { plan, tier, queue_priority, features, limits } = view;
    let allowed = wallet.entitlements(&catalogs).map_err(about())?;
    Ok(v1::GetEntitlementsResponse {
        plan_id: plan.unwrap_or_default(),
        tier: tier.unwrap_or_default(),
        unrestricted: allowed.is_none(),
        entitlements: allowed.into_iter().flatten().map(to_proto::entitlement).collect(),
        limits: to_proto::limits(&limits),
        features,
        queue_priority,
        revision: wallet.revision,
        version: wallet.version,
        read_time: to_proto::instant(read_time),
    })
}

fn parse(request: &v1::GetEntitlementsRequest) -> Result<WalletId, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    fields.finish(|| wallet)
}
