//! CreateTenantKey: creates an API key of another tenant and returns it with its secret.

use wallet_core::{Rejection, TenantId, Timestamp};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::{FieldReader, MAX_KEY_NAME_BYTES};
use crate::grpc::to_proto;
use crate::keys::{Issued, NewKey};

pub(super) async fn create_tenant_key(
    call: Call,
    request: v1::CreateTenantKeyRequest,
) -> Result<v1::CreateTenantKeyResponse, RpcError> {
    let (name, issue) = parse(request)?;
    let tenant = call.services.tenants.named(&name).await?;
    if tenant == call.tenant {
        return Err(Rejection::field("tenant", "is the caller's own tenant; use CreateKey").into());
    }
    let issue = NewKey { tenant, ..issue };
    let Issued { key, info } = call.services.keys.issue(issue, &call.author).await?;
    let secret = key.secret_text().to_owned();
    Ok(v1::CreateTenantKeyResponse { key: Some(to_proto::api_key(&info)), secret })
}

/// Returns the name of the tenant and the key, whose tenant is not known yet.
fn parse(request: v1::CreateTenantKeyRequest) -> Result<(String, NewKey), Rejection> {
    let mut fields = FieldReader::default();
    let tenant = fields.tenant_name("tenant", request.tenant);
    let name = fields.required_name("name", request.name, MAX_KEY_NAME_BYTES);
    let scopes = fields.scopes("scopes", &request.scopes);
    let expire_time = fields.instant("expire_time", request.expire_time).unwrap_or(Timestamp::NEVER);
    let rate = fields.call_rate(request.calls_per_second, request.calls_burst);
    let issue = NewKey { tenant: TenantId::DEFAULT, name, scopes, expire_time, rate };
    fields.finish(|| Some((tenant?, issue)))
}
