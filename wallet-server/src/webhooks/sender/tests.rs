//! Attempts against receivers on loopback sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper_util::client::legacy::connect::dns::Name;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tower::service_fn;

use super::*;

const LOOPBACK: &str = "127.0.0.0/8";
const BODY: &str = r#"{"type":"job.settled","seq":7}"#;
const MESSAGE: Message<'_> =
    Message { id: "msg_1", timestamp: 1_614_265_330, body: BODY.as_bytes(), signatures: "v1,aaa= v1,bbb=" };
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn allowed(networks: &[&str]) -> Allowed {
    Allowed::new(networks.iter().map(|network| network.parse().unwrap()).collect())
}

fn sender() -> Sender {
    Sender::new(allowed(&[LOOPBACK]))
}

async fn listener() -> (TcpListener, WebhookUrl) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/hooks?a=b", listener.local_addr().unwrap());
    (listener, WebhookUrl::parse(&url, &allowed(&[LOOPBACK])).unwrap())
}

/// The URL of a name, which the injected resolver answers.
fn named(listener: &TcpListener) -> WebhookUrl {
    let port = listener.local_addr().unwrap().port();
    WebhookUrl::parse(&format!("https://hooks.test:{port}/"), &Allowed::default()).unwrap()
}

/// Reads a request whose body is an object without objects in it.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "the request ends early");
    }
    String::from_utf8(request).unwrap()
}

async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: &str) -> String {
    let request = read_request(stream).await;
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    request
}

/// Posts a message to a receiver with this answer, and returns the outcome and the request.
async fn post(head: &str) -> (Result<u16, Failure>, String) {
    let (listener, url) = listener().await;
    let head = format!("{head}\r\n\r\n");
    let receiver = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = answer(&mut stream, &head).await;
        (stream, request)
    };
    let sender = sender();
    let (outcome, (_stream, request)) = tokio::join!(sender.post(&url, &MESSAGE), receiver);
    (outcome, request)
}

async fn failure(head: &str) -> Failure {
    post(head).await.0.unwrap_err()
}

#[tokio::test]
async fn a_message_is_posted_with_the_headers_of_standard_webhooks() {
    let (outcome, request) = post("HTTP/1.1 204 No Content").await;
    outcome.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    assert_eq!((line, body), ("POST /hooks?a=b HTTP/1.1", BODY));
    let mut headers: Vec<_> = headers.lines().collect();
    let host = headers.iter().position(|header| header.starts_with("host: 127.0.0.1:")).unwrap();
    headers.remove(host);
    headers.sort_unstable();
    let expected = [
        "content-length: 30",
        "content-type: application/json",
        &format!("user-agent: wallet-server/{}", env!("CARGO_PKG_VERSION")),
        "webhook-id: msg_1",
        "webhook-signature: v1,aaa= v1,bbb=",
        "webhook-timestamp: 1614265330",
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn the_largest_message_arrives_whole() {
    let (listener, url) = listener().await;
    let body = format!("{{{}}}", " ".repeat(20_000));
    let receiver = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream, OK).await
    };
    let sender = sender();
    let message = Message { body: body.as_bytes(), ..MESSAGE };
    let (outcome, request) = tokio::join!(sender.post(&url, &message), receiver);
    outcome.unwrap();
    assert!(request.ends_with(&format!("\r\n\r\n{body}")));
}

