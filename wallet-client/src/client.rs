//! The connection, and the one code path of all calls: metadata, deadline, retries.

use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::config::metadata_entry;
use crate::{ClientConfig, Error, RetryPolicy};

/// A connection to the wallet server, with one method per RPC.
///
/// A clone is cheap and shares the connection. Every request carries the caller's own id (`reservation_id`, `top_up_id`,
/// `request_id`, ...), so a call whose response was lost is sent again unchanged and takes effect once.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use wallet_client::{Error, RetryPolicy, WalletClient, v1};
///
/// # async fn example() -> Result<(), Error> {
/// // The short form:
/// let client = WalletClient::connect("http://127.0.0.1:50051").await?;
///
/// // With options:
/// let client = WalletClient::builder("http://127.0.0.1:50051")
///     .deadline(Duration::from_secs(2))
///     .retry(RetryPolicy::default().attempts(5))
///     .connect()
///     .await?;
///
/// let balance = client.get_balance(v1::GetBalanceRequest::new("alice")).await?;
/// println!("{:?}", balance.balances);
/// # Ok(())
/// # }
/// ```
///
/// # Options of one call
///
/// [`with_deadline`](Self::with_deadline), [`with_retry`](Self::with_retry), [`without_retries`](Self::without_retries)
/// and [`with_metadata`](Self::with_metadata) return a clone with other settings on the same connection:
///
/// ```no_run
/// # use std::time::Duration;
/// # use wallet_client::{Error, WalletClient, v1};
/// # async fn example(client: &WalletClient) -> Result<(), Error> {
/// let hurried = client.with_deadline(Duration::from_millis(200)).without_retries();
/// let balance = hurried.get_balance(v1::GetBalanceRequest::new("alice")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WalletClient {
    channel: Channel,
    settings: Arc<CallSettings>,
}

/// The settings of every call.
#[derive(Clone, Debug)]
struct CallSettings {
    deadline: Duration,
    retry: RetryPolicy,
    max_response_bytes: usize,
    metadata: MetadataMap,
}

impl WalletClient {
    /// Returns a configuration for the server at `endpoint`; its
    /// [`connect`](ClientConfig::connect) makes the client.
    pub fn builder(endpoint: impl Into<String>) -> ClientConfig {
        ClientConfig::new(endpoint)
    }

    /// Connects to a server, given by its endpoint or by a [`ClientConfig`].
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the configuration is invalid, [`Error::Connect`] if no connection is established within the
    /// connect timeout.
    pub async fn connect(config: impl Into<ClientConfig>) -> Result<Self, Error> {
        let config = config.into();
        let channel = config.to_endpoint()?.connect().await.map_err(Error::Connect)?;
        Self::over(channel, &config)
    }

    /// Makes a client that connects with its first call. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the configuration is invalid.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient};
    /// # async fn example() -> Result<(), Error> {
    /// let client = WalletClient::connect_lazy("http://127.0.0.1:50051")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_lazy(config: impl Into<ClientConfig>) -> Result<Self, Error> {
        let config = config.into();
        let channel = config.to_endpoint()?.connect_lazy();
        Self::over(channel, &config)
    }

    fn over(channel: Channel, config: &ClientConfig) -> Result<Self, Error> {
        let settings = CallSettings {
            deadline: config.deadline,
            retry: config.retry.clone(),
            max_response_bytes: config.max_response_bytes,
            metadata: config.to_metadata()?,
        };
        Ok(Self { channel, settings: Arc::new(settings) })
    }

    /// Returns a client whose calls have this deadline per attempt, on the same connection.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        self.with_settings(|settings| settings.deadline = deadline)
    }

    /// Returns a client whose calls follow this retry policy, on the same connection.
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        self.with_settings(|settings| settings.retry = retry)
    }

    /// Returns a client whose calls are attempted once, on the same connection.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        self.with_retry(RetryPolicy::never())
    }

    /// Returns a client whose calls send one more metadata entry, on the same connection. An entry of the same name is
    /// replaced.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the name is not a valid metadata key or the value is not printable ASCII.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient};
    /// # fn example(client: &WalletClient) -> Result<(), Error> {
    /// // The server writes this id to its log and returns it in the response headers.
    /// let traced = client.with_metadata("x-request-id", "7f9c2b")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_metadata(&self, name: &str, value: &str) -> Result<Self, Error> {
        let (name, value) = metadata_entry(name, value)?;
        Ok(self.with_settings(|settings| {
            settings.metadata.insert(name, value);
        }))
    }

    fn with_settings(&self, change: impl FnOnce(&mut CallSettings)) -> Self {
        let mut changed = self.clone();
        change(Arc::make_mut(&mut changed.settings));
        changed
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) fn max_response_bytes(&self) -> usize {
        self.settings.max_response_bytes
    }

    /// Makes one call, with as many attempts as the retry policy allows.
    pub(crate) async fn call<S, Q, A, F>(
        &self,
        stub: S,
        request: Q,
        rpc: impl Fn(S, Request<Q>) -> F,
    ) -> Result<A, Error>
    where
        S: Clone,
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let attempt = |limit| {
            let response = rpc(stub.clone(), self.settings.prepare(request.clone(), limit));
            async move {
                // tonic bounds the exchange only; waiting for a connection counts as well.
                match tokio::time::timeout(limit, response).await {
                    Ok(response) => response.map(Response::into_inner).map_err(Error::from),
                    Err(_elapsed) => Err(Error::no_answer(limit)),
                }
            }
        };
        self.settings.retry.run(self.settings.deadline, attempt).await
    }
}

impl CallSettings {
    fn prepare<Q>(&self, message: Q, limit: Duration) -> Request<Q> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request.set_timeout(limit);
        request
    }
}

/// Declares the methods of one service: documentation, name, request and response. The names `WalletClient`, `Error` and
/// `v1` come from the calling module, where the links of the documentation need them too.
macro_rules! rpc_methods {
    ($client:ident { $($(#[$doc:meta])* $method:ident($request:ident) -> $response:ident;)+ }) => {
        impl WalletClient {
            $(
                $(#[$doc])*
                pub async fn $method(
                    &self,
                    request: v1::$request,
                ) -> Result<v1::$response, Error> {
                    let stub =
                        $client::new(self.channel()).max_decoding_message_size(self.max_response_bytes());
                    self.call(stub, request, |mut stub, call| async move { stub.$method(call).await }).await
                }
            )+
        }
    };
}

pub(crate) use rpc_methods;
