//! One attempt to deliver a message.
//!
//! An attempt follows no redirect, uses no proxy, and retries nothing that may have reached the receiver: the schedule
//! decides on the next attempt.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring;

use super::resolver::{NoAddress, Resolver, filtered, system};
use super::{Allowed, WebhookUrl};

/// The most time for the connection and the exchange.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The most bytes of an answer's head, and of its body, that are read.
const MOST_READ: usize = 16 * 1024;

/// The most idle connections to a host, and the time for which they stay open.
const IDLE: usize = 2;
const IDLE_TIME: Duration = Duration::from_secs(20);

/// The longest time that a receiver may ask for by Retry-After.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// The most bytes of a failure's text.
const MOST_TEXT: usize = 200;

const CALLER: &str = concat!("wallet-server/", env!("CARGO_PKG_VERSION"));

/// Posts messages to endpoints. Clones share their idle connections.
#[derive(Clone)]
pub(crate) struct Sender {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    allowed: Arc<Allowed>,
    timeout: Duration,
}

/// A message as it is sent. The timestamp is the time of the attempt in seconds since 1970.
pub(crate) struct Message<'a> {
    pub(crate) id: &'a str,
    pub(crate) timestamp: i64,
    pub(crate) body: &'a [u8],
    /// One signature per valid secret, separated by spaces.
    pub(crate) signatures: &'a str,
}

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The URL, or every address of its host, may not be called.
    NotAllowed,
    /// No connection, or no TLS.
    NoConnection,
    /// No complete answer in time.
    NoAnswer,
    /// An answer with another status than 2xx.
    Status,
}

/// The reason why an attempt has failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// The status of the answer. Absent if none came.
    pub(crate) status: Option<u16>,
    /// The pause that the receiver asks for, at most 24 hours.
    pub(crate) retry_after: Option<Duration>,
    /// A sentence for people of at most 200 bytes. Contains nothing of the message, the answer or the URL's path.
    pub(crate) text: String,
}

impl Sender {
    pub(crate) fn new(allowed: Allowed) -> Self {
        Self::with(allowed, system(), public_authorities(), TIMEOUT)
    }

    fn with(allowed: Allowed, resolver: Resolver, tls: ClientConfig, timeout: Duration) -> Self {
        let allowed = Arc::new(allowed);
        let mut tcp = HttpConnector::new_with_resolver(filtered(resolver, Arc::clone(&allowed)));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Divided among the addresses of a host, so that the first one does not use up the time of the others.
        tcp.set_connect_timeout(Some(timeout * 2 / 3));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(IDLE)
            .http1_max_buf_size(MOST_READ)
            .build(connector);
        Self { client, allowed, timeout }
    }

    /// Posts a message to an endpoint. Succeeds if the status of the answer is 2xx, and returns it.
    pub(crate) async fn post(&self, url: &WebhookUrl, message: &Message<'_>) -> Result<u16, Failure> {
        // The HTTP client passes addresses in URLs to no resolver, and the allowed networks may have changed.
        url.check_host(&self.allowed).map_err(|fault| Failure::not_allowed(&fault))?;
        let request = request(url, message).map_err(|error| {
            Failure::unanswered(FailureKind::NotAllowed, &format!("the message cannot be sent: {error}"))
        })?;
        let deadline = Instant::now() + self.timeout;
        let answer = match timeout_at(deadline, self.client.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Failure::broken(&error)),
            Err(_) => {
                let text = format!("no answer within {:?}", self.timeout);
                return Err(Failure::unanswered(FailureKind::NoAnswer, &text));
            }
        };
        let (head, body) = answer.into_parts();
        // The status decides. The body is read only so that the connection can be used again.
        let _ = timeout_at(deadline, discard(body)).await;
        if head.status.is_success() {
            return Ok(head.status.as_u16());
        }
        Err(Failure::answered(head.status, retry_after(&head.headers, message.timestamp)))
    }
}

impl Failure {
    /// Returns whether the receiver wants no more messages.
    pub(crate) fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }

    /// A URL that may not be called, with the fault of `WebhookUrl`.
    pub(super) fn not_allowed(fault: &str) -> Self {
        Self::unanswered(FailureKind::NotAllowed, &format!("the URL {fault}"))
    }

    fn answered(status: StatusCode, retry_after: Option<Duration>) -> Self {
        let advice = if status.is_redirection() { "; redirects are not followed" } else { "" };
        let text = format!("the endpoint answered {status}{advice}");
        Self { status: Some(status.as_u16()), retry_after, ..Self::unanswered(FailureKind::Status, &text) }
    }

    fn broken(error: &ClientError) -> Self {
        let (kind, step) = match error.is_connect() {
            true => (FailureKind::NoConnection, "no connection"),
            false => (FailureKind::NoAnswer, "no complete answer"),
        };
        let mut cause: &dyn Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let is_refused = inner.is_some_and(|inner| inner.is::<NoAddress>());
        let kind = if is_refused { FailureKind::NotAllowed } else { kind };
        Self::unanswered(kind, &format!("{step}: {cause}"))
    }

    fn unanswered(kind: FailureKind, text: &str) -> Self {
        let text = text[..text.floor_char_boundary(MOST_TEXT)].to_owned();
        Self { kind, status: None, retry_after: None, text }
    }
}

fn request(url: &WebhookUrl, message: &Message<'_>) -> http::Result<Request<Full<Bytes>>> {
    Request::builder()
        .method(Method::POST)
        .uri(url.uri())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, CALLER)
        .header("webhook-id", message.id)
        .header("webhook-timestamp", message.timestamp)
        .header("webhook-signature", message.signatures)
        .body(Full::from(Bytes::copy_from_slice(message.body)))
}

/// Reads a body up to [`MOST_READ`]. The connection of a longer one is closed when the body is dropped.
async fn discard(body: Incoming) {
    let mut body = Limited::new(body, MOST_READ);
    while let Some(Ok(_)) = body.frame().await {}
}

/// Returns the pause that an answer asks for in seconds or as a date. `now` is in seconds since 1970.
///
/// A date counts from the answer's own Date, because the clock of the receiver may be wrong.
fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = httpdate::parse_http_date(text).ok()?;
            let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
            let now = date.or_else(|| UNIX_EPOCH.checked_add(Duration::from_secs(now.try_into().ok()?)))?;
            until.duration_since(now).unwrap_or_default()
        }
    };
    Some(pause.min(LONGEST_PAUSE))
}

/// TLS with the certificate authorities of Mozilla.
fn public_authorities() -> ClientConfig {
    #[expect(clippy::expect_used, reason = "ring has cipher suites for TLS 1.2 and 1.3")]
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS that ring supports")
        .with_webpki_roots()
        .with_no_client_auth()
}

#[cfg(test)]
mod tests;