#[tokio::test]
async fn every_status_but_2xx_is_a_failure_and_410_means_gone() {
    for status in [200, 201, 202, 299] {
        post(&format!("HTTP/1.1 {status} Fine\r\ncontent-length: 0")).await.0.unwrap();
    }
    for status in [400, 404, 410, 429, 500, 503, 599] {
        let failure = failure(&format!("HTTP/1.1 {status} my-secret\r\ncontent-length: 0")).await;
        assert_eq!((failure.status, failure.is_gone()), (Some(status), status == 410));
        assert!(failure.text.starts_with(&format!("the endpoint answered {status}")), "{failure:?}");
        assert!(!failure.text.contains("my-secret") && failure.retry_after.is_none(), "{failure:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (other, url) = listener().await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let failure = failure(&format!("HTTP/1.1 {status}\r\nlocation: {url}\r\ncontent-length: 0")).await;
        assert_eq!(failure.text, format!("the endpoint answered {status}; redirects are not followed"));
    }
    let none = tokio::time::timeout(Duration::from_millis(20), other.accept()).await;
    assert!(none.is_err(), "nothing connects to the other receiver");
}

#[tokio::test]
async fn retry_after_is_kept_up_to_a_day() {
    let date = "date: Thu, 25 Feb 2021 15:00:00 GMT\r\n";
    let table = [
        ("", "120", Some(120)),
        ("", "0", Some(0)),
        ("", "86400", Some(86_400)),
        ("", "99999999999", Some(86_400)),
        ("", "99999999999999999999999", None),
        ("", "soon", None),
        ("", "-5", None),
        // The message is of Thu, 25 Feb 2021 15:02:10 GMT.
        ("", "Thu, 25 Feb 2021 15:03:10 GMT", Some(60)),
        ("", "Thu, 25 Feb 2021 15:00:00 GMT", Some(0)),
        ("", "Sat, 25 Feb 2051 15:00:00 GMT", Some(86_400)),
        (date, "Thu, 25 Feb 2021 15:03:10 GMT", Some(190)),
        (date, "Thursday, 25-Feb-21 15:03:10 GMT", Some(190)),
    ];
    for (date, value, seconds) in table {
        let head = format!("HTTP/1.1 503 Busy\r\n{date}retry-after: {value}\r\ncontent-length: 0");
        let failure = failure(&head).await;
        assert_eq!(failure.retry_after, seconds.map(Duration::from_secs), "{date}{value}");
    }
}

fn waiting_for(timeout: Duration) -> Sender {
    Sender::with(allowed(&[LOOPBACK]), system(), public_authorities(), timeout)
}

#[tokio::test]
async fn a_receiver_that_hangs_is_left_after_the_timeout() {
    let (listener, url) = listener().await;
    // The connection is in the listener's queue, and no answer comes.
    let failure = waiting_for(Duration::from_millis(500)).post(&url, &MESSAGE).await.unwrap_err();
    assert_eq!((failure.status, failure.text.as_str()), (None, "no answer within 500ms"));
    drop(listener);
}

#[tokio::test]
async fn a_receiver_that_hangs_after_its_status_has_answered() {
    let post = async |status: &str| {
        let (listener, url) = listener().await;
        let receiver = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream, &format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\nab")).await;
            stream
        };
        // It waits for the rest of the body.
        let sender = waiting_for(Duration::from_secs(5));
        let (outcome, _stream) = tokio::join!(sender.post(&url, &MESSAGE), receiver);
        outcome
    };
    let (success, failure) = tokio::join!(post("200 OK"), post("500 Internal Server Error"));
    assert_eq!(success.unwrap(), 200);
    assert_eq!(failure.unwrap_err().status, Some(500));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_and_its_connection_closed() {
    let endless_head = "HTTP/1.1 200 OK\r\n";
    let endless_body = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (line, chunk) =
        (format!("a: {}\r\n", "b".repeat(1_000)), format!("3e8\r\n{}\r\n", "b".repeat(1_000)));
    for (head, more, is_success) in [(endless_head, line, false), (endless_body, chunk, true)] {
        let (listener, url) = listener().await;
        let receiver = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream, head).await;
            let mut written = 0;
            while stream.write_all(more.as_bytes()).await.is_ok() {
                written += more.len();
            }
            written
        };
        let sender = sender();
        let (outcome, written) = tokio::join!(sender.post(&url, &MESSAGE), receiver);
        assert_eq!(outcome.is_ok(), is_success, "{outcome:?}");
        // The buffers of the two sockets hold some megabytes. In 15 seconds a receiver writes gigabytes.
        assert!(written < 64 << 20, "{written} bytes");
    }
}

#[tokio::test]
async fn a_connection_is_used_again_after_the_whole_answer() {
    let (listener, url) = listener().await;
    let receiver = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (head, body) = OK.split_at(OK.len() - 2);
        for _ in 0..3 {
            answer(&mut stream, head).await;
            // The sender gets the head alone.
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            stream.write_all(body.as_bytes()).await.unwrap();
        }
    };
    let sender = sender();
    let posts = async {
        for _ in 0..3 {
            sender.clone().post(&url, &MESSAGE).await.unwrap();
        }
    };
    tokio::join!(posts, receiver);
}

#[tokio::test]
async fn a_broken_exchange_is_a_failure_without_a_status() {
    let (listener, url) = listener().await;
    let receiver = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
    };
    let sender = sender();
    let (outcome, ()) = tokio::join!(sender.post(&url, &MESSAGE), receiver);
    let failure = outcome.unwrap_err();
    assert!(failure.status.is_none() && failure.text.starts_with("no complete answer: "), "{failure:?}");
    assert_eq!(failure.kind, FailureKind::NoAnswer);
    drop(listener);
    let failure = sender.post(&url, &MESSAGE).await.unwrap_err();
    assert!(failure.text.starts_with("no connection: Connection refused"), "{failure:?}");
    assert_eq!(failure.kind, FailureKind::NoConnection);
}

