//! The RPCs of `TenantService`, for the operator of the service.

use crate::client::rpc_methods;
use crate::v1::tenant_service_client::TenantServiceClient;
use crate::{Error, WalletClient, v1};

rpc_methods! {
    TenantServiceClient {
        /// Creates a tenant, which begins with the bundled catalog and without keys. Needs a key with the scope `tenants`.
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `TENANT_EXISTS` if there is one with this name and another mode; the [errors of
        /// every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// client.create_tenant(v1::CreateTenantRequest::new("studio", v1::TenantMode::Live)).await?;
        /// # Ok(())
        /// # }
        /// ```
        create_tenant(CreateTenantRequest) -> CreateTenantResponse;

        /// Returns a page of all tenants, by name. Needs a key with the scope `tenants`.
        ///
        /// # Errors
        ///
        /// The [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// for tenant in client.list_tenants(v1::ListTenantsRequest::new()).await?.tenants {
        ///     println!("{} {:?}", tenant.name, tenant.status());
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_tenants(ListTenantsRequest) -> ListTenantsResponse;

        /// Suspends or resumes a tenant, which every server observes within 5 seconds. Needs a key with the scope `tenants`.
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `TENANT_NOT_FOUND`; the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// client.update_tenant(v1::UpdateTenantRequest::suspend("studio")).await?;
        /// # Ok(())
        /// # }
        /// ```
        update_tenant(UpdateTenantRequest) -> UpdateTenantResponse;
    }
}

impl WalletClient {
    /// Creates an API key of another tenant and returns it with its secret, which the server does not keep. Needs a key with
    /// the scope `tenants`. The call is attempted once, because a repeated one would make another key.
    ///
    /// # Errors
    ///
    /// [`Refused`](Error::Refused) with `TENANT_NOT_FOUND` and with `KEYS_OFF`; the [errors of every
    /// call](Error#errors-of-every-call).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let request = v1::CreateTenantKeyRequest::new("studio", "first key", [v1::Scope::Admin, v1::Scope::Keys]);
    /// let secret = client.create_tenant_key(request).await?.secret;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_tenant_key(
        &self,
        request: v1::CreateTenantKeyRequest,
    ) -> Result<v1::CreateTenantKeyResponse, Error> {
        let stub =
            TenantServiceClient::new(self.servers()).max_decoding_message_size(self.max_response_bytes());
        let create =
            |mut stub: TenantServiceClient<_>, call| async move { stub.create_tenant_key(call).await };
        self.without_retries().call(stub, request, create).await
    }
}
