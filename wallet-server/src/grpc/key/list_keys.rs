//! ListKeys: lists the API keys of a tenant by id.

use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn list_keys(
    call: Call,
    request: v1::ListKeysRequest,
) -> Result<v1::ListKeysResponse, RpcError> {
    let mut fields = FieldReader::default();
    let page = fields.page(request.page_size, request.page_token);
    let page = fields.finish(|| Some(page))?;
    let listed = call.services.queries.keys(call.tenant, page).await?;
    let (keys, next_page_token) = to_proto::page(listed, to_proto::api_key);
    Ok(v1::ListKeysResponse { keys, next_page_token })
}