#[tokio::test]
async fn a_literal_address_is_judged_at_each_attempt() {
    let (listener, url) = listener().await;
    let failure = Sender::new(Allowed::default()).post(&url, &MESSAGE).await.unwrap_err();
    assert!(failure.text.starts_with("the URL must begin with https://"), "{failure:?}");
    assert_eq!(failure.kind, FailureKind::NotAllowed);
    assert!(failure.text.len() <= 200);
    let none = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await;
    assert!(none.is_err(), "nothing connects");
}

/// The certificate of `hooks.test`: the two sides of TLS.
fn tls() -> (ClientConfig, TlsAcceptor) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["hooks.test".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let server = server.with_single_cert(vec![certificate], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (client.with_root_certificates(roots).with_no_client_auth(), TlsAcceptor::from(Arc::new(server)))
}

/// Returns a sender whose resolver gives a name these addresses, one more with each resolution.
fn resolving(networks: &[&str], addresses: Vec<&'static str>, tls: ClientConfig) -> Sender {
    let count = Arc::new(AtomicUsize::new(0));
    let resolver = service_fn(move |name: Name| {
        assert_eq!(name.as_str(), "hooks.test");
        let address: IpAddr = addresses[count.fetch_add(1, Ordering::Relaxed)].parse().unwrap();
        async move { Ok::<_, io::Error>(vec![SocketAddr::new(address, 0)].into_iter()) }
    });
    Sender::with(allowed(networks), Resolver::new(resolver), tls, TIMEOUT)
}

#[tokio::test]
async fn a_name_is_judged_at_each_resolution_by_its_addresses() {
    let (client, acceptor) = tls();
    let (listener, _) = listener().await;
    let url = named(&listener);
    // A name that moves to a private address, also in the form of IPv6.
    let moving = vec!["127.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "127.0.0.1"];
    let sender = resolving(&[LOOPBACK], moving, client);
    let receive = async || {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let request =
            answer(&mut stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        stream.shutdown().await.unwrap();
        request
    };
    let (outcome, request) = tokio::join!(sender.post(&url, &MESSAGE), receive());
    outcome.unwrap();
    assert!(request.contains("\r\nhost: hooks.test:"), "{request}");
    for _ in 0..2 {
        let failure = sender.post(&url, &MESSAGE).await.unwrap_err();
        assert_eq!(
            failure.text,
            "no connection: the host has no address in the public internet or in a network of --webhooks-allow"
        );
    }
    tokio::join!(sender.post(&url, &MESSAGE), receive()).0.unwrap();
}

#[tokio::test]
async fn nothing_connects_to_a_name_with_a_private_address() {
    let (listener, _) = listener().await;
    let sender = resolving(&[], vec!["127.0.0.1"], public_authorities());
    let failure = sender.post(&named(&listener), &MESSAGE).await.unwrap_err();
    assert!(failure.text.starts_with("no connection: the host has no address"), "{failure:?}");
    assert_eq!(failure.kind, FailureKind::NotAllowed);
    let none = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await;
    assert!(none.is_err(), "nothing connects");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (_, acceptor) = tls();
    let (listener, _) = listener().await;
    let sender = resolving(&[LOOPBACK], vec!["127.0.0.1"], public_authorities());
    let receiver = async {
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
    };
    let url = named(&listener);
    let (outcome, ()) = tokio::join!(sender.post(&url, &MESSAGE), receiver);
    let failure = outcome.unwrap_err();
    assert_eq!(failure.text, "no connection: invalid peer certificate: UnknownIssuer");
}

#[tokio::test]
async fn a_message_with_a_line_end_in_a_header_is_not_sent() {
    let (_listener, url) = listener().await;
    let message = Message { id: "msg_1\r\nx: y", ..MESSAGE };
    let failure = sender().post(&url, &message).await.unwrap_err();
    assert!(failure.text.starts_with("the message cannot be sent: "), "{failure:?}");
}

#[test]
fn a_long_text_is_cut_at_a_character() {
    let failure = Failure::unanswered(FailureKind::NoAnswer, &"ü".repeat(150));
    assert_eq!(failure.text, "ü".repeat(100));
    assert_eq!(Failure::unanswered(FailureKind::NoAnswer, &format!("a{}", "ü".repeat(150))).text.len(), 199);
}
