//! What a client has to know before it connects. Reads no environment: the caller does, if it wants to.

use std::fmt;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use crate::{Error, RetryPolicy};

/// Where the wallet is and how patient to be with it. Start from [`ClientConfig::new`] and set what differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// `http://host:port`, or `https://host:port` together with [`ca_certificate`](Self::ca_certificate).
    pub endpoint: String,
    /// How long one try may take. Sent along, so that the server gives up too. Default 5 s.
    pub deadline: Duration,
    /// How often to try again, and for how long in all.
    pub retry: RetryPolicy,
    /// How long a connection may take to come about. Default 2 s.
    pub connect_timeout: Duration,
    /// How often a silent connection is asked whether it still lives. Default 20 s; `None`: never.
    pub keepalive: Option<Duration>,
    /// Who is calling, for the server's logs. Default: this crate's name and version.
    pub user_agent: Option<String>,
    /// Sent as `authorization: Bearer …` with every call. Default: none.
    pub api_key: Option<ApiKey>,
    /// The certificate (PEM) that signed the server's. Required for `https://`: no roots are built in.
    pub ca_certificate: Option<String>,
}

impl ClientConfig {
    /// The defaults, for a server at `endpoint`.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            deadline: Duration::from_secs(5),
            retry: RetryPolicy::default(),
            connect_timeout: Duration::from_secs(2),
            keepalive: Some(Duration::from_secs(20)),
            user_agent: None,
            api_key: None,
            ca_certificate: None,
        }
    }

    pub(crate) fn to_endpoint(&self) -> Result<Endpoint, Error> {
        let refuse = |e: tonic::transport::Error| Error::Config(format!("endpoint {:?}: {e}", self.endpoint));
        let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
        let mut endpoint = Endpoint::from_shared(self.endpoint.clone())
            .and_then(|e| e.user_agent(self.user_agent.clone().unwrap_or_else(|| agent.to_owned())))
            .map_err(refuse)?
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
            Error::Config("an https endpoint needs ca_certificate: no roots are built in".to_owned())
        })?;
        endpoint.tls_config(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))).map_err(refuse)
    }

    pub(crate) fn authorization(&self) -> Result<Option<MetadataValue<Ascii>>, Error> {
        let Some(ApiKey(key)) = &self.api_key else { return Ok(None) };
        let mut value: MetadataValue<Ascii> = format!("Bearer {key}")
            .parse()
            .map_err(|_| Error::Config("api_key holds characters that no header can carry".to_owned()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

impl Default for ClientConfig {
    /// A server on this machine, at the port it listens on by default.
    fn default() -> Self {
        Self::new("http://127.0.0.1:50051")
    }
}

/// A secret: it can be set and sent, never printed.
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

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_config_does_not_show_the_key() {
        let mut config = ClientConfig::new("http://wallet:80");
        config.api_key = Some("cw_live_canary".into());
        assert!(!format!("{config:?}").contains("canary"));
        assert!(!format!("{:?}", config.authorization()).contains("canary"));
    }

    #[test]
    fn what_cannot_work_is_refused_before_anything_is_sent() {
        let config = |endpoint: &str, key: &str| {
            let mut config = ClientConfig::new(endpoint);
            config.api_key = Some(key.into());
            config
        };
        assert!(matches!(config("not a uri", "k").to_endpoint(), Err(Error::Config(_))));
        assert!(matches!(config("https://wallet:443", "k").to_endpoint(), Err(Error::Config(_))));
        assert!(matches!(config("http://wallet:80", "a\nb").authorization(), Err(Error::Config(_))));
        assert!(config("http://wallet:80", "k").to_endpoint().is_ok());
    }
}
