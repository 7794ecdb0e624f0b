//! ListReservations: lists the reservations of a wallet, newest first.

use wallet_core::{Actor, Rejection, WalletId, WorkerId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::{Page, ReservationFilter};

/// The longest kind of an operation, in bytes.
const MAX_KIND_BYTES: usize = 128;

pub(super) async fn list_reservations(
    call: Call,
    request: v1::ListReservationsRequest,
) -> Result<v1::ListReservationsResponse, RpcError> {
    let (wallet, filter, page) = parse(request)?;
    let read = call.services.queries.reservations(call.tenant, &wallet, filter, page).await;
    let listed = read.map_err(RpcError::about(&wallet))?;
    let catalog = call.catalog();
    let (reservations, next_page_token) =
        to_proto::page(listed, |r| to_proto::reservation(&catalog, &wallet, r));
    Ok(v1::ListReservationsResponse { reservations, next_page_token })
}

fn parse(request: v1::ListReservationsRequest) -> Result<(WalletId, ReservationFilter, Page), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let filter = ReservationFilter {
        states: fields.states("states", &request.states),
        worker: fields.optional_id::<WorkerId>("worker", &request.worker).map(String::from),
        kind: fields.word("kind", request.kind, MAX_KIND_BYTES),
        actor: fields.optional_id::<Actor>("actor", &request.actor).map(String::from),
        label: fields.label("label", request.label),
        from_time: fields.instant("from_time", request.from_time),
        to_time: fields.instant("to_time", request.to_time),
    };
    let page = fields.page(request.page_size, request.page_token);
    fields.finish(|| Some((wallet?, filter, page)))
}
