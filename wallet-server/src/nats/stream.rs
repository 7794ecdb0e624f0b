//! A stream of JetStream: publishes the items of a feed in order, and returns the last one that the stream has.
//!
//! Messages are sent without waiting for each other. Each one but the first demands that the one before is the last of
//! the stream, so that a lost or refused message stops the later ones, also those that the client sends again after it
//! has reconnected.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::header::{NATS_EXPECTED_LAST_MESSAGE_ID, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID};
use async_nats::jetstream::context::{Context, ContextBuilder, GetStreamError, PublishError};
use async_nats::jetstream::stream::{LastRawMessageError, LastRawMessageErrorKind, RetentionPolicy};
use async_nats::{Client, ConnectError, ConnectOptions, HeaderMap, ServerAddr, jetstream};
use serde_json::Value;
use thiserror::Error;
use wallet_core::{TenantId, WalletId};

use crate::config::NatsConfig;
use crate::query::ReadError;
use crate::store::StoreError;

/// The time limit for a connection, a request, and the acknowledgement of a message.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The header with the id of the wallet.
const WALLET_ID: &str = "Wallet-Id";

/// The reason why items were not published.
#[derive(Debug, Error)]
pub(super) enum NatsError {
    #[error("the address of NATS cannot be used")]
    Address(#[source] io::Error),
    #[error("the credentials for NATS cannot be read")]
    Credentials(#[source] io::Error),
    #[error("no connection to NATS")]
    Connect(#[source] ConnectError),
    #[error("the NATS stream {0} cannot be opened; create it as docs/nats.md shows")]
    Open(String, #[source] GetStreamError),
    #[error("the stream {0} of NATS has retention {1:?}, which deletes messages that were read: use limits")]
    Retention(String, RetentionPolicy),
    #[error("the last item of the stream cannot be read")]
    Last(#[source] LastRawMessageError),
    #[error("message {sequence} of the stream, on subject {subject}, has no id of this tenant: delete it")]
    Foreign { subject: String, sequence: u64 },
    #[error("an item was not acknowledged")]
    Publish(#[source] PublishError),
    #[error("NATS did not answer within {} seconds", .0.as_secs())]
    Slow(Duration),
    #[error(
        "the stream has position {stream} of tenant {tenant}, but its feed ends at {feed}: an older database needs a new stream"
    )]
    Ahead { tenant: String, stream: i64, feed: i64 },
    #[error(
        "the stream and the feed of tenant {tenant} have different items at position {position}: an older database, and each installation, needs a stream of its own"
    )]
    Different { tenant: String, position: i64 },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl NatsError {
    /// True if items of other tenants may be published nevertheless.
    pub(super) const fn is_of_one_tenant(&self) -> bool {
        match self {
            Self::Foreign { .. }
            | Self::Publish(_)
            | Self::Slow(_)
            | Self::Ahead { .. }
            | Self::Different { .. }
            | Self::Read(_) => true,
            Self::Address(_)
            | Self::Credentials(_)
            | Self::Connect(_)
            | Self::Open(..)
            | Self::Retention(..)
            | Self::Last(_)
            | Self::Store(_) => false,
        }
    }
}

/// An item as it is published.
pub(super) struct Outgoing {
    pub(super) position: i64,
    /// The name of the type, as in `job.settled`.
    pub(super) item_type: &'static str,
    /// `None`: the item is a change of the tenant.
    pub(super) wallet: Option<WalletId>,
    pub(super) body: Vec<u8>,
}

/// A feed as subjects and ids name it.
#[derive(Debug, Clone)]
pub(super) struct FeedName {
    pub(super) tenant: TenantId,
    /// The name of the tenant, which has only characters that a subject may have.
    pub(super) name: String,
}

impl FeedName {
    /// Returns the id of an item, which is that of a message to an endpoint.
    fn id(&self, position: i64) -> String {
        format!("{}-{position}", self.tenant.0.simple())
    }

    /// Returns the position in an id.
    fn position(&self, id: &str) -> Option<i64> {
        id.strip_prefix(&self.tenant.0.simple().to_string())?.strip_prefix('-')?.parse().ok()
    }
}

/// The last item of a feed in the stream.
pub(super) struct LastItem {
    pub(super) position: i64,
    body: Value,
}

impl LastItem {
    /// True if the body is of the same item. Catalogs and versions may render the rest differently.
    pub(super) fn is_same(&self, body: &[u8]) -> bool {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        ["/type", "/timestamp", "/data/walletId", "/data/revision"]
            .iter()
            .all(|field| self.body.pointer(field) == body.pointer(field))
    }
}

/// A stream of JetStream. The client reconnects automatically.
pub(super) struct Stream {
    client: Client,
    context: Context,
    stream: jetstream::stream::Stream,
    name: String,
}

impl Stream {
    /// Connects and opens the stream.
    pub(super) async fn open(config: &NatsConfig) -> Result<Self, NatsError> {
        let servers: Result<Vec<ServerAddr>, io::Error> =
            config.servers.iter().map(|url| url.parse()).collect();
        let mut options = ConnectOptions::new().name("wallet-server").connection_timeout(TIMEOUT);
        if let Some(file) = &config.ca_file {
            options = options.add_root_certificates(file.clone());
        }
        if let Some(file) = &config.credentials_file {
            options = options.credentials_file(file).await.map_err(NatsError::Credentials)?;
        }
        let client =
            options.connect(servers.map_err(NatsError::Address)?).await.map_err(NatsError::Connect)?;
        let context = ContextBuilder::new().timeout(TIMEOUT).build(client.clone());
        let name = config.stream.clone();
        let opened = context.get_stream(&name).await;
        let stream = opened.map_err(|error| NatsError::Open(name.clone(), error))?;
        match stream.cached_info().config.retention {
            RetentionPolicy::Limits => Ok(Self { client, context, stream, name }),
            retention => Err(NatsError::Retention(name, retention)),
        }
    }

    /// Returns the number of connections that were made. NATS may have lost messages between two of them.
    pub(super) fn connections(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Returns the last item of a feed in the stream. `None`: the stream has none.
    pub(super) async fn last_item(&self, feed: &FeedName) -> Result<Option<LastItem>, NatsError> {
        let subjects = format!("wallet.{}.>", feed.name);
        let last = match self.stream.get_last_raw_message_by_subject(&subjects).await {
            Ok(last) => last,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(None),
            Err(error) => return Err(NatsError::Last(error)),
        };
        let position = last.headers.get(NATS_MESSAGE_ID).and_then(|id| feed.position(id.as_str()));
        let Some(position) = position else {
            return Err(NatsError::Foreign { subject: last.subject.to_string(), sequence: last.sequence });
        };
        Ok(Some(LastItem { position, body: serde_json::from_slice(&last.payload).unwrap_or_default() }))
    }

    /// Publishes items of a feed, in order. Returns the number of acknowledged items before the first failure, and the
    /// failure.
    pub(super) async fn publish(&self, feed: &FeedName, items: Vec<Outgoing>) -> (usize, Option<NatsError>) {
        let (mut acknowledgements, mut before, mut failure) = (Vec::with_capacity(items.len()), None, None);
        for item in items {
            let id = feed.id(item.position);
            let mut headers = HeaderMap::new();
            headers.insert(NATS_EXPECTED_STREAM, self.name.as_str());
            if let Some(before) = before {
                headers.insert(NATS_EXPECTED_LAST_MESSAGE_ID, before);
            }
            headers.insert(NATS_MESSAGE_ID, id.as_str());
            if let Some(wallet) = &item.wallet {
                headers.insert(WALLET_ID, wallet.as_str());
            }
            let subject = format!("wallet.{}.{}", feed.name, item.item_type);
            match self.context.publish_with_headers(subject, headers, item.body.into()).await {
                Ok(acknowledgement) => acknowledgements.push(acknowledgement),
                Err(error) => {
                    failure = Some(NatsError::Publish(error));
                    break;
                }
            }
            before = Some(id);
        }
        let mut published = 0;
        for acknowledgement in acknowledgements {
            match acknowledgement.await {
                Ok(_) => published += 1,
                Err(error) => return (published, Some(NatsError::Publish(error))),
            }
        }
        (published, failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_of_an_item_can_be_read_from_its_id() {
        let feed = FeedName { tenant: TenantId::DEFAULT, name: "default".to_owned() };
        assert_eq!(feed.position(&feed.id(42)), Some(42));
        for other in ["", "42", "x-42", "00000000000000000000000000000000-42"] {
            assert_eq!(feed.position(other), None, "{other}");
        }
    }
}
