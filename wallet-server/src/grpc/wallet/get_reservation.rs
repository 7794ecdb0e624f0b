//! GetReservation: returns one reservation in its present state.

use wallet_core::{Rejection, ReservationId, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn get_reservation(
    call: Call,
    request: v1::GetReservationRequest,
) -> Result<v1::GetReservationResponse, RpcError> {
    let (wallet, id) = parse(&request)?;
    let read = call.services.queries.reservation(call.tenant, &wallet, &id).await;
    let (snapshot, reservation) = read.map_err(RpcError::about(&wallet))?;
    let if_cancelled = call.services.queries.if_cancelled(call.tenant, &snapshot, &id);
    let if_cancelled = if_cancelled.map_err(RpcError::about(&wallet))?;
    let catalog = call.catalog();
    Ok(v1::GetReservationResponse {
        if_cancelled: if_cancelled.map(|effects| v1::CancelEffects {
            fees: to_proto::amounts(&catalog, &effects.fees),
            returned: to_proto::amounts(&catalog, &effects.returned),
            grace: to_proto::amounts(&catalog, &effects.grace),
            forfeited: to_proto::amounts(&catalog, &effects.forfeited),
        }),
        reservation: Some(to_proto::reservation(&catalog, &wallet, &reservation)),
        revision: snapshot.wallet.revision,
        version: snapshot.wallet.version,
    })
}

fn parse(request: &v1::GetReservationRequest) -> Result<(WalletId, ReservationId), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("reservation_id", &request.reservation_id);
    fields.finish(|| Some((wallet?, id?)))
}
