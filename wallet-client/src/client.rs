//! The connection, and the one code path of all calls: metadata, deadline, retries.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::coalesce::{Coalescing, Method, Route};
use crate::config::metadata_entry;
use crate::resumed_stream::OpenStream;
use crate::servers::{Servers, Target};
use crate::{ClientConfig, Error, RetryPolicy, trace};

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
///
/// # Coalescing
///
/// Many tasks may share a client. Their calls of [`reserve`](Self::reserve), [`extend`](Self::extend) and
/// [`settle`](Self::settle) that wait at the same time travel as one request, at a fraction of the cost of single
/// requests. A lone call goes out at once. Each call keeps its own deadline, retries and error, and calls of
/// one method are executed in the order in which they were made, so only the speed differs.
///
/// A request is answered when its slowest call is, so a call may wait for one about another wallet.
/// [`ClientConfig::coalesce`] switches coalescing off for a connection. Calls with metadata of their own
/// ([`with_metadata`](Self::with_metadata)), calls of a recorded trace and requests above 16 KiB are always sent alone.
#[derive(Clone, Debug)]
pub struct WalletClient {
    route: Route,
    settings: Arc<CallSettings>,
    /// `None`: every call is sent alone.
    coalescing: Option<Arc<Coalescing>>,
}

/// The settings of every call.
#[derive(Clone, Debug)]
struct CallSettings {
    deadline: Duration,
    retry: RetryPolicy,
}

/// The largest request that is sent together with others, in bytes. The server accepts 64 KiB from a single call, and
/// answers a larger one with an error of its own.
const LARGEST_COALESCED: usize = 16 * 1024;

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
    /// [`Error::Config`] if the configuration is invalid, [`Error::Connect`] if no server answers within the
    /// connect timeout.
    pub async fn connect(config: impl Into<ClientConfig>) -> Result<Self, Error> {
        let config = config.into();
        let servers = Servers::connect(&config.to_endpoints()?).await.map_err(Error::Connect)?;
        Self::over(servers, &config)
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
        let servers = Servers::lazy(&config.to_endpoints()?);
        Self::over(servers, &config)
    }

    fn over(servers: Servers, config: &ClientConfig) -> Result<Self, Error> {
        let metadata = Arc::new(config.to_metadata()?);
        let route = Route { servers, metadata, max_response_bytes: config.max_response_bytes };
        let coalescing = config.coalesce.then(|| Arc::new(Coalescing::new(&route)));
        let settings = CallSettings { deadline: config.deadline, retry: config.retry.clone() };
        Ok(Self { route, settings: Arc::new(settings), coalescing })
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
    /// replaced. Each of its calls is a request of its own.
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
    /// // The server writes this id to its log and into the entries of the call, and returns it in the response headers.
    /// let traced = client.with_metadata("x-request-id", "7f9c2b")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_metadata(&self, name: &str, value: &str) -> Result<Self, Error> {
        let (name, value) = metadata_entry(name, value)?;
        let mut changed = self.clone();
        Arc::make_mut(&mut changed.route.metadata).insert(name, value);
        // Metadata belongs to a request, which calls with other metadata cannot share.
        changed.coalescing = None;
        Ok(changed)
    }

    fn with_settings(&self, change: impl FnOnce(&mut CallSettings)) -> Self {
        let mut changed = self.clone();
        change(Arc::make_mut(&mut changed.settings));
        changed
    }

    pub(crate) fn servers(&self) -> Servers {
        self.route.servers.clone()
    }

    pub(crate) fn max_response_bytes(&self) -> usize {
        self.route.max_response_bytes
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
        self.attempts(|target| {
            let response = rpc(stub.clone(), prepare(&self.route.metadata, request.clone(), target));
            async move { response.await.map(Response::into_inner) }
        })
        .await
    }

    /// Opens a stream, with as many attempts as the retry policy allows. The deadline bounds the time until it is open.
    pub(crate) async fn open_stream<S, Q, M, F>(
        &self,
        stub: S,
        request: Q,
        rpc: impl Fn(S, Request<Q>) -> F,
    ) -> Result<OpenStream<M>, Error>
    where
        S: Clone,
        Q: Clone,
        F: Future<Output = Result<Response<Streaming<M>>, Status>>,
    {
        self.attempts(|target| {
            let call = without_deadline(&self.route.metadata, request.clone(), target);
            let response = rpc(stub.clone(), call);
            async move { Ok(OpenStream::new(response.await?.into_inner(), self.servers(), target.server)) }
        })
        .await
    }

    /// Attempts a call as often as the retry policy allows.
    async fn attempts<A, F>(&self, send: impl Fn(Target) -> F) -> Result<A, Error>
    where
        F: Future<Output = Result<A, Status>>,
    {
        let attempt = async |limit| self.route.servers.attempt(limit, &send).await.map_err(Error::from);
        self.settings.retry.run(self.settings.deadline, attempt).await
    }

    /// Makes one call, with as many attempts as the retry policy allows. Each of them may travel together with others.
    pub(crate) async fn call_coalesced<M: Method>(&self, request: M::Request) -> Result<M::Response, Error> {
        let bytes = request.encoded_len();
        let may_travel_together = bytes <= LARGEST_COALESCED && !trace::is_recorded();
        let queue = self.coalescing.as_deref().filter(|_| may_travel_together).map(M::sender);
        let attempt = |limit| {
            let request = request.clone();
            async move {
                match queue {
                    Some(queue) => queue.send(request, bytes, limit).await,
                    None => {
                        let send = |target| M::send_one(&self.route, request.clone(), target);
                        self.route.servers.attempt(limit, send).await.map_err(Error::from)
                    }
                }
            }
        };
        self.settings.retry.run(self.settings.deadline, attempt).await
    }
}

/// Adds metadata, the caller's trace, the server and the deadline to a message.
pub(crate) fn prepare<Q>(metadata: &MetadataMap, message: Q, target: Target) -> Request<Q> {
    let mut request = without_deadline(metadata, message, target);
    request.set_timeout(target.limit);
    request
}

/// Adds metadata, the caller's trace and the server to a message.
fn without_deadline<Q>(metadata: &MetadataMap, message: Q, target: Target) -> Request<Q> {
    let mut request = Request::new(message);
    *request.metadata_mut() = metadata.clone();
    request.extensions_mut().insert(target);
    trace::inject(request.metadata_mut());
    request
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
                        $client::new(self.servers()).max_decoding_message_size(self.max_response_bytes());
                    self.call(stub, request, |mut stub, call| async move { stub.$method(call).await }).await
                }
            )+
        }
    };
}

pub(crate) use rpc_methods;
