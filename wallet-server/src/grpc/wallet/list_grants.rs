//! ListGrants: lists the grants of a wallet in spending order.

use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::Page;

pub(super) async fn list_grants(
    call: Call,
    request: v1::ListGrantsRequest,
) -> Result<v1::ListGrantsResponse, RpcError> {
    let include_closed = request.include_closed;
    let (wallet, page) = parse(request)?;
    let read = call.services.queries.grants(call.tenant, &wallet, include_closed, page).await;
    let listed = read.map_err(RpcError::about(&wallet))?;
    let catalog = call.catalog();
    let (grants, next_page_token) = to_proto::page(listed, |grant| to_proto::grant(&catalog, grant));
    Ok(v1::ListGrantsResponse { grants, next_page_token })
}

fn parse(request: v1::ListGrantsRequest) -> Result<(WalletId, Page), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let page = fields.page(request.page_size, request.page_token);
    fields.finish(|| Some((wallet?, page)))
}
