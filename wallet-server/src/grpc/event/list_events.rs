//! ListEvents: lists the notifications of a wallet by revision.

use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::{EventFilter, Page};

pub(super) async fn list_events(
    call: Call,
    request: v1::ListEventsRequest,
) -> Result<v1::ListEventsResponse, RpcError> {
    let (wallet, filter, page) = parse(request)?;
    let read = call.services.queries.events(call.tenant, &wallet, filter, page).await;
    let listed = read.map_err(RpcError::about(&wallet))?;
    let catalog = call.catalog();
    let (events, next_page_token) = to_proto::page(listed, |event| to_proto::event(&catalog, event));
    Ok(v1::ListEventsResponse { events, next_page_token })
}

fn parse(request: v1::ListEventsRequest) -> Result<(WalletId, EventFilter, Page), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let filter = EventFilter {
        after_revision: fields.not_negative("after_revision", request.after_revision),
        kinds: fields.event_kinds("kinds", &request.kinds),
    };
    let page = fields.page(request.page_size, request.page_token);
    fields.finish(|| Some((wallet?, filter, page)))
}
