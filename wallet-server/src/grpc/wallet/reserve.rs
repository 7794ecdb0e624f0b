//! Reserve: sets credits aside for a job.

use wallet_core::catalog::Catalog;
use wallet_core::decide::{PriceSource, Quote, Reserve};
use wallet_core::view::NewReservationView;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1::{self, reserve_request};

use crate::grpc::call::{Answered, Call, Parsed};
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::quote::QuoteError;

pub(super) async fn reserve(
    call: Call,
    request: v1::ReserveRequest,
) -> Result<v1::ReserveResponse, RpcError> {
    let done = call.run(parse_for(&call, request)?).await?;
    Ok(render(&call.catalog(), done))
}

/// Parses the request of a call, which opens its quote.
pub(super) fn parse_for(call: &Call, request: v1::ReserveRequest) -> Result<Parsed<Reserve>, RpcError> {
    parse(request, |wallet, token| call.services.quotes.open(call.tenant, wallet, token))
}

pub(super) fn render(catalog: &Catalog, done: Answered<NewReservationView>) -> v1::ReserveResponse {
    v1::ReserveResponse {
        reservation: Some(to_proto::reservation(catalog, &done.wallet, &done.view.reservation)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
        queue_priority: done.view.plan.queue_priority,
        limits: to_proto::limits(&done.view.plan.limits),
        features: done.view.plan.features,
        warnings: to_proto::warnings(catalog, &done.view.warnings),
    }
}

/// The source of the price. A quote token is opened after all fields are parsed.
enum PriceInput {
    QuoteToken(String),
    Resolved(PriceSource),
}

fn parse(
    request: v1::ReserveRequest,
    open: impl FnOnce(&WalletId, &str) -> Result<Quote, QuoteError>,
) -> Result<Parsed<Reserve>, RpcError> {
    let mut fields = FieldReader::default();
    let wallet = fields.id::<WalletId>("wallet_id", &request.wallet_id);
    let id = fields.id("reservation_id", &request.reservation_id);
    let price = price(&mut fields, request.price);
    let limits = fields.amounts("limits", request.limits);
    let ttl = fields.duration("ttl", request.ttl);
    let start = request.start.and_then(|start| fields.start_options("start", start));
    let actor = fields.optional_id("actor", &request.actor);
    let labels = fields.labels("labels", request.labels);
    let (wallet, id, price) = fields.finish(|| Some((wallet?, id?, price?)))?;
    let price = match price {
        PriceInput::Resolved(price) => price,
        PriceInput::QuoteToken(token) => {
            let opened = open(&wallet, &token).map_err(Rejection::from);
            PriceSource::Quote(opened.map_err(RpcError::about(&wallet))?)
        }
    };
    let operation_path = match price {
        PriceSource::Explicit(_) => "explicit.operation",
        _ => "operation",
    };
    let command = Reserve { id, price, limits, ttl, start, actor, labels };
    Ok(Parsed { wallet, command, operation_path })
}

fn price(fields: &mut FieldReader, price: Option<reserve_request::Price>) -> Option<PriceInput> {
    match price {
        Some(reserve_request::Price::QuoteToken(token)) => Some(PriceInput::QuoteToken(token)),
        Some(reserve_request::Price::Operation(operation)) => {
            let operation = fields.operation("operation", Some(operation))?;
            Some(PriceInput::Resolved(PriceSource::Operation(operation)))
        }
        Some(reserve_request::Price::Explicit(price)) => {
            Some(PriceInput::Resolved(PriceSource::Explicit(fields.explicit_price("explicit", price))))
        }
        None => {
            fields.add("price", "is required: quote_token, operation or explicit");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;
    use tonic_types::StatusExt;

    use super::*;

    fn fields(request: v1::ReserveRequest) -> Vec<String> {
        let error = parse(request, |_, _| Err(QuoteError::Malformed)).err().unwrap();
        let details = Status::from(error).get_error_details();
        let fields = details.bad_request().map(|fields| fields.field_violations.clone()).unwrap_or_default();
        fields.into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn all_invalid_fields_are_reported_at_once() {
        let amount =
            |unit: &str, amount| v1::Amount { unit: unit.to_owned(), amount, ..v1::Amount::default() };
        let request = v1::ReserveRequest {
            price: Some(reserve_request::Price::Explicit(v1::ExplicitPrice {
                amounts: vec![amount("credits", 1), amount("", 1)],
                ..v1::ExplicitPrice::default()
            })),
            limits: vec![amount("credits", -1)],
            ttl: Some(prost_types::Duration { seconds: 0, nanos: 1 }),
            start: Some(v1::StartOptions {
                worker: "gpu 1".to_owned(),
                lease: Some(prost_types::Duration { seconds: 604_801, nanos: 0 }),
                ..v1::StartOptions::default()
            }),
            actor: "ann@example.org !".to_owned(),
            labels: [("k".to_owned(), "v".repeat(257))].into(),
            ..v1::ReserveRequest::default()
        };
        assert_eq!(
            fields(request),
            [
                "wallet_id",
                "reservation_id",
                "explicit.amounts[1].unit",
                "limits[0].amount",
                "ttl",
                "start.worker",
                "start.lease",
                "actor",
                "labels[\"k\"]",
            ]
        );
    }

    #[test]
    fn a_bad_quote_is_reported_after_invalid_fields_and_is_not_one() {
        let price = Some(reserve_request::Price::QuoteToken("forged".to_owned()));
        let request =
            v1::ReserveRequest { wallet_id: "w".to_owned(), price, ..v1::ReserveRequest::default() };
        assert_eq!(fields(request.clone()), ["reservation_id"]);
        let request = v1::ReserveRequest { reservation_id: "job".to_owned(), ..request };
        assert!(fields(request.clone()).is_empty());
        let status = Status::from(parse(request, |_, _| Err(QuoteError::BadSignature)).err().unwrap());
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "QUOTE_INVALID");
        assert_eq!(fields(v1::ReserveRequest::default()), ["wallet_id", "reservation_id", "price"]);
    }
}
