//! Units, plans, packs and prices: one method per RPC of `CatalogService`.

use tonic::transport::Channel;

use crate::v1::catalog_service_client::CatalogServiceClient;
use crate::{Error, WalletClient, v1};

impl WalletClient {
    fn catalog(&self) -> CatalogServiceClient<Channel> {
        CatalogServiceClient::new(self.channel.clone())
    }

    /// Checks a catalog and makes it current.
    pub async fn publish_catalog(
        &self,
        request: v1::PublishCatalogRequest,
    ) -> Result<v1::PublishCatalogResponse, Error> {
        self.call(self.catalog(), request, |mut stub, call| async move { stub.publish_catalog(call).await })
            .await
    }

    /// One published catalog.
    pub async fn get_catalog(&self, request: v1::GetCatalogRequest) -> Result<v1::GetCatalogResponse, Error> {
        self.call(self.catalog(), request, |mut stub, call| async move { stub.get_catalog(call).await }).await
    }

    /// The plans of the current catalog, by rank.
    pub async fn list_plans(&self, request: v1::ListPlansRequest) -> Result<v1::ListPlansResponse, Error> {
        self.call(self.catalog(), request, |mut stub, call| async move { stub.list_plans(call).await }).await
    }

    /// The packs of the current catalog.
    pub async fn list_packs(&self, request: v1::ListPacksRequest) -> Result<v1::ListPacksResponse, Error> {
        self.call(self.catalog(), request, |mut stub, call| async move { stub.list_packs(call).await }).await
    }
    /// What operations cost, rule by rule.
    pub async fn get_price_table(
        &self,
        request: v1::GetPriceTableRequest,
    ) -> Result<v1::GetPriceTableResponse, Error> {
        self.call(self.catalog(), request, |mut stub, call| async move { stub.get_price_table(call).await })
            .await
    }
}
