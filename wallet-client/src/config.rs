//! The configuration of a client. It reads no environment variables: the caller may.

use std::fmt;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::{Error, RetryPolicy, WalletClient};

/// The largest response that is accepted by default, in bytes.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// The configuration of a [`WalletClient`], made by [`WalletClient::builder`] or [`ClientConfig::new`].
///
/// Each method sets one option and returns the configuration.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use wallet_client::{ClientConfig, Error, RetryPolicy, WalletClient};
///
/// # async fn example() -> Result<(), Error> {
/// let config = ClientConfig::new("http://wallet.internal:50051")
///     .deadline(Duration::from_secs(2))
///     .retry(RetryPolicy::default().attempts(5).budget(Duration::from_secs(10)))
///     .user_agent("image-worker/1.4");
/// let client = WalletClient::connect(config).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// At least one, unless the configuration is invalid.
    endpoints: Vec<String>,
    pub(crate) deadline: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) max_response_bytes: usize,
    pub(crate) coalesce: bool,
    connect_timeout: Duration,
    keepalive: Option<Duration>,
    user_agent: Option<String>,
    api_key: Option<ApiKey>,
    metadata: Vec<(String, String)>,
    ca_certificate: Option<String>,
    client_certificate: Option<ClientCertificate>,
}

/// The certificate of the client. `Debug` does not show the key.
#[derive(Clone)]
struct ClientCertificate {
    pem: String,
    key: String,
}

impl ClientConfig {
    /// Returns the default configuration for the server at `endpoint`: `http://host:port`, or `https://host:port`
    /// together with [`ca_certificate`](Self::ca_certificate).
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoints: vec![endpoint.into()],
            deadline: Duration::from_secs(5),
            retry: RetryPolicy::default(),
            max_response_bytes: MAX_RESPONSE_BYTES,
            coalesce: true,
            connect_timeout: Duration::from_secs(2),
            keepalive: Some(Duration::from_secs(20)),
            user_agent: None,
            api_key: None,
            metadata: Vec::new(),
            ca_certificate: None,
            client_certificate: None,
        }
    }

    /// Sets the endpoint.
    #[must_use]
    pub fn endpoint(self, endpoint: impl Into<String>) -> Self {
        self.endpoints([endpoint])
    }

    /// Sets the endpoints of several servers that share one database. The client calls one of them, chosen at random.
    ///
    /// An attempt that cannot connect continues with the next server. If a connection breaks, a deadline passes, a proxy
    /// answers UNAVAILABLE, or the reason is `CLOCK_IN_DOUBT`, later attempts go to the next server. Every 30 seconds one
    /// call tries the first choice again, and all calls return to it once it answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use wallet_client::ClientConfig;
    ///
    /// let servers = ["http://wallet-0.internal:50051", "http://wallet-1.internal:50051"];
    /// let config = ClientConfig::default().endpoints(servers);
    /// ```
    #[must_use]
    pub fn endpoints(mut self, endpoints: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.endpoints = endpoints.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the deadline of one attempt of a call, which the server observes as well. Default 5 s.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the retry policy. Default: [`RetryPolicy::default`].
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the largest response that is accepted, in bytes; for a response with many items, the largest item. Default
    /// 4 MiB. A page of a list has at most 2 MiB.
    #[must_use]
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Sets whether calls that wait at the same time travel as one request; see
    /// [coalescing](WalletClient#coalescing). Default: true, because a lone call goes out at once and calls from many
    /// tasks share the cost of a request. Switch it off if a call must never wait for another one, or to measure
    /// single calls.
    #[must_use]
    pub fn coalesce(mut self, coalesce: bool) -> Self {
        self.coalesce = coalesce;
        self
    }

    /// Sets the time within which a connection must be established. Default 2 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the interval of keepalive pings on a silent connection, and the time within which a ping must be answered.
    /// `None` sends none. Default 20 s.
    #[must_use]
    pub fn keepalive(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.keepalive = interval.into();
        self
    }

    /// Sets the name of the caller in the server's logs. Default: the name and version of this crate.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Sets the API key or the wallet token, which every call sends as `authorization: Bearer ...`. Default: none.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<ApiKey>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Adds a metadata entry (an HTTP/2 header) that every call sends, for example for a proxy that routes by tenant.
    #[must_use]
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((name.into(), value.into()));
        self
    }

    /// Sets the certificate authority (PEM) that the server's certificate is verified with. Required for `https://`: no
    /// root certificates are built in.
    #[must_use]
    pub fn ca_certificate(mut self, pem: impl Into<String>) -> Self {
        self.ca_certificate = Some(pem.into());
        self
    }

    /// Sets the certificate that the client presents to a server with `tls_client_ca`, followed by those of its authorities,
    /// and its private key (PEM). If the server knows an API key for a name in the certificate, the client needs no
    /// [`api_key`](Self::api_key). Only for `https://`. Default: none.
    #[must_use]
    pub fn client_certificate(mut self, pem: impl Into<String>, key: impl Into<String>) -> Self {
        self.client_certificate = Some(ClientCertificate { pem: pem.into(), key: key.into() });
        self
    }

    /// Connects with this configuration: the same as [`WalletClient::connect`].
    ///
    /// # Errors
    ///
    /// As [`WalletClient::connect`].
    pub async fn connect(self) -> Result<WalletClient, Error> {
        WalletClient::connect(self).await
    }

    /// Makes a client that connects with its first call: the same as [`WalletClient::connect_lazy`].
    ///
    /// # Errors
    ///
    /// As [`WalletClient::connect_lazy`].
    pub fn connect_lazy(self) -> Result<WalletClient, Error> {
        WalletClient::connect_lazy(self)
    }

    /// Returns the endpoints, at least one.
    pub(crate) fn to_endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        if self.endpoints.is_empty() {
            return Err(Error::Config("there is no endpoint: name at least one server".to_owned()));
        }
        self.endpoints.iter().map(|endpoint| self.to_endpoint(endpoint)).collect()
    }

    fn to_endpoint(&self, endpoint: &str) -> Result<Endpoint, Error> {
        let invalid = |e: tonic::transport::Error| Error::Config(format!("endpoint {endpoint:?}: {e}"));
        let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
        let mut endpoint = Endpoint::from_shared(endpoint.to_owned())
            .and_then(|e| e.user_agent(self.user_agent.clone().unwrap_or_else(|| agent.to_owned())))
            .map_err(invalid)?
            .connect_timeout(self.connect_timeout);
        if let Some(interval) = self.keepalive {
            endpoint = endpoint
                .http2_keep_alive_interval(interval)
                .keep_alive_timeout(interval)
                .keep_alive_while_idle(true);
        }
        if endpoint.uri().scheme_str() != Some("https") {
            return Ok(endpoint);
        }
        let pem = self.ca_certificate.as_ref().ok_or_else(|| {
            Error::Config(
                "an https endpoint needs ca_certificate: no root certificates are built in".to_owned(),
            )
        })?;
        let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
        if let Some(ClientCertificate { pem, key }) = &self.client_certificate {
            tls = tls.identity(Identity::from_pem(pem, key));
        }
        endpoint.tls_config(tls).map_err(invalid)
    }

    pub(crate) fn to_metadata(&self) -> Result<MetadataMap, Error> {
        let mut metadata = MetadataMap::new();
        for (name, value) in &self.metadata {
            let (name, value) = metadata_entry(name, value)?;
            metadata.append(name, value);
        }
        if let Some(ApiKey(key)) = &self.api_key {
            let mut value: MetadataValue<Ascii> = format!("Bearer {key}").parse().map_err(|_| {
                Error::Config("api_key has characters that an HTTP header cannot contain".to_owned())
            })?;
            value.set_sensitive(true);
            metadata.insert("authorization", value);
        }
        Ok(metadata)
    }
}

