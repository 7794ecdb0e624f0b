//! A receiver of webhooks: a real HTTP server that records messages and answers as the test demands.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::harness::eventually;

/// A message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Received {
    /// The position of the item in the body.
    pub(super) fn position(&self) -> i64 {
        self.json()["data"]["position"].as_str().unwrap().parse().unwrap()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Debug, Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    /// The statuses of the next answers; 200 after the last.
    statuses: Mutex<VecDeque<u16>>,
}

/// A running receiver; stops with the test.
pub(super) struct Receiver {
    shared: Arc<Shared>,
    pub(super) url: String,
}

impl Receiver {
    pub(super) async fn start(statuses: &[u16]) -> Self {
        let shared = Arc::new(Shared::default());
        shared.statuses.lock().unwrap().extend(statuses);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                let answer = service_fn(move |request| answer(Arc::clone(&shared), request));
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { shared, url }
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Waits until this many messages have arrived.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<Received> {
        eventually("the messages arrive", async || {
            let received = self.received();
            if received.len() >= count { Ok(received) } else { Err(received) }
        })
        .await
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = request.into_body().collect().await?.to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let status = shared.statuses.lock().unwrap().pop_front().unwrap_or(200);
    shared.received.lock().unwrap().push(Received { headers, body });
    Ok(Response::builder().status(status).body(Full::default()).unwrap())
}
