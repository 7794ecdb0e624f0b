//! CreateTenant: creates a tenant with the bundled catalog.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::config::BUNDLED_CATALOG;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::keys::Mode;
use crate::tenants::TenantAfter;

pub(super) async fn create_tenant(
    call: Call,
    request: v1::CreateTenantRequest,
) -> Result<v1::CreateTenantResponse, RpcError> {
    let (name, mode) = parse(request)?;
    let tenants = &call.services.tenants;
    let TenantAfter { row, unchanged } = tenants.create(&name, mode, BUNDLED_CATALOG, &call.author).await?;
    Ok(v1::CreateTenantResponse { tenant: Some(to_proto::tenant(&row)), unchanged })
}

fn parse(request: v1::CreateTenantRequest) -> Result<(String, Mode), Rejection> {
    let mut fields = FieldReader::default();
    let name = fields.tenant_name("name", request.name);
    let mode = fields.tenant_mode("mode", request.mode);
    fields.finish(|| Some((name?, mode?)))
}
