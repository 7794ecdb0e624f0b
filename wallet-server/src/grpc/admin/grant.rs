//! Grant: adds credits that were not bought.

use wallet_core::decide::Grant;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn grant(call: Call, request: v1::GrantRequest) -> Result<v1::GrantResponse, RpcError> {
    let (wallet, grant) = parse(request)?;
    let done = call.submit(wallet, grant).await?;
    let catalog = call.catalog();
    Ok(v1::GrantResponse {
        grant: Some(to_proto::grant(&catalog, &done.view.grant)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::GrantRequest) -> Result<(WalletId, Grant), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("grant_id", &request.grant_id);
    let amount = fields.positive_amount("amount", request.amount);
    let source = fields.granted_source("source", request.source);
    let priority = request.priority;
    let effective_time = fields.instant("effective_time", request.effective_time);
    let expire_time = fields.instant("expire_time", request.expire_time);
    let reason = fields.reason(request.reason);
    let labels = fields.labels("labels", request.labels);
    fields.finish(|| {
        let ((unit, amount), source) = (amount?, source?);
        Some((
            wallet?,
            Grant { id: id?, unit, amount, source, priority, effective_time, expire_time, reason, labels },
        ))
    })
}
