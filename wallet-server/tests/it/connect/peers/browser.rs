//! A page in a real Chromium, whose origin may call.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::harness::tool;

/// The host of a page.
pub(crate) struct Host {
    listener: TcpListener,
}

impl Host {
    pub(crate) async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// The origin of the page.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Opens the page in Chromium, which makes the calls at `base` with a token. Returns the answers, each by POST and
    /// by GET, or the page's error. `None` on a machine without Chromium, where WALLET_TEST_CHROMIUM is not set.
    pub(crate) async fn answers(self, base: &str, token: &str, calls: &[(&str, &str)]) -> Option<Vec<Value>> {
        if std::env::var_os("WALLET_TEST_CHROMIUM").is_none() {
            eprintln!("WALLET_TEST_CHROMIUM is not set: the page in a browser is left out");
            return None;
        }
        let page = include_str!("page.html").replace("CALLS;", &format!("{};", json!([base, token, calls])));
        let (send, mut answers) = unbounded_channel();
        let origin = self.origin();
        let serving = tokio::spawn(serve(self.listener, page, send));
        let profile = tempfile::tempdir().unwrap();
        let mut chromium = Command::new(tool("WALLET_TEST_CHROMIUM"));
        // Root may start Chromium only without its sandbox. The certificate is of an authority of the test.
        chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"]);
        chromium.args(["--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0"]);
        chromium.arg(format!("--user-data-dir={}", profile.path().display())).arg(format!("{origin}/"));
        chromium.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let chromium = Browser(chromium.spawn().expect("Chromium"));
        let answered = tokio::time::timeout(std::time::Duration::from_secs(60), answers.recv()).await;
        drop(chromium);
        serving.abort();
        Some(answered.expect("the page answers within a minute").expect("answers"))
    }
}

/// A running Chromium with all of its processes, which are killed when it is dropped. Its first process may be a script
/// that starts it.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

async fn serve(listener: TcpListener, page: String, answers: UnboundedSender<Vec<Value>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (page, answers) = (page.clone(), answers.clone());
        let answer = service_fn(move |request: Request<Incoming>| {
            let (page, answers) = (page.clone(), answers.clone());
            async move {
                let is_page = request.method() == Method::GET;
                let body = request.into_body().collect().await?.to_bytes();
                if let Ok(found) = serde_json::from_slice(&body) {
                    let _ = answers.send(found);
                }
                let page = if is_page { page } else { String::new() };
                let reply = Response::builder().header("content-type", "text/html");
                Ok::<_, hyper::Error>(reply.body(Full::new(Bytes::from(page))).expect("a reply"))
            }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer),
        );
    }
}
