//! ExtendMany: moves the deadlines of many jobs. Each item has the outcome of a call for it alone.

use wallet_proto::v1;

use super::extend;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::many;

pub(super) async fn extend_many(
    call: Call,
    request: v1::ExtendManyRequest,
) -> Result<v1::ExtendManyResponse, RpcError> {
    let results = many::results(
        &call,
        request.requests,
        |_, request| extend::parse(request),
        |_, done| extend::render(done),
    );
    Ok(v1::ExtendManyResponse { results: results.await? })
}
