//! The connection, and the one way in which every call is made: dressed, bounded, tried again.

use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::{ClientConfig, Error, RetryPolicy};

/// A connection to the wallet with one method per RPC. Cheap to clone: clones share the connection.
///
/// Every call carries its own id (`reservation_id`, `top_up_id`, `request_id`...), so a call whose answer got lost is
/// sent again as it was, and happens once.
#[derive(Clone, Debug)]
pub struct WalletClient {
    pub(crate) channel: Channel,
    manners: Arc<Manners>,
}

/// How calls are made.
#[derive(Debug)]
struct Manners {
    deadline: Duration,
    retry: RetryPolicy,
    authorization: Option<MetadataValue<Ascii>>,
}

impl WalletClient {
    /// Connects now: fails if nobody answers within the connect timeout.
    ///
    /// # Errors
    /// [`Error::Config`] if the configuration cannot work, [`Error::Connect`] if nobody is there.
    pub async fn connect(config: ClientConfig) -> Result<Self, Error> {
        let channel = config.to_endpoint()?.connect().await.map_err(Error::Connect)?;
        Self::over(channel, &config)
    }

    /// Connects with the first call. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`] if the configuration cannot work.
    pub fn connect_lazy(config: ClientConfig) -> Result<Self, Error> {
        let channel = config.to_endpoint()?.connect_lazy();
        Self::over(channel, &config)
    }

    fn over(channel: Channel, config: &ClientConfig) -> Result<Self, Error> {
        let manners = Manners {
            deadline: config.deadline,
            retry: config.retry.clone(),
            authorization: config.authorization()?,
        };
        Ok(Self { channel, manners: Arc::new(manners) })
    }

    /// Makes one call, again and again with the same ids if it makes sense.
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
            let answer = rpc(stub.clone(), self.manners.dress(request.clone(), limit));
            async move {
                // tonic bounds the exchange only; waiting for a connection counts as well.
                match tokio::time::timeout(limit, answer).await {
                    Ok(answer) => answer.map(Response::into_inner).map_err(Error::from),
                    Err(_elapsed) => Err(Error::no_answer(limit)),
                }
            }
        };
        self.manners.retry.run(self.manners.deadline, attempt).await
    }
}

impl Manners {
    fn dress<Q>(&self, message: Q, limit: Duration) -> Request<Q> {
        let mut request = Request::new(message);
        request.set_timeout(limit);
        if let Some(value) = &self.authorization {
            request.metadata_mut().insert("authorization", value.clone());
        }
        request
    }
}
