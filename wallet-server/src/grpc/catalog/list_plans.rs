//! ListPlans: lists the plans of the current catalog by rank.

use wallet_core::catalog::Plan;
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::to_proto;

pub(super) async fn list_plans(
    call: Call,
    _: v1::ListPlansRequest,
) -> Result<v1::ListPlansResponse, RpcError> {
    let catalog = call.catalog();
    let mut plans: Vec<&Plan> = catalog.plans().iter().collect();
    plans.sort_by_key(|plan| plan.rank);
    Ok(v1::ListPlansResponse {
        plans: plans.into_iter().map(|plan| to_proto::plan(&catalog, plan)).collect(),
        catalog_version: catalog.version,
    })
}
