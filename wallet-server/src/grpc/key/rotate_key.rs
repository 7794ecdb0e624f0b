//! RotateKey: replaces an API key by a new one, which it returns with its secret.

use std::time::Duration;

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::keys::{KeyId, Rotated};

pub(super) async fn rotate_key(
    call: Call,
    request: v1::RotateKeyRequest,
) -> Result<v1::RotateKeyResponse, RpcError> {
    let (id, overlap) = parse(&request)?;
    let keys = &call.services.keys;
    let Rotated { new, replaced } = keys.rotate(call.tenant, &id, overlap, call.scopes, &call.author).await?;
    if let Some(check) = &call.services.key_check {
        check.forget(&id);
    }
    Ok(v1::RotateKeyResponse {
        key: Some(to_proto::api_key(&new.info)),
        secret: new.key.secret_text().to_owned(),
        replaced: Some(to_proto::api_key(&replaced)),
    })
}

fn parse(request: &v1::RotateKeyRequest) -> Result<(KeyId, Duration), Rejection> {
    let mut fields = FieldReader::default();
    let id = fields.key_id("key_id", &request.key_id);
    let overlap = fields.overlap("overlap", request.overlap);
    fields.finish(|| Some((id?, overlap)))
}
