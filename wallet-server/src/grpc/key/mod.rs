//! `wallet.v1.KeyService`. Each RPC has a file of its own; this one delegates to them.

mod create_key;
mod create_wallet_token;
mod list_audit_events;
mod list_keys;
mod revoke_key;
mod rotate_key;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::key_service_server::KeyService;

use super::Services;
use super::call::answer;

/// The service for API keys.
pub(super) struct KeyRpcs(pub(super) Arc<Services>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl KeyService for KeyRpcs {
    async fn create_key(&self, request: Request<v1::CreateKeyRequest>) -> Answer<v1::CreateKeyResponse> {
        answer(&self.0, request, create_key::create_key).await
    }

    async fn list_keys(&self, request: Request<v1::ListKeysRequest>) -> Answer<v1::ListKeysResponse> {
        answer(&self.0, request, list_keys::list_keys).await
    }

    async fn revoke_key(&self, request: Request<v1::RevokeKeyRequest>) -> Answer<v1::RevokeKeyResponse> {
        answer(&self.0, request, revoke_key::revoke_key).await
    }

    async fn rotate_key(&self, request: Request<v1::RotateKeyRequest>) -> Answer<v1::RotateKeyResponse> {
        answer(&self.0, request, rotate_key::rotate_key).await
    }

    async fn create_wallet_token(
        &self,
        request: Request<v1::CreateWalletTokenRequest>,
    ) -> Answer<v1::CreateWalletTokenResponse> {
        answer(&self.0, request, create_wallet_token::create_wallet_token).await
    }

    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> Answer<v1::ListAuditEventsResponse> {
        answer(&self.0, request, list_audit_events::list_audit_events).await
    }
}
