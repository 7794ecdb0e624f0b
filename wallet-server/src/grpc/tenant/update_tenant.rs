//! UpdateTenant: suspends or resumes a tenant.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::tenants::TenantAfter;

pub(super) async fn update_tenant(
    call: Call,
    request: v1::UpdateTenantRequest,
) -> Result<v1::UpdateTenantResponse, RpcError> {
    let (name, suspended) = parse(request)?;
    let tenants = &call.services.tenants;
    if tenants.named(&name).await? == call.tenant {
        let fault =
            "is the caller's own tenant, which only `wallet-server tenants suspend` and `resume` change";
        return Err(Rejection::field("name", fault).into());
    }
    let TenantAfter { row, unchanged } = tenants.suspend(&name, suspended, &call.author).await?;
    Ok(v1::UpdateTenantResponse { tenant: Some(to_proto::tenant(&row)), unchanged })
}

fn parse(request: v1::UpdateTenantRequest) -> Result<(String, bool), Rejection> {
    let mut fields = FieldReader::default();
    let name = fields.tenant_name("name", request.name);
    let suspended = fields.tenant_suspended("status", request.status);
    fields.finish(|| Some((name?, suspended?)))
}
