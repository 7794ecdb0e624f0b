//! SettleMany: ends many jobs. Each item has the outcome of a call for it alone.

use wallet_proto::v1;

use super::settle;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::many;

pub(super) async fn settle_many(
    call: Call,
    request: v1::SettleManyRequest,
) -> Result<v1::SettleManyResponse, RpcError> {
    let results = many::results(&call, request.requests, |_, request| settle::parse(request), settle::render);
    Ok(v1::SettleManyResponse { results: results.await? })
}
