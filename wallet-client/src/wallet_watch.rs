//! The balances of a wallet as they change, over connections that may break.

use std::fmt;

use tonic::Request;

use crate::resumed_stream::{OpenStream, ResumedStream};
use crate::v1::event_service_client::EventServiceClient;
use crate::{Error, WalletClient, v1};

/// The balances of a wallet, first the current ones and then each change, without end.
///
/// A lost stream is opened again with the delays of the client's [retry policy](crate::RetryPolicy). A reader that is slower
/// than the changes misses states in between, never the last one. [`WalletClient::watch_wallet`] makes it; nothing is
/// requested before the first [`next`](Self::next).
#[must_use = "a watch requests nothing until it is asked for the next balances"]
pub struct WalletWatch {
    client: WalletClient,
    request: v1::WatchWalletRequest,
    stream: ResumedStream<v1::WatchWalletResponse>,
    /// The balances that were returned last.
    known: v1::GetBalanceResponse,
}

impl WalletClient {
    /// Watches the balances of a wallet.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let mut watch = client.watch_wallet(v1::WatchWalletRequest::new("alice"));
    /// loop {
    ///     for balance in watch.next().await?.balances {
    ///         println!("{} {}", balance.unit, balance.available.unwrap_or_default().display);
    ///     }
    /// }
    /// # }
    /// ```
    pub fn watch_wallet(&self, request: v1::WatchWalletRequest) -> WalletWatch {
        let known = v1::GetBalanceResponse::default();
        WalletWatch { client: self.clone(), request, stream: ResumedStream::new(), known }
    }
}

impl WalletWatch {
    /// Returns the balances: in the first call the current ones, later as soon as they have changed.
    ///
    /// Cancel safe: a dropped future loses no change.
    ///
    /// # Errors
    ///
    /// [`Refused`](Error::Refused) with `WALLET_NOT_FOUND`, an error of the API key or the wallet token, or the last error
    /// if no attempt of the retry policy could open a stream. The next call tries again.
    pub async fn next(&mut self) -> Result<v1::GetBalanceResponse, Error> {
        loop {
            let open = open(&self.client, &self.request);
            let message = self.stream.next(open).await?;
            let Some(balance) = message.and_then(|message| message.balance) else { continue };
            // A reopened stream begins with the current balances, even if they have not changed.
            let known = v1::GetBalanceResponse { read_time: balance.read_time, ..self.known.clone() };
            if balance != known {
                self.known = balance.clone();
                return Ok(balance);
            }
        }
    }
}

/// Opens a stream. The request has no deadline, because the stream has no end.
async fn open(
    client: &WalletClient,
    request: &v1::WatchWalletRequest,
) -> Result<OpenStream<v1::WatchWalletResponse>, Error> {
    let stub =
        EventServiceClient::new(client.servers()).max_decoding_message_size(client.max_response_bytes());
    client
        .open_stream(stub, request.clone(), |mut stub, call: Request<_>| async move {
            stub.watch_wallet(call).await
        })
        .await
}

impl fmt::Debug for WalletWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalletWatch").field("request", &self.request).finish_non_exhaustive()
    }
}
