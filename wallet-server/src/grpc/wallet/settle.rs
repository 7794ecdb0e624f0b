//! Settle: ends a job and charges its cost, or returns its credits.

use wallet_core::Rejection;
use wallet_core::catalog::Catalog;
use wallet_core::decide::Settle;
use wallet_core::view::EndedReservationView;
use wallet_proto::v1;

use crate::grpc::call::{Answered, Call, Parsed};
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn settle(call: Call, request: v1::SettleRequest) -> Result<v1::SettleResponse, RpcError> {
    let done = call.run(parse(request)?).await?;
    Ok(render(&call.catalog(), done))
}

pub(super) fn parse(request: v1::SettleRequest) -> Result<Parsed<Settle>, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("reservation_id", &request.reservation_id);
    let attempt = fields.attempt("attempt", request.attempt);
    let outcome = fields.outcome(request.outcome);
    let accept_late = request.accept_late;
    fields.finish(|| {
        let command = Settle { id: id?, attempt, outcome: outcome?, accept_late };
        Some(Parsed { wallet: wallet?, command, operation_path: "succeeded.usage" })
    })
}

pub(super) fn render(catalog: &Catalog, done: Answered<EndedReservationView>) -> v1::SettleResponse {
    v1::SettleResponse {
        reservation: Some(to_proto::reservation(catalog, &done.wallet, &done.view.reservation)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        balances: to_proto::balances(catalog, &done.view.balances),
    }
}
