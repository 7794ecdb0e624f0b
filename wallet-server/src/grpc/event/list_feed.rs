//! `ListFeed`: shows the items of the tenant's feed.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::{FeedFilter, Page};

pub(super) async fn list_feed(
    call: Call,
    request: v1::ListFeedRequest,
) -> Result<v1::ListFeedResponse, RpcError> {
    let (after, filter, page) = parse(request)?;
    let page = call.services.queries.feed(call.tenant, &filter, after, page.size as usize).await?;
    let (items, next_after_position) = to_proto::feed_page(&call.catalog(), &page);
    Ok(v1::ListFeedResponse {
        items,
        next_after_position,
        first_position: page.ends.first,
        last_position: page.ends.last,
    })
}

fn parse(request: v1::ListFeedRequest) -> Result<(i64, FeedFilter, Page), Rejection> {
    let mut fields = FieldReader::default();
    let after = fields.not_negative("after_position", request.after_position);
    let filter = fields.feed_filter(&request.types, &request.wallet_ids);
    let page = fields.page(request.page_size, String::new());
    fields.finish(|| Some((after, filter, page)))
}
