//! What generation workers and product back ends call: one method per RPC of `WalletService`.

use tonic::transport::Channel;

use crate::error::reason_of_end;
use crate::v1::wallet_service_client::WalletServiceClient;
use crate::{Error, WalletClient, v1};

impl WalletClient {
    fn wallet(&self) -> WalletServiceClient<Channel> {
        WalletServiceClient::new(self.channel.clone())
    }

    /// What a job would cost, and whether the wallet could pay it. Changes nothing.
    pub async fn estimate(&self, request: v1::EstimateRequest) -> Result<v1::EstimateResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.estimate(call).await }).await
    }

    /// What each of many jobs would cost, beside one balance. Changes nothing.
    pub async fn estimate_many(
        &self,
        request: v1::EstimateManyRequest,
    ) -> Result<v1::EstimateManyResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.estimate_many(call).await })
            .await
    }

    /// Sets credits aside for a job. [`hold`](Self::hold) does so for a worker that runs it at once.
    ///
    /// # Errors
    /// [`Error::Ended`] if an equal call reserved the job before and the job has ended since: it must not run again.
    pub async fn reserve(&self, request: v1::ReserveRequest) -> Result<v1::ReserveResponse, Error> {
        let answer: v1::ReserveResponse = self
            .call(self.wallet(), request, |mut stub, call| async move { stub.reserve(call).await })
            .await?;
        match answer.reservation {
            Some(ended) if reason_of_end(ended.state()).is_some() => Err(Error::Ended(Box::new(ended))),
            _ => Ok(answer),
        }
    }

    /// A worker takes the job; from here on cancelling may cost.
    pub async fn start(&self, request: v1::StartRequest) -> Result<v1::StartResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.start(call).await }).await
    }

    /// The worker's heartbeat. A [`Hold`](crate::Hold) sends it by itself.
    pub async fn extend(&self, request: v1::ExtendRequest) -> Result<v1::ExtendResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.extend(call).await }).await
    }

    /// Charges what the job really cost, or gives all back if it failed.
    pub async fn settle(&self, request: v1::SettleRequest) -> Result<v1::SettleResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.settle(call).await }).await
    }

    /// Stops a job that has not finished.
    pub async fn cancel(&self, request: v1::CancelRequest) -> Result<v1::CancelResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.cancel(call).await }).await
    }

    /// Adds bought credits.
    pub async fn top_up(&self, request: v1::TopUpRequest) -> Result<v1::TopUpResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.top_up(call).await }).await
    }

    /// What the wallet has now.
    pub async fn get_balance(&self, request: v1::GetBalanceRequest) -> Result<v1::GetBalanceResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.get_balance(call).await }).await
    }

    /// What the wallet's plan allows.
    pub async fn get_entitlements(
        &self,
        request: v1::GetEntitlementsRequest,
    ) -> Result<v1::GetEntitlementsResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.get_entitlements(call).await })
            .await
    }

    /// One reservation as it stands now.
    pub async fn get_reservation(
        &self,
        request: v1::GetReservationRequest,
    ) -> Result<v1::GetReservationResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.get_reservation(call).await })
            .await
    }

    /// A page of a wallet's reservations, the newest first.
    pub async fn list_reservations(
        &self,
        request: v1::ListReservationsRequest,
    ) -> Result<v1::ListReservationsResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.list_reservations(call).await })
            .await
    }

    /// A page of a wallet's grants in the order of spending.
    pub async fn list_grants(&self, request: v1::ListGrantsRequest) -> Result<v1::ListGrantsResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.list_grants(call).await }).await
    }

    /// A page of a wallet's ledger, by revision.
    pub async fn list_entries(
        &self,
        request: v1::ListEntriesRequest,
    ) -> Result<v1::ListEntriesResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.list_entries(call).await }).await
    }
    /// What a wallet's finished jobs came to, in groups.
    pub async fn summarize_usage(
        &self,
        request: v1::SummarizeUsageRequest,
    ) -> Result<v1::SummarizeUsageResponse, Error> {
        self.call(self.wallet(), request, |mut stub, call| async move { stub.summarize_usage(call).await })
            .await
    }
}
