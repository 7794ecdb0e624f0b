//! TLS of the real process: encrypted calls, and a certificate that is replaced while jobs run.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wallet_client::{ClientConfig, Code, Error, WalletClient, v1};
use wallet_server::{App, Config, Pepper, TlsFiles};

use crate::connect::Curl;
use crate::harness::{Database, Front, Process, credits, eventually, tool, video};
use crate::shorthand::{refused, settle};

/// The certificate of a server on loopback, in a folder.
pub(crate) struct Certificate {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let certificate = Self { folder: tempfile::tempdir().unwrap(), authority: authority() };
        certificate.replace(&certificate.authority);
        certificate
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Writes a new certificate and key, signed by this authority.
    fn replace(&self, authority: &CertifiedIssuer<'static, KeyPair>) {
        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        // OpenSSL takes a certificate whose subject is its issuer for a self-signed one.
        params.distinguished_name.push(DnType::CommonName, "localhost");
        let signed = params.signed_by(&key, authority).unwrap();
        fs::write(self.path("server.pem"), signed.pem()).unwrap();
        fs::write(self.path("server.key"), key.serialize_pem()).unwrap();
        fs::write(self.path("ca.pem"), authority.pem()).unwrap();
    }

    pub(crate) fn serve(&self, database: &Database) -> Process {
        let (pem, key) = (self.path("server.pem"), self.path("server.key"));
        Process::start(database, &["--tls-cert", &pem, "--tls-key", &key])
    }

    /// Like [`Certificate::serve`]. Returns the address of the metrics as well.
    fn serve_monitored(&self, database: &Database) -> (Process, String) {
        let (pem, key) = (self.path("server.pem"), self.path("server.key"));
        let monitoring = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let arguments = ["--tls-cert", &pem, "--tls-key", &key, "--monitoring-listen", &monitoring];
        (Process::start(database, &arguments), monitoring)
    }
}

/// Returns the number of new certificates with this result: `replaced` or `refused`.
fn reloads(monitoring: &str, result: &str) -> u64 {
    let metrics = Curl::new(format!("http://{monitoring}"), "--http1.1").run("metrics", b"");
    let metrics = String::from_utf8(metrics.bytes).unwrap();
    let counted = format!("wallet_tls_reloads_total{{result=\"{result}\"}} ");
    let count = metrics.lines().find_map(|line| line.strip_prefix(&counted)).expect("it is counted");
    count.parse().expect("a number")
}

