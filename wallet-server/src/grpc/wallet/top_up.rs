//! TopUp: adds bought credits.

use wallet_core::decide::TopUp;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn top_up(call: Call, request: v1::TopUpRequest) -> Result<v1::TopUpResponse, RpcError> {
    let (wallet, top_up) = parse(request)?;
    let done = call.submit(wallet, top_up).await?;
    let catalog = call.catalog();
    Ok(v1::TopUpResponse {
        top_up_id: done.view.grants.first().map(|grant| grant.key.id.to_string()).unwrap_or_default(),
        grants: done.view.grants.iter().map(|grant| to_proto::grant(&catalog, grant)).collect(),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        balances: to_proto::balances(&catalog, &done.view.balances),
    })
}

fn parse(request: v1::TopUpRequest) -> Result<(WalletId, TopUp), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("top_up_id", &request.top_up_id);
    let (quantity, version) = (request.quantity, request.catalog_version);
    let purchase = fields.purchase(request.what, quantity, version);
    let external_ref = fields.external_ref("external_ref", request.external_ref);
    let line = fields.line(&request.line, external_ref.is_some());
    let paid_amount = fields.money("paid_amount", request.paid_amount);
    let paid_time = fields.instant("paid_time", request.paid_time);
    let labels = fields.labels("labels", request.labels);
    fields.finish(|| {
        let (id, purchase) = (id?, purchase?);
        Some((wallet?, TopUp { id, purchase, external_ref, line, paid_amount, paid_time, labels }))
    })
}