/// Parses one metadata entry.
pub(crate) fn metadata_entry(
    name: &str,
    value: &str,
) -> Result<(MetadataKey<Ascii>, MetadataValue<Ascii>), Error> {
    let invalid = |what: &str| Error::Config(format!("metadata {name:?}: {what}"));
    let key = name.parse().map_err(|_| invalid("the name is not a valid ASCII metadata key"))?;
    let value = value.parse().map_err(|_| invalid("the value is not printable ASCII"))?;
    Ok((key, value))
}

impl Default for ClientConfig {
    /// Returns the configuration for a server on this machine at its default port, `http://127.0.0.1:50051`.
    fn default() -> Self {
        Self::new("http://127.0.0.1:50051")
    }
}

impl From<&str> for ClientConfig {
    fn from(endpoint: &str) -> Self {
        Self::new(endpoint)
    }
}

impl From<String> for ClientConfig {
    fn from(endpoint: String) -> Self {
        Self::new(endpoint)
    }
}

/// A secret key. It is sent with calls and never printed.
///
/// # Examples
///
/// ```
/// use wallet_client::ApiKey;
///
/// let key = ApiKey::from("cw_live_secret");
/// assert_eq!(format!("{key:?}"), "ApiKey(…)");
/// ```
#[derive(Clone)]
pub struct ApiKey(String);

impl From<String> for ApiKey {
    fn from(key: String) -> Self {
        Self(key)
    }
}

impl From<&str> for ApiKey {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_contain_the_secrets() {
        let config = ClientConfig::new("http://wallet:80").api_key("cw_live_canary");
        let config = config.client_certificate("certificate", "canary");
        assert!(!format!("{config:?}").contains("canary"));
        assert!(!format!("{:?}", config.to_metadata()).contains("canary"));
    }

    #[test]
    fn an_invalid_configuration_is_refused_before_anything_is_sent() {
        let endpoint = |endpoint: &str| ClientConfig::new(endpoint).to_endpoints();
        assert!(matches!(endpoint("not a uri"), Err(Error::Config(_))));
        assert!(matches!(endpoint("https://wallet:443"), Err(Error::Config(_))));
        assert!(endpoint("http://wallet:80").is_ok());
        let none = ClientConfig::default().endpoints(Vec::<String>::new()).to_endpoints();
        assert!(matches!(none, Err(Error::Config(_))));

        let config = ClientConfig::default();
        assert!(matches!(config.clone().api_key("a\nb").to_metadata(), Err(Error::Config(_))));
        assert!(matches!(config.clone().metadata("a b", "c").to_metadata(), Err(Error::Config(_))));
        assert!(matches!(config.clone().metadata("a", "b\nc").to_metadata(), Err(Error::Config(_))));
        assert!(config.api_key("k").metadata("x-tenant", "acme").to_metadata().is_ok());
    }
}
