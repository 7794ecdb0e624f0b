//! `wallet.v1.CatalogService`. Each RPC has a file of its own; this one delegates to them.

mod get_catalog;
mod get_price_table;
mod list_packs;
mod list_plans;
mod publish_catalog;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::catalog_service_server::CatalogService;

use super::Services;
use super::call::answer;

/// The service for units, plans, packs and price rules.
pub(super) struct CatalogRpcs(pub(super) Arc<Services>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl CatalogService for CatalogRpcs {
    async fn publish_catalog(
        &self,
        request: Request<v1::PublishCatalogRequest>,
    ) -> Answer<v1::PublishCatalogResponse> {
        answer(&self.0, request, publish_catalog::publish_catalog).await
    }

    async fn get_catalog(&self, request: Request<v1::GetCatalogRequest>) -> Answer<v1::GetCatalogResponse> {
        answer(&self.0, request, get_catalog::get_catalog).await
    }

    async fn list_plans(&self, request: Request<v1::ListPlansRequest>) -> Answer<v1::ListPlansResponse> {
        answer(&self.0, request, list_plans::list_plans).await
    }

    async fn list_packs(&self, request: Request<v1::ListPacksRequest>) -> Answer<v1::ListPacksResponse> {
        answer(&self.0, request, list_packs::list_packs).await
    }
    async fn get_price_table(
        &self,
        request: Request<v1::GetPriceTableRequest>,
    ) -> Answer<v1::GetPriceTableResponse> {
        answer(&self.0, request, get_price_table::get_price_table).await
    }
}
