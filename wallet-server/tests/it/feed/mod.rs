//! The feed under faults: servers that are killed, connections that are cut, many readers.

mod killed;
mod watchers;

use std::sync::Mutex;

use wallet_client::{Error, RetryPolicy, WalletClient};

/// The endpoints of the servers, which change when a server is started again.
pub(crate) struct Endpoints(Mutex<Vec<String>>);

impl Endpoints {
    pub(crate) fn new(endpoints: Vec<String>) -> Self {
        Self(Mutex::new(endpoints))
    }

    pub(crate) fn replace(&self, n: usize, endpoint: String) {
        self.0.lock().expect("no holder panicked")[n] = endpoint;
    }

    /// Calls the servers in turn until one answers, beginning with the n-th.
    pub(crate) async fn call<A, F>(&self, mut n: usize, call: impl Fn(WalletClient) -> F) -> A
    where
        F: Future<Output = Result<A, Error>>,
    {
        loop {
            let endpoint = {
                let all = self.0.lock().expect("no holder panicked");
                all[n % all.len()].clone()
            };
            let config = WalletClient::builder(endpoint).retry(RetryPolicy::never());
            if let Ok(client) = config.connect().await {
                match call(client).await {
                    Ok(answer) => return answer,
                    Err(error) => assert!(error.is_retryable(), "{error:?}"),
                }
            }
            n += 1;
        }
    }
}
