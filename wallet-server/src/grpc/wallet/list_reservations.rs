//! ListReservations: lists the reservations of a wallet, newest first.

use wallet_core::{Actor, Rejection, WalletId, WorkerId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::Violations;
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
    let mut bad = Violations::default();
    let wallet = bad.id("wallet_id", &request.wallet_id);
    let filter = ReservationFilter {
        states: bad.states("states", &request.states),
        worker: bad.optional_id::<WorkerId>("worker", &request.worker).map(String::from),
        kind: bad.word("kind", request.kind, MAX_KIND_BYTES),
        actor: bad.optional_id::<Actor>("actor", &request.actor).map(String::from),
        label: bad.label("label", request.label),
        from_time: bad.instant("from_time", request.from_time),
        to_time: bad.instant("to_time", request.to_time),
    };
    let page = bad.page(request.page_size, request.page_token);
    bad.verdict(|| Some((wallet?, filter, page)))
}
