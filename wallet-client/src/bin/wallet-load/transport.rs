//! The way in which calls travel, and the connections that the jobs share.

use std::time::Duration;

use clap::ValueEnum;
use wallet_client::{ClientConfig, Error, RetryPolicy, WalletClient};

use crate::args::Args;

/// The way in which calls travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// One request per command.
    Unary,
    /// Commands that wait at the same time travel as one request.
    Coalesced,
}

/// The clients of all connections. Their calls are attempted once.
#[derive(Debug)]
pub(crate) struct Connections(Vec<WalletClient>);

impl Transport {
    pub(crate) async fn connect(self, args: &Args) -> Result<Connections, Error> {
        let config = ClientConfig::new(&args.endpoint)
            .coalesce(self == Self::Coalesced)
            .deadline(Duration::from_secs_f64(args.deadline))
            .retry(RetryPolicy::never())
            .user_agent("wallet-load");
        let mut clients = Vec::new();
        for _ in 0..args.connections() {
            clients.push(config.clone().connect().await?);
        }
        Ok(Connections(clients))
    }
}

impl Connections {
    /// Returns the client of the n-th job. Jobs take the connections in turn.
    pub(crate) fn client(&self, n: u64) -> &WalletClient {
        &self.0[usize::try_from(n % self.0.len() as u64).unwrap_or_default()]
    }

    /// Returns the client of the n-th job for calls that are not measured: they are repeated until they succeed.
    pub(crate) fn patient(&self, n: u64) -> WalletClient {
        let retry = RetryPolicy::default().attempts(30).budget(Duration::from_secs(60));
        self.client(n).with_deadline(Duration::from_secs(10)).with_retry(retry)
    }
}
