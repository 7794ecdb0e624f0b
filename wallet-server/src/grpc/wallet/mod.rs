//! `wallet.v1.WalletService`. Each RPC has a file of its own; this one delegates to them.

mod cancel;
mod estimate;
mod estimate_many;
mod extend;
mod extend_many;
mod get_balance;
mod get_entitlements;
mod get_reservation;
mod list_entries;
mod list_grants;
mod list_reservations;
mod reserve;
mod reserve_many;
mod settle;
mod settle_many;
mod start;
mod summarize_usage;
mod top_up;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::wallet_service_server::WalletService;

use super::Services;
use super::call::answer;

/// The service for workers and product back ends.
pub(super) struct WalletRpcs(pub(super) Arc<Services>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl WalletService for WalletRpcs {
    async fn estimate(&self, request: Request<v1::EstimateRequest>) -> Answer<v1::EstimateResponse> {
        answer(&self.0, request, estimate::estimate).await
    }

    async fn estimate_many(
        &self,
        request: Request<v1::EstimateManyRequest>,
    ) -> Answer<v1::EstimateManyResponse> {
        answer(&self.0, request, estimate_many::estimate_many).await
    }

    async fn reserve(&self, request: Request<v1::ReserveRequest>) -> Answer<v1::ReserveResponse> {
        answer(&self.0, request, reserve::reserve).await
    }

    async fn start(&self, request: Request<v1::StartRequest>) -> Answer<v1::StartResponse> {
        answer(&self.0, request, start::start).await
    }

    async fn extend(&self, request: Request<v1::ExtendRequest>) -> Answer<v1::ExtendResponse> {
        answer(&self.0, request, extend::extend).await
    }

    async fn settle(&self, request: Request<v1::SettleRequest>) -> Answer<v1::SettleResponse> {
        answer(&self.0, request, settle::settle).await
    }

    async fn reserve_many(
        &self,
        request: Request<v1::ReserveManyRequest>,
    ) -> Answer<v1::ReserveManyResponse> {
        answer(&self.0, request, reserve_many::reserve_many).await
    }

    async fn extend_many(&self, request: Request<v1::ExtendManyRequest>) -> Answer<v1::ExtendManyResponse> {
        answer(&self.0, request, extend_many::extend_many).await
    }

    async fn settle_many(&self, request: Request<v1::SettleManyRequest>) -> Answer<v1::SettleManyResponse> {
        answer(&self.0, request, settle_many::settle_many).await
    }

    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Answer<v1::CancelResponse> {
        answer(&self.0, request, cancel::cancel).await
    }

    async fn top_up(&self, request: Request<v1::TopUpRequest>) -> Answer<v1::TopUpResponse> {
        answer(&self.0, request, top_up::top_up).await
    }

    async fn get_balance(&self, request: Request<v1::GetBalanceRequest>) -> Answer<v1::GetBalanceResponse> {
        answer(&self.0, request, get_balance::get_balance).await
    }

    async fn get_entitlements(
        &self,
        request: Request<v1::GetEntitlementsRequest>,
    ) -> Answer<v1::GetEntitlementsResponse> {
        answer(&self.0, request, get_entitlements::get_entitlements).await
    }

    async fn get_reservation(
        &self,
        request: Request<v1::GetReservationRequest>,
    ) -> Answer<v1::GetReservationResponse> {
        answer(&self.0, request, get_reservation::get_reservation).await
    }

    async fn list_reservations(
        &self,
        request: Request<v1::ListReservationsRequest>,
    ) -> Answer<v1::ListReservationsResponse> {
        answer(&self.0, request, list_reservations::list_reservations).await
    }

    async fn list_grants(&self, request: Request<v1::ListGrantsRequest>) -> Answer<v1::ListGrantsResponse> {
        answer(&self.0, request, list_grants::list_grants).await
    }

    async fn list_entries(
        &self,
        request: Request<v1::ListEntriesRequest>,
    ) -> Answer<v1::ListEntriesResponse> {
        answer(&self.0, request, list_entries::list_entries).await
    }

    async fn summarize_usage(
        &self,
        request: Request<v1::SummarizeUsageRequest>,
    ) -> Answer<v1::SummarizeUsageResponse> {
        answer(&self.0, request, summarize_usage::summarize_usage).await
    }
}
