//! ReserveMany: reserves for many jobs. Each item has the outcome of a call for it alone.

use wallet_proto::v1;

use super::reserve;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::many;

pub(super) async fn reserve_many(
    call: Call,
    request: v1::ReserveManyRequest,
) -> Result<v1::ReserveManyResponse, RpcError> {
    let results = many::results(&call, request.requests, reserve::parse_for, reserve::render);
    Ok(v1::ReserveManyResponse { results: results.await? })
}
