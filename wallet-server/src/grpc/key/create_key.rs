//! CreateKey: creates an API key and returns it with its secret.

use wallet_core::{Rejection, TenantId, Timestamp};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::{FieldReader, MAX_KEY_NAME_BYTES};
use crate::grpc::to_proto;
use crate::keys::{Issued, NewKey};

pub(super) async fn create_key(
    call: Call,
    request: v1::CreateKeyRequest,
) -> Result<v1::CreateKeyResponse, RpcError> {
    let issue = parse(call.tenant, request)?;
    if let Some(scope) = issue.scopes.beyond(call.scopes) {
        return Err(RpcError::scope_missing(scope));
    }
    let Issued { key, info } = call.services.keys.issue(issue, &call.author).await?;
    let secret = key.secret_text().to_owned();
    Ok(v1::CreateKeyResponse { key: Some(to_proto::api_key(&info)), secret })
}

fn parse(tenant: TenantId, request: v1::CreateKeyRequest) -> Result<NewKey, Rejection> {
    let mut fields = FieldReader::default();
    let name = fields.required_name("name", request.name, MAX_KEY_NAME_BYTES);
    let scopes = fields.scopes("scopes", &request.scopes);
    let expire_time = fields.instant("expire_time", request.expire_time).unwrap_or(Timestamp::NEVER);
    let rate = fields.call_rate(request.calls_per_second, request.calls_burst);
    fields.finish(|| Some(NewKey { tenant, name, scopes, expire_time, rate }))
}
