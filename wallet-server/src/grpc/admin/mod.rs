//! `wallet.v1.AdminService`. Each RPC has a file of its own; this one delegates to them.

mod cancel_subscription;
mod change_plan;
mod close_wallet;
mod create_wallet;
mod get_wallet;
mod grant;
mod list_wallets;
mod pause_subscription;
mod record_auto_top_up_failure;
mod record_chargeback;
mod record_payment;
mod record_refund;
mod refund_subscription;
mod refund_top_up;
mod resume_subscription;
mod reverse_charge;
mod reverse_chargeback;
mod revoke_grant;
mod set_auto_top_up;
mod subscribe;
mod update_wallet;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::admin_service_server::AdminService;

use super::Services;
use super::call::answer;

/// The service for billing and support.
pub(super) struct AdminRpcs(pub(super) Arc<Services>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AdminService for AdminRpcs {
    async fn create_wallet(
        &self,
        request: Request<v1::CreateWalletRequest>,
    ) -> Answer<v1::CreateWalletResponse> {
        answer(&self.0, request, create_wallet::create_wallet).await
    }

    async fn get_wallet(&self, request: Request<v1::GetWalletRequest>) -> Answer<v1::GetWalletResponse> {
        answer(&self.0, request, get_wallet::get_wallet).await
    }

    async fn list_wallets(
        &self,
        request: Request<v1::ListWalletsRequest>,
    ) -> Answer<v1::ListWalletsResponse> {
        answer(&self.0, request, list_wallets::list_wallets).await
    }

    async fn update_wallet(
        &self,
        request: Request<v1::UpdateWalletRequest>,
    ) -> Answer<v1::UpdateWalletResponse> {
        answer(&self.0, request, update_wallet::update_wallet).await
    }

    async fn grant(&self, request: Request<v1::GrantRequest>) -> Answer<v1::GrantResponse> {
        answer(&self.0, request, grant::grant).await
    }

    async fn revoke_grant(
        &self,
        request: Request<v1::RevokeGrantRequest>,
    ) -> Answer<v1::RevokeGrantResponse> {
        answer(&self.0, request, revoke_grant::revoke_grant).await
    }

    async fn refund_top_up(
        &self,
        request: Request<v1::RefundTopUpRequest>,
    ) -> Answer<v1::RefundTopUpResponse> {
        answer(&self.0, request, refund_top_up::refund_top_up).await
    }

    async fn record_chargeback(
        &self,
        request: Request<v1::RecordChargebackRequest>,
    ) -> Answer<v1::RecordChargebackResponse> {
        answer(&self.0, request, record_chargeback::record_chargeback).await
    }

    async fn record_refund(
        &self,
        request: Request<v1::RecordRefundRequest>,
    ) -> Answer<v1::RecordRefundResponse> {
        answer(&self.0, request, record_refund::record_refund).await
    }

    async fn reverse_chargeback(
        &self,
        request: Request<v1::ReverseChargebackRequest>,
    ) -> Answer<v1::ReverseChargebackResponse> {
        answer(&self.0, request, reverse_chargeback::reverse_chargeback).await
    }

    async fn close_wallet(
        &self,
        request: Request<v1::CloseWalletRequest>,
    ) -> Answer<v1::CloseWalletResponse> {
        answer(&self.0, request, close_wallet::close_wallet).await
    }

    async fn reverse_charge(
        &self,
        request: Request<v1::ReverseChargeRequest>,
    ) -> Answer<v1::ReverseChargeResponse> {
        answer(&self.0, request, reverse_charge::reverse_charge).await
    }

    async fn refund_subscription(
        &self,
        request: Request<v1::RefundSubscriptionRequest>,
    ) -> Answer<v1::RefundSubscriptionResponse> {
        answer(&self.0, request, refund_subscription::refund_subscription).await
    }

    async fn subscribe(&self, request: Request<v1::SubscribeRequest>) -> Answer<v1::SubscribeResponse> {
        answer(&self.0, request, subscribe::subscribe).await
    }

    async fn change_plan(&self, request: Request<v1::ChangePlanRequest>) -> Answer<v1::ChangePlanResponse> {
        answer(&self.0, request, change_plan::change_plan).await
    }

    async fn cancel_subscription(
        &self,
        request: Request<v1::CancelSubscriptionRequest>,
    ) -> Answer<v1::CancelSubscriptionResponse> {
        answer(&self.0, request, cancel_subscription::cancel_subscription).await
    }

    async fn pause_subscription(
        &self,
        request: Request<v1::PauseSubscriptionRequest>,
    ) -> Answer<v1::PauseSubscriptionResponse> {
        answer(&self.0, request, pause_subscription::pause_subscription).await
    }

    async fn resume_subscription(
        &self,
        request: Request<v1::ResumeSubscriptionRequest>,
    ) -> Answer<v1::ResumeSubscriptionResponse> {
        answer(&self.0, request, resume_subscription::resume_subscription).await
    }

    async fn record_payment(
        &self,
        request: Request<v1::RecordPaymentRequest>,
    ) -> Answer<v1::RecordPaymentResponse> {
        answer(&self.0, request, record_payment::record_payment).await
    }

    async fn set_auto_top_up(
        &self,
        request: Request<v1::SetAutoTopUpRequest>,
    ) -> Answer<v1::SetAutoTopUpResponse> {
        answer(&self.0, request, set_auto_top_up::set_auto_top_up).await
    }

    async fn record_auto_top_up_failure(
        &self,
        request: Request<v1::RecordAutoTopUpFailureRequest>,
    ) -> Answer<v1::RecordAutoTopUpFailureResponse> {
        answer(&self.0, request, record_auto_top_up_failure::record_auto_top_up_failure).await
    }
}
