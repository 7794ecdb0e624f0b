//! Reserve: credits are set aside for a job.

use wallet_core::decide::{PriceSource, Reserve};
use wallet_core::{Command, Rejection, WalletId};
use wallet_proto::v1::{self, reserve_request};

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::Violations;
use crate::grpc::to_proto;

pub(super) async fn reserve(
    call: Call,
    request: v1::ReserveRequest,
) -> Result<v1::ReserveResponse, RpcError> {
    let (wallet, reserve) = parse(&call, request)?;
    let done = call.submit(wallet, Command::Reserve(reserve)).await?;
    let catalog = call.catalog();
    let plan = catalog.default_plan();
    Ok(v1::ReserveResponse {
        reservation: Some(to_proto::reservation(&catalog, &done.wallet, done.reservation()?)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        queue_priority: plan.map_or(0, |plan| plan.queue_priority),
        features: plan.map(|plan| plan.features.clone()).unwrap_or_default(),
        limits: plan.map(to_proto::limits).unwrap_or_default(),
        warnings: Vec::new(),
    })
}

/// Where the price comes from, a quote still sealed.
enum Asked {
    Sealed(String),
    Open(PriceSource),
}

fn parse(call: &Call, request: v1::ReserveRequest) -> Result<(WalletId, Reserve), RpcError> {
    let mut bad = Violations::default();
    let wallet = bad.id::<WalletId>("wallet_id", &request.wallet_id);
    let id = bad.id("reservation_id", &request.reservation_id);
    let price = price(&mut bad, request.price);
    let limits = bad.amounts("limits", request.limits);
    let ttl = bad.duration("ttl", request.ttl);
    let start = request.start.and_then(|start| bad.start_options("start", start));
    let actor = bad.optional_id("actor", &request.actor);
    let labels = bad.labels("labels", request.labels);
    let (wallet, id, price) = bad.verdict(|| Some((wallet?, id?, price?)))?;
    let price = match price {
        Asked::Open(price) => price,
        Asked::Sealed(token) => {
            let opened = call.services.quotes.open(call.tenant, &wallet, &token).map_err(Rejection::from);
            PriceSource::Quote(opened.map_err(RpcError::about(&wallet))?)
        }
    };
    Ok((wallet, Reserve { id, price, limits, ttl, start, actor, labels }))
}

fn price(bad: &mut Violations, price: Option<reserve_request::Price>) -> Option<Asked> {
    match price {
        Some(reserve_request::Price::QuoteToken(token)) => Some(Asked::Sealed(token)),
        Some(reserve_request::Price::Operation(operation)) => {
            let operation = bad.operation("operation", Some(operation))?;
            Some(Asked::Open(PriceSource::Operation(operation)))
        }
        Some(reserve_request::Price::Explicit(price)) => {
            Some(Asked::Open(PriceSource::Explicit(bad.explicit_price("explicit", price))))
        }
        None => {
            bad.add("price", "is required: quote_token, operation or explicit");
            None
        }
    }
}
