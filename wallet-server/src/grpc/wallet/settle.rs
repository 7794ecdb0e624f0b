//! Settle: ends a job and charges its cost, or returns its credits.

use wallet_core::decide::Settle;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn settle(call: Call, request: v1::SettleRequest) -> Result<v1::SettleResponse, RpcError> {
    let (wallet, settle) = parse(request)?;
    let done = call.submit(wallet, settle).await;
    let done = done.map_err(|error| error.operation_path("succeeded.usage"))?;
    let catalog = call.catalog();
    Ok(v1::SettleResponse {
        reservation: Some(to_proto::reservation(&catalog, &done.wallet, &done.view.reservation)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        balances: to_proto::balances(&catalog, &done.view.balances),
    })
}

fn parse(request: v1::SettleRequest) -> Result<(WalletId, Settle), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("reservation_id", &request.reservation_id);
    let attempt = fields.attempt("attempt", request.attempt);
    let outcome = fields.outcome(request.outcome);
    let accept_late = request.accept_late;
    fields.finish(|| Some((wallet?, Settle { id: id?, attempt, outcome: outcome?, accept_late })))
}
