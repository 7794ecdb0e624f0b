//! ListAuditEvents: lists the changes of a tenant, its keys and its catalogs, the newest first.

use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn list_audit_events(
    call: Call,
    request: v1::ListAuditEventsRequest,
) -> Result<v1::ListAuditEventsResponse, RpcError> {
    let mut fields = FieldReader::default();
    let page = fields.page(request.page_size, request.page_token);
    let page = fields.finish(|| Some(page))?;
    let listed = call.services.queries.audit(call.tenant, page).await?;
    let (events, next_page_token) = to_proto::page(listed, to_proto::audit_event);
    Ok(v1::ListAuditEventsResponse { events, next_page_token })
}
