//! What the platform's billing and support call: one method per RPC of `AdminService`.

use tonic::transport::Channel;

use crate::v1::admin_service_client::AdminServiceClient;
use crate::{Error, WalletClient, v1};

impl WalletClient {
    fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel.clone())
    }

    /// Makes a wallet.
    pub async fn create_wallet(
        &self,
        request: v1::CreateWalletRequest,
    ) -> Result<v1::CreateWalletResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.create_wallet(call).await }).await
    }

    /// One wallet as it stands now.
    pub async fn get_wallet(&self, request: v1::GetWalletRequest) -> Result<v1::GetWalletResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.get_wallet(call).await }).await
    }

    /// A page of the tenant's wallets, by id.
    pub async fn list_wallets(
        &self,
        request: v1::ListWalletsRequest,
    ) -> Result<v1::ListWalletsResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.list_wallets(call).await }).await
    }

    /// Suspends or reactivates a wallet, renames it, sets how much debt it may have.
    pub async fn update_wallet(
        &self,
        request: v1::UpdateWalletRequest,
    ) -> Result<v1::UpdateWalletResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.update_wallet(call).await }).await
    }

    /// Gives credits that were not bought.
    pub async fn grant(&self, request: v1::GrantRequest) -> Result<v1::GrantResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.grant(call).await }).await
    }

    /// Takes back what is left of a grant.
    pub async fn revoke_grant(
        &self,
        request: v1::RevokeGrantRequest,
    ) -> Result<v1::RevokeGrantResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.revoke_grant(call).await }).await
    }

    /// Gives a purchase back for the money, or shows whether that can be done.
    pub async fn refund_top_up(
        &self,
        request: v1::RefundTopUpRequest,
    ) -> Result<v1::RefundTopUpResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.refund_top_up(call).await }).await
    }

    /// The bank took a payment back.
    pub async fn record_chargeback(
        &self,
        request: v1::RecordChargebackRequest,
    ) -> Result<v1::RecordChargebackResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.record_chargeback(call).await })
            .await
    }

    /// Gives back what a job was charged, or a part of it.
    pub async fn reverse_charge(
        &self,
        request: v1::ReverseChargeRequest,
    ) -> Result<v1::ReverseChargeResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.reverse_charge(call).await })
            .await
    }

    /// Ends a year's subscription and gives a share of its price back, or shows how much that would be.
    pub async fn refund_subscription(
        &self,
        request: v1::RefundSubscriptionRequest,
    ) -> Result<v1::RefundSubscriptionResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.refund_subscription(call).await })
            .await
    }

    /// Sells a plan; its first period is paid.
    pub async fn subscribe(&self, request: v1::SubscribeRequest) -> Result<v1::SubscribeResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.subscribe(call).await }).await
    }

    /// Sells another plan, or shows what that would do.
    pub async fn change_plan(&self, request: v1::ChangePlanRequest) -> Result<v1::ChangePlanResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.change_plan(call).await }).await
    }

    /// Ends a subscription with its period, or at once.
    pub async fn cancel_subscription(
        &self,
        request: v1::CancelSubscriptionRequest,
    ) -> Result<v1::CancelSubscriptionResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.cancel_subscription(call).await })
            .await
    }

    /// Undoes a cancel that has not happened yet.
    pub async fn resume_subscription(
        &self,
        request: v1::ResumeSubscriptionRequest,
    ) -> Result<v1::ResumeSubscriptionResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.resume_subscription(call).await })
            .await
    }

    /// The next period is paid.
    pub async fn record_payment(
        &self,
        request: v1::RecordPaymentRequest,
    ) -> Result<v1::RecordPaymentResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.record_payment(call).await })
            .await
    }

    /// Moves a manual clock forward. `by` twice is twice as far: after an error, say `to_time`.
    pub async fn advance_clock(
        &self,
        request: v1::AdvanceClockRequest,
    ) -> Result<v1::AdvanceClockResponse, Error> {
        self.call(self.admin(), request, |mut stub, call| async move { stub.advance_clock(call).await }).await
    }
}
