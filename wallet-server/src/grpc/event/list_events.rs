//! ListEvents: what people were told of a wallet, by revision.

use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::Violations;
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
    Ok(v1::ListEventsResponse {
        events: listed.items.iter().map(|event| to_proto::event(&catalog, event)).collect(),
        next_page_token: listed.next.unwrap_or_default(),
    })
}

fn parse(request: v1::ListEventsRequest) -> Result<(WalletId, EventFilter, Page), Rejection> {
    let mut bad = Violations::default();
    let wallet = bad.id("wallet_id", &request.wallet_id);
    let filter = EventFilter {
        after_revision: bad.not_negative("after_revision", request.after_revision),
        kinds: bad.event_kinds("kinds", &request.kinds),
    };
    let page = bad.page(request.page_size, request.page_token);
    bad.verdict(|| Some((wallet?, filter, page)))
}
