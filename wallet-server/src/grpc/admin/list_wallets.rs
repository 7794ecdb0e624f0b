//! ListWallets: lists the wallets of the tenant, or the frozen ones, without balances.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::{Page, WalletFilter};

pub(super) async fn list_wallets(
    call: Call,
    request: v1::ListWalletsRequest,
) -> Result<v1::ListWalletsResponse, RpcError> {
    let (filter, page) = parse(request)?;
    let listed = call.services.queries.wallets(call.tenant, filter, page).await?;
    let catalog = call.catalog();
    let (wallets, next_page_token) = to_proto::page(listed, |view| to_proto::wallet(&catalog, view, &[]));
    Ok(v1::ListWalletsResponse { wallets, next_page_token })
}

fn parse(request: v1::ListWalletsRequest) -> Result<(WalletFilter, Page), Rejection> {
    let mut fields = FieldReader::default();
    let filter = WalletFilter { frozen_only: request.frozen_only };
    let page = fields.page(request.page_size, request.page_token);
    fields.finish(|| Some((filter, page)))
}