/// Waits until there are more new certificates with this result than before.
async fn reloaded(monitoring: &str, result: &str, before: u64) {
    eventually(result, async || {
        let count = reloads(monitoring, result);
        if count > before { Ok(()) } else { Err(count) }
    })
    .await;
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

async fn trusting(
    server: &Process,
    authority: &CertifiedIssuer<'static, KeyPair>,
) -> Result<WalletClient, Error> {
    let config = ClientConfig::new(format!("https://{}", server.address)).ca_certificate(authority.pem());
    WalletClient::connect(config).await
}

#[tokio::test]
async fn a_job_runs_over_tls_and_callers_without_it_are_turned_away() {
    let database = Database::sqlite();
    let certificate = Certificate::new();
    let server = certificate.serve(&database);
    let client = trusting(&server, &certificate.authority).await.unwrap();
    client
        .create_wallet(v1::CreateWalletRequest { wallet_id: "w".into(), ..Default::default() })
        .await
        .unwrap();

    let plain = WalletClient::connect_lazy(ClientConfig::new(server.endpoint())).unwrap();
    assert!(plain.get_wallet(v1::GetWalletRequest { wallet_id: "w".into() }).await.is_err(), "without TLS");
    assert!(trusting(&server, &authority()).await.is_err(), "with another authority");
    let grpcurl = Command::new(tool("WALLET_TEST_GRPCURL"))
        .args(["-cacert", &certificate.path("ca.pem"), "-d", r#"{"wallet_id":"w"}"#, &server.address])
        .arg("wallet.v1.AdminService/GetWallet")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&grpcurl.stdout).contains("\"walletId\": \"w\""), "{grpcurl:?}");
}

#[test]
fn curl_calls_over_tls_with_http_1_and_http_2() {
    let database = Database::sqlite();
    let certificate = Certificate::new();
    let server = certificate.serve(&database);
    for (version, expected) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let curl = Curl::new(format!("https://{}", server.address), version);
        let curl = curl.with(&["--cacert", &certificate.path("ca.pem")]);
        let answer = curl.json("wallet.v1.AdminService/CreateWallet", r#"{"walletId": "w"}"#);
        assert_eq!((answer.status, answer.version.as_str()), (200, expected), "{answer:?}");
        assert_eq!(answer.body()["wallet"]["walletId"], "w");
    }
}

#[tokio::test]
async fn beyond_loopback_a_server_with_tls_and_keys_needs_no_flag() {
    let front = Front::new(Database::sqlite());
    let key = front.key("default", "read");
    let certificate = Certificate::new();
    let [pem, private] = ["server.pem", "server.key"].map(|name| certificate.path(name));
    let config = Config {
        listen: ([0, 0, 0, 0], 0).into(),
        database_url: front.database.url.clone(),
        tls: Some(TlsFiles { certificate: pem.into(), key: private.into(), clients: None }),
        pepper: Some(Pepper::read(front.pepper_file().as_ref()).unwrap()),
        ..Config::default()
    };
    let without = |config: Config| async { App::build(config).await.map(drop).unwrap_err().to_string() };
    let no_tls = without(Config { tls: None, ..config.clone() }).await;
    assert!(no_tls.contains("add --tls-cert and --tls-key, or --insecure"), "{no_tls}");
    let no_keys = without(Config { pepper: None, ..config.clone() }).await;
    assert!(no_keys.contains("add --key-pepper-file for API keys, or --insecure"), "{no_keys}");

    let app = App::build(config).await.unwrap();
    let endpoint = format!("https://127.0.0.1:{}", app.address().port());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(app.run(shutdown.clone()));
    let config = ClientConfig::new(endpoint).ca_certificate(certificate.authority.pem());
    let client = WalletClient::connect(config.clone().api_key(key)).await.unwrap();
    client.list_wallets(v1::ListWalletsRequest::default()).await.unwrap();
    let stranger = WalletClient::connect(config).await.unwrap();
    let refusal = stranger.list_wallets(v1::ListWalletsRequest::default()).await;
    refused(refusal, v1::ErrorReason::KeyMissing, Code::Unauthenticated);
    shutdown.cancel();
    running.await.unwrap().unwrap();
}

/// Connects again and again, and runs a job over each connection, until the order to stop. Returns the number of jobs.
async fn work(
    endpoint: String,
    ca: String,
    name: usize,
    done: Arc<AtomicUsize>,
    stop: CancellationToken,
) -> usize {
    let mut jobs = 0;
    while !stop.is_cancelled() {
        let config = ClientConfig::new(endpoint.as_str()).ca_certificate(ca.as_str());
        let client = WalletClient::connect(config).await.expect("a handshake").without_retries();
        let job = format!("{name}-{jobs}");
        client.reserve(v1::ReserveRequest::new("w", &job, video("1"))).await.expect("a job");
        client.settle(settle("w", &job, v1::Succeeded::as_reserved())).await.expect("its end");
        jobs += 1;
        done.fetch_add(1, Ordering::Relaxed);
    }
    jobs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_job_fails_while_the_certificate_is_replaced_under_load() {
    let database = Database::sqlite();
    let certificate = Certificate::new();
    let (server, monitoring) = certificate.serve_monitored(&database);
    let client = trusting(&server, &certificate.authority).await.unwrap();
    client.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
    client.top_up(v1::TopUpRequest::amount("w", "t", credits(1_000_000))).await.unwrap();
    let (done, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let mut working = JoinSet::new();
    for name in 0..6 {
        let endpoint = format!("https://{}", server.address);
        working.spawn(work(endpoint, certificate.authority.pem(), name, done.clone(), stop.clone()));
    }
    for _ in 0..3 {
        for (fits, result) in [(true, "replaced"), (false, "refused")] {
            let before = reloads(&monitoring, result);
            if fits {
                certificate.replace(&certificate.authority);
            } else {
                fs::write(certificate.path("server.key"), KeyPair::generate().unwrap().serialize_pem())
                    .unwrap();
            }
            server.hang_up();
            reloaded(&monitoring, result, before).await;
            let enough = done.load(Ordering::Relaxed) + 20;
            while done.load(Ordering::Relaxed) < enough {
                if let Some(ended) = working.try_join_next() {
                    panic!("a worker ended: {ended:?}");
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    stop.cancel();
    let jobs: usize = working.join_all().await.into_iter().sum();
    assert!(jobs >= 120, "{jobs}");
}

#[tokio::test]
async fn a_certificate_is_replaced_under_way_and_a_bad_pair_is_refused() {
    let database = Database::sqlite();
    let certificate = Certificate::new();
    let (server, monitoring) = certificate.serve_monitored(&database);
    let client = trusting(&server, &certificate.authority).await.unwrap();
    client
        .create_wallet(v1::CreateWalletRequest { wallet_id: "w".into(), ..Default::default() })
        .await
        .unwrap();
    client.top_up(v1::TopUpRequest::amount("w", "t", credits(100))).await.unwrap();
    client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();

    // A key that does not fit: the certificate of the start stays in use.
    fs::write(certificate.path("server.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    server.hang_up();
    reloaded(&monitoring, "refused", 0).await;
    assert_eq!(reloads(&monitoring, "replaced"), 0);
    let next = authority();
    assert!(trusting(&server, &certificate.authority).await.is_ok());

    certificate.replace(&next);
    server.hang_up();
    eventually("new connections have the new certificate", async || trusting(&server, &next).await).await;
    client.settle(settle("w", "j", v1::Succeeded::default())).await.expect("old connections go on");
    assert!(trusting(&server, &certificate.authority).await.is_err());
}
