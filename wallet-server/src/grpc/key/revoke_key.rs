//! RevokeKey: revokes an API key.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::keys::KeyId;

pub(super) async fn revoke_key(
    call: Call,
    request: v1::RevokeKeyRequest,
) -> Result<v1::RevokeKeyResponse, RpcError> {
    let id = parse(&request)?;
    let revoked = call.services.keys.revoke(call.tenant, &id, &call.author).await?;
    if let Some(check) = &call.services.key_check {
        check.forget(&id);
    }
    let key = Some(to_proto::api_key(&revoked.info));
    Ok(v1::RevokeKeyResponse { key, unchanged: revoked.unchanged })
}

fn parse(request: &v1::RevokeKeyRequest) -> Result<KeyId, Rejection> {
    let mut fields = FieldReader::default();
    let id = fields.key_id("key_id", &request.key_id);
    fields.finish(|| id)
}
