//! `wallet.v1.TenantService`, for the operator. Each RPC has a file of its own; this one delegates to them.

mod create_tenant;
mod create_tenant_key;
mod list_tenants;
mod update_tenant;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::tenant_service_server::TenantService;

use super::Services;
use super::call::answer;

/// The service for tenants.
pub(super) struct TenantRpcs(pub(super) Arc<Services>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl TenantService for TenantRpcs {
    async fn create_tenant(
        &self,
        request: Request<v1::CreateTenantRequest>,
    ) -> Answer<v1::CreateTenantResponse> {
        answer(&self.0, request, create_tenant::create_tenant).await
    }

    async fn list_tenants(
        &self,
        request: Request<v1::ListTenantsRequest>,
    ) -> Answer<v1::ListTenantsResponse> {
        answer(&self.0, request, list_tenants::list_tenants).await
    }

    async fn update_tenant(
        &self,
        request: Request<v1::UpdateTenantRequest>,
    ) -> Answer<v1::UpdateTenantResponse> {
        answer(&self.0, request, update_tenant::update_tenant).await
    }

    async fn create_tenant_key(
        &self,
        request: Request<v1::CreateTenantKeyRequest>,
    ) -> Answer<v1::CreateTenantKeyResponse> {
        answer(&self.0, request, create_tenant_key::create_tenant_key).await
    }
}
