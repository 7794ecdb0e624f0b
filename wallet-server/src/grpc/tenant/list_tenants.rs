//! ListTenants: lists all tenants by name.

use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn list_tenants(
    call: Call,
    request: v1::ListTenantsRequest,
) -> Result<v1::ListTenantsResponse, RpcError> {
    let mut fields = FieldReader::default();
    let page = fields.page(request.page_size, request.page_token);
    let page = fields.finish(|| Some(page))?;
    let listed = call.services.queries.tenants(page).await?;
    let (tenants, next_page_token) = to_proto::page(listed, to_proto::tenant);
    Ok(v1::ListTenantsResponse { tenants, next_page_token })
}
