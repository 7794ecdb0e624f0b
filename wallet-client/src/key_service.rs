//! The RPCs of `KeyService`: API keys, wallet tokens and the audit of a tenant.

use crate::client::rpc_methods;
use crate::v1::key_service_client::KeyServiceClient;
use crate::{Error, WalletClient, v1};

rpc_methods! {
    KeyServiceClient {
        /// Returns a page of the API keys of the caller's tenant, by id, without their secrets.
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
        /// for key in client.list_keys(v1::ListKeysRequest::new()).await?.keys {
        ///     println!("{} {}", key.key_id, key.name);
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_keys(ListKeysRequest) -> ListKeysResponse;

        /// Revokes an API key. Every server refuses it within 5 seconds.
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `KEY_NOT_FOUND`; the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// client.revoke_key(v1::RevokeKeyRequest::new("0Aq3Zk9xYb")).await?;
        /// # Ok(())
        /// # }
        /// ```
        revoke_key(RevokeKeyRequest) -> RevokeKeyResponse;

        /// Makes a token with which a web page or an app can read one wallet and estimate prices for it. A client for the
        /// token is made like one for a key, with [`ClientConfig::api_key`](crate::ClientConfig::api_key).
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `SCOPE_MISSING` if the caller's key lacks one of the scopes, with
        /// `NOT_FOR_WALLET_TOKEN` if the caller has a token itself, and with `KEYS_OFF`; the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use std::time::Duration;
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::CreateWalletTokenRequest::new("alice", [v1::Scope::Read, v1::Scope::Estimate])
        ///     .with_ttl(Duration::from_secs(600));
        /// let token = client.create_wallet_token(request).await?.token;
        /// # Ok(())
        /// # }
        /// ```
        create_wallet_token(CreateWalletTokenRequest) -> CreateWalletTokenResponse;

        /// Returns a page of the changes of the caller's tenant, its keys and its catalogs, the newest first.
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
        /// for event in client.list_audit_events(v1::ListAuditEventsRequest::new()).await?.events {
        ///     println!("{} {} {}", event.principal, event.action, event.subject);
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_audit_events(ListAuditEventsRequest) -> ListAuditEventsResponse;
    }
}

impl WalletClient {
    /// Creates an API key and returns it with its secret, which the server does not keep. The call is attempted once,
    /// because a repeated one would make another key: after a lost answer, revoke the key that
    /// [`list_keys`](Self::list_keys) shows.
    ///
    /// # Errors
    ///
    /// [`Refused`](Error::Refused) with `SCOPE_MISSING` if the caller's key lacks one of the scopes, and with `KEYS_OFF`;
    /// the [errors of every call](Error#errors-of-every-call).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let request = v1::CreateKeyRequest::new("dashboard", [v1::Scope::Read, v1::Scope::Events]);
    /// let secret = client.create_key(request).await?.secret;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_key(&self, request: v1::CreateKeyRequest) -> Result<v1::CreateKeyResponse, Error> {
        let stub = KeyServiceClient::new(self.servers()).max_decoding_message_size(self.max_response_bytes());
        let create = |mut stub: KeyServiceClient<_>, call| async move { stub.create_key(call).await };
        self.without_retries().call(stub, request, create).await
    }

    /// Replaces an API key by a new one with the same name, scopes, rate and expiry, and returns that with its secret, which
    /// the server does not keep. The old key stays valid for 24 hours, or for the overlap of the request. The call is
    /// attempted once, because a key is replaced once. If the answer is lost, rotate the new key, which `list_keys` shows.
    ///
    /// # Errors
    ///
    /// [`Refused`](Error::Refused) with `KEY_NOT_FOUND`, also if the key is revoked, expired or replaced already, with
    /// `SCOPE_MISSING` if the caller's key lacks one of its scopes, and with `KEYS_OFF`; the [errors of every
    /// call](Error#errors-of-every-call).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let secret = client.rotate_key(v1::RotateKeyRequest::new("0Aq3Zk9xYb")).await?.secret;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rotate_key(&self, request: v1::RotateKeyRequest) -> Result<v1::RotateKeyResponse, Error> {
        let stub = KeyServiceClient::new(self.servers()).max_decoding_message_size(self.max_response_bytes());
        let rotate = |mut stub: KeyServiceClient<_>, call| async move { stub.rotate_key(call).await };
        self.without_retries().call(stub, request, rotate).await
    }
}
