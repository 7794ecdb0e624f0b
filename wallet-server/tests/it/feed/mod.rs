//! The feed under faults: servers that are killed, connections that are cut, many readers. And the choice of its types.

pub(crate) mod kept;
mod killed;
mod recorded;
mod watchers;

use std::sync::Mutex;
use std::time::Duration;

use wallet_client::{Error, RetryPolicy, WalletClient, v1};

use crate::harness::credits;
use crate::shorthand::gift;

/// The pause of a caller after a failure.
const PAUSE: Duration = Duration::from_millis(5);

/// A client of each server. It changes when the server is started again, at another endpoint.
pub(crate) struct Endpoints(Mutex<Vec<WalletClient>>);

impl Endpoints {
    pub(crate) fn new(endpoints: Vec<String>) -> Self {
        Self(Mutex::new(endpoints.into_iter().map(client_of).collect()))
    }

    pub(crate) fn replace(&self, n: usize, endpoint: String) {
        self.0.lock().expect("no holder panicked")[n] = client_of(endpoint);
    }

    /// Calls the servers in turn until one answers, beginning with the n-th.
    pub(crate) async fn call<A, F>(&self, mut n: usize, call: impl Fn(WalletClient) -> F) -> A
    where
        F: Future<Output = Result<A, Error>>,
    {
        loop {
            let client = {
                let all = self.0.lock().expect("no holder panicked");
                all[n % all.len()].clone()
            };
            match call(client).await {
                Ok(answer) => return answer,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
            tokio::time::sleep(PAUSE).await;
            n += 1;
        }
    }

    /// Creates this many wallets: w-0, w-1 and so on.
    pub(crate) async fn create_wallets(&self, count: usize) {
        for n in 0..count {
            let request = v1::CreateWalletRequest::new(format!("w-{n}"));
            self.call(0, |client| {
                let request = request.clone();
                async move { client.create_wallet(request).await }
            })
            .await;
        }
    }

    /// Grants a credit to one of this many wallets: to the next one for the next `n`.
    pub(crate) async fn give(&self, n: usize, wallets: usize, id: &str) {
        let request = gift(&format!("w-{}", n % wallets), id, credits(1));
        self.call(n, |client| {
            let request = request.clone();
            async move { client.grant(request).await }
        })
        .await;
    }
}

fn client_of(endpoint: String) -> WalletClient {
    let config = WalletClient::builder(endpoint).retry(RetryPolicy::never());
    config.connect_lazy().expect("a valid endpoint")
}
