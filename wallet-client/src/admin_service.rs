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
}
