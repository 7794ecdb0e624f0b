//! ListEntries: lists the ledger of a wallet by revision.

use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::{EntryFilter, Page};

pub(super) async fn list_entries(
    call: Call,
    request: v1::ListEntriesRequest,
) -> Result<v1::ListEntriesResponse, RpcError> {
    let (wallet, filter, page) = parse(request)?;
    let read = call.services.queries.entries(call.tenant, &wallet, filter, page).await;
    let listed = read.map_err(RpcError::about(&wallet))?;
    let catalog = call.catalog();
    let (entries, next_page_token) = to_proto::page(listed, |entry| to_proto::entry(&catalog, entry));
    Ok(v1::ListEntriesResponse { entries, next_page_token })
}

fn parse(request: v1::ListEntriesRequest) -> Result<(WalletId, EntryFilter, Page), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let filter = EntryFilter {
        after_revision: fields.not_negative("after_revision", request.after_revision),
        reservation: fields.optional_id("reservation_id", &request.reservation_id),
    };
    let page = fields.page(request.page_size, request.page_token);
    fields.finish(|| Some((wallet?, filter, page)))
}
