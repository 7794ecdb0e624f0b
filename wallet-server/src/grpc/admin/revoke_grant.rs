//! RevokeGrant: revokes the unspent credits of a grant.

use wallet_core::decide::RevokeGrant;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn revoke_grant(
    call: Call,
    request: v1::RevokeGrantRequest,
) -> Result<v1::RevokeGrantResponse, RpcError> {
    let (wallet, revoke) = parse(request)?;
    let done = call.submit(wallet, revoke).await?;
    let catalog = call.catalog();
    Ok(v1::RevokeGrantResponse {
        grant: Some(to_proto::grant(&catalog, &done.view.grant)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::RevokeGrantRequest) -> Result<(WalletId, RevokeGrant), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let grant = fields.grant_key("grant_id", &request.grant_id);
    let reason = fields.reason(request.reason);
    fields.finish(|| Some((wallet?, RevokeGrant { request: id?, grant: grant?, reason })))
}
