//! Certificates of callers that stand for an API key, with gRPC and with JSON over HTTP/1.1 and HTTP/2.

use std::error::Error as _;
use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::{Certificate as Pem, Channel, ClientTlsConfig, Endpoint, Identity};
use wallet_client::v1::{self, ErrorReason, Scope};
use wallet_client::{ClientConfig, Code, WalletClient};
use wallet_server::{ClientCertificates, Config, TlsFiles};

use super::matrix::{bearer, refusal};
use crate::connect::{Answered, Curl};
use crate::fuzz::raw;
use crate::harness::{Database, Front, Server, credits, id_of, tool};
use crate::shorthand::refused;
use crate::tls::Certificate;

const LIST: &str = "/wallet.v1.AdminService/ListWallets";
const TOP_UP: &str = r#"{"walletId": "w", "topUpId": "t", "amount": {"unit": "credits", "amount": "1"}}"#;

/// An authority of callers.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate of a caller and its key, in PEM.
struct Own {
    pem: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "callers");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> Own {
        self.sign(CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// Returns a certificate that expires at this time, in whole seconds since 1970.
    fn issue_until(&self, name: &str, end: Duration) -> Own {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(1970, 1, 1) + end;
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Own {
        let key = KeyPair::generate().unwrap();
        Own { pem: params.signed_by(&key, &self.0).unwrap().pem(), key: key.serialize_pem() }
    }
}

/// A server whose callers may present certificates.
struct Given {
    server: Server,
    certificate: Certificate,
    callers: Authority,
    folder: TempDir,
}

impl Given {
    /// Starts a server that knows these names of certificates with the keys that they stand for.
    async fn new(front: &Front, is_optional: bool, keys: &[(&str, &str)]) -> Self {
        let (certificate, callers) = (Certificate::new(), Authority::new());
        let folder = tempfile::tempdir().unwrap();
        let authority = folder.path().join("callers.pem");
        fs::write(&authority, callers.0.pem()).unwrap();
        let key = |(name, key): &(&str, &str)| format!("{name}={}", id_of(key)).parse().unwrap();
        let keys = keys.iter().map(key).collect();
        let [pem, private] = ["server.pem", "server.key"].map(|name| certificate.path(name).into());
        let clients = Some(ClientCertificates { authority, is_optional, keys });
        let tls = Some(TlsFiles { certificate: pem, key: private, clients });
        let server = front.serve_configured(Config { tls, ..Config::default() }).await;
        Self { server, certificate, callers, folder }
    }

    fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.server.address.port())
    }

    fn authority(&self) -> String {
        fs::read_to_string(self.certificate.path("ca.pem")).unwrap()
    }

    fn config(&self, own: &Own) -> ClientConfig {
        let config = ClientConfig::new(self.endpoint()).ca_certificate(self.authority());
        config.client_certificate(&own.pem, &own.key)
    }

    /// Returns a client with a certificate for this name.
    async fn client(&self, name: &str) -> WalletClient {
        WalletClient::connect(self.config(&self.callers.issue(name))).await.unwrap().without_retries()
    }

    async fn channel(&self, own: Option<&Own>) -> Channel {
        self.try_channel(own).await.unwrap()
    }

    async fn try_channel(&self, own: Option<&Own>) -> Result<Channel, tonic::transport::Error> {
        let mut tls = ClientTlsConfig::new().ca_certificate(Pem::from_pem(self.authority()));
        if let Some(Own { pem, key }) = own {
            tls = tls.identity(Identity::from_pem(pem, key));
        }
        Endpoint::from_shared(self.endpoint()).unwrap().tls_config(tls).unwrap().connect().await
    }

    /// Returns curl for a version of HTTP, with this certificate and an API key.
    fn curl(&self, version: &str, own: Option<&Own>, key: Option<&str>) -> Curl {
        let mut curl =
            Curl::new(self.endpoint(), version).with(&["--cacert", &self.certificate.path("ca.pem")]);
        if let Some(own) = own {
            let [pem, private] = self.files(own);
            curl = curl.with(&["--cert", &pem, "--key", &private]);
        }
        match key {
            Some(key) => curl.with(&["-H", &format!("authorization: Bearer {key}")]),
            None => curl,
        }
    }

    /// Writes a certificate and its key, and returns the paths.
    fn files(&self, own: &Own) -> [String; 2] {
        let path = |name| self.folder.path().join(name).display().to_string();
        fs::write(path("own.pem"), &own.pem).unwrap();
        fs::write(path("own.key"), &own.key).unwrap();
        ["own.pem", "own.key"].map(path)
    }
}

fn reason(answer: &Answered) -> String {
    answer.body()["details"][0]["debug"]["reason"].as_str().unwrap_or_default().to_owned()
}

/// The bytes of a refusal.
fn bytes(status: &Status) -> (Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_stands_for_its_key_with_grpc_and_json() {
    let front = Front::new(Database::sqlite());
    let (all, reader) = (front.key("default", "all"), front.key("default", "read"));
    let given = Given::new(&front, true, &[("admin.example", &all), ("reader.example", &reader)]).await;
    let admin = given.client("admin.example").await;
    admin.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
    admin.top_up(v1::TopUpRequest::amount("w", "t", credits(1))).await.unwrap();
    let entries = admin.list_entries(v1::ListEntriesRequest::new("w")).await.unwrap().entries;
    assert!(entries.iter().all(|entry| entry.principal == id_of(&all)), "{entries:?}");

    let client = given.client("reader.example").await;
    client.list_wallets(v1::ListWalletsRequest::default()).await.unwrap();
    let beyond = client.create_wallet(v1::CreateWalletRequest::new("v")).await;
    refused(beyond, ErrorReason::ScopeMissing, Code::PermissionDenied);
    let (own, stranger) = (given.callers.issue("reader.example"), given.callers.issue("other.example"));
    for version in ["--http1.1", "--http2"] {
        let curl = given.curl(version, Some(&own), None);
        assert_eq!(curl.json(&LIST[1..], "{}").status, 200);
        let beyond = curl.json("wallet.v1.WalletService/TopUp", TOP_UP);
        assert_eq!((beyond.status, reason(&beyond).as_str()), (403, "SCOPE_MISSING"));
        // A browser presents a certificate for any page, so a GET needs the key itself.
        let get = "wallet.v1.WalletService/GetBalance?encoding=json&message=%7B%22walletId%22%3A%22w%22%7D";
        let by_get = curl.run(get, b"");
        let by_get = (by_get.status, reason(&by_get));
        assert_eq!((by_get.0, by_get.1.as_str()), (401, "KEY_MISSING"));

        let unknown = given.curl(version, Some(&stranger), None).json(&LIST[1..], "{}");
        let without = given.curl(version, None, None).json(&LIST[1..], "{}");
        assert_eq!((unknown.status, reason(&unknown).as_str()), (401, "KEY_MISSING"));
        assert_eq!((without.status, without.bytes), (401, unknown.bytes));
        let with_key = given.curl(version, None, Some(&reader)).json(&LIST[1..], "{}");
        assert_eq!(with_key.status, 200, "a key without a certificate");
    }
    let (unknown, without) = (given.channel(Some(&stranger)).await, given.channel(None).await);
    let [unknown, without] = [unknown, without]
        .map(|channel| async move { raw::call_with(&channel, LIST, Vec::new(), None).await });
    let (unknown, without) = (unknown.await.unwrap_err(), without.await.unwrap_err());
    assert_eq!(bytes(&unknown), bytes(&without));
    assert_eq!(refusal(&Err(unknown)), "KEY_MISSING");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_sent_counts_in_place_of_the_certificate() {
    let front = Front::new(Database::sqlite());
    front.cli(&["tenants", "create", "acme"]);
    let (all, foreign) = (front.key("default", "all"), front.key("acme", "read"));
    let given = Given::new(&front, true, &[("admin.example", &all)]).await;
    let own = given.callers.issue("admin.example");
    let admin = given.client("admin.example").await;
    admin.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
    let other = WalletClient::connect(given.config(&own).api_key(foreign.as_str())).await.unwrap();
    let found = other.list_wallets(v1::ListWalletsRequest::default()).await.unwrap().wallets;
    assert!(found.is_empty(), "the wallets of the key's tenant: {found:?}");

    let token = v1::CreateWalletTokenRequest::new("w", [Scope::Read]);
    let token = admin.create_wallet_token(token).await.unwrap().token;
    let page = WalletClient::connect(given.config(&own).api_key(token)).await.unwrap();
    page.get_balance(v1::GetBalanceRequest::new("w")).await.unwrap();
    let beyond = page.list_wallets(v1::ListWalletsRequest::default()).await;
    refused(beyond, ErrorReason::NotForWalletToken, Code::PermissionDenied);

    let channel = given.channel(Some(&own)).await;
    for (authorization, reason) in [
        (bearer("x"), "KEY_MALFORMED"),
        (bearer(""), "KEY_MALFORMED"),
        (Some(String::new()), "KEY_MALFORMED"),
    ] {
        let answer = raw::call_with(&channel, LIST, Vec::new(), authorization.as_deref()).await;
        assert_eq!(refusal(&answer), reason, "{authorization:?}: the certificate does not help a bad key");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_ends_with_its_key_and_has_its_rate() {
    let front = Front::new(Database::sqlite());
    front.cli(&["tenants", "create", "closed"]);
    let (all, closed) = (front.key("default", "all"), front.key("closed", "all"));
    let words = ["keys", "create", "k", "--scopes", "read", "--calls-per-second", "1", "--calls-burst", "3"];
    let slow = front.cli(&words).lines().last().unwrap().to_owned();
    let (revoked, brief) = (front.key("default", "read"), ["--scopes", "read", "--expire-days", "1"]);
    let brief = front.cli(&[&["keys", "create", "brief"][..], &brief].concat());
    let brief = brief.lines().last().unwrap();
    front.cli(&["tenants", "suspend", "closed"]);
    let names = ["admin", "closed", "slow", "revoked", "brief"].map(|name| format!("{name}.example"));
    let keys = [all.as_str(), &closed, &slow, &revoked, brief];
    let known: Vec<_> = names.iter().map(String::as_str).zip(keys).collect();
    let given = Given::new(&front, false, &known).await;
    let mut clients = Vec::new();
    for name in &names {
        clients.push(given.client(name).await);
    }
    let [admin, closed, slow, revoked, brief] = clients.try_into().unwrap();
    let list = async |client: &WalletClient| client.list_wallets(v1::ListWalletsRequest::default()).await;

    refused(list(&closed).await, ErrorReason::TenantSuspended, Code::PermissionDenied);
    list(&revoked).await.unwrap();
    admin.revoke_key(v1::RevokeKeyRequest::new(id_of(known[3].1))).await.unwrap();
    refused(list(&revoked).await, ErrorReason::KeyInvalid, Code::Unauthenticated);
    let own = given.callers.issue("revoked.example");
    let by_json = given.curl("--http1.1", Some(&own), None).json(&LIST[1..], "{}");
    assert_eq!((by_json.status, reason(&by_json).as_str()), (401, "KEY_INVALID"));

    let mut answered = 0;
    let limited = loop {
        match list(&slow).await {
            Ok(_) => answered += 1,
            Err(error) => break error,
        }
        assert!(answered < 1_000, "no call was refused");
    };
    assert!(answered >= 3, "{answered}: {limited}");
    assert_eq!(limited.reason(), Some(ErrorReason::RateLimited), "{limited:?}");
    list(&brief).await.unwrap();
    admin.advance_clock(v1::AdvanceClockRequest::by(Duration::from_hours(25))).await.unwrap();
    refused(list(&brief).await, ErrorReason::KeyInvalid, Code::Unauthenticated);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the handshake compares the certificate with the clock of the machine"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_connection_ends_with_its_certificate() {
    let front = Front::new(Database::sqlite());
    let all = front.key("default", "all");
    let given = Given::new(&front, true, &[("brief.example", &all)]).await;
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let call = async |channel: &Channel| raw::call_with(channel, LIST, Vec::new(), None).await;
    let first_call = async |own: &Own| {
        let channel = given.try_channel(Some(own)).await;
        let channel = channel.map_err(|error| Status::unavailable(error.to_string()))?;
        let answer = call(&channel).await;
        answer.map(|_| channel)
    };
    let mut seconds = 4;
    let (end, channel) = loop {
        let end = Duration::from_secs(now().as_secs() + seconds);
        match first_call(&given.callers.issue_until("brief.example", end)).await {
            Ok(channel) => break (end, channel),
            // On a busy machine the certificate may expire before the call. The next one is valid for longer.
            Err(refused) => assert!(now() >= end && seconds < 60, "{refused:?}: the certificate is valid"),
        }
        seconds *= 2;
    };
    let refused = loop {
        match call(&channel).await {
            Ok(_) => assert!(now() < end + Duration::from_secs(60), "the certificate has no end"),
            Err(refused) => break refused,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(now() + Duration::from_millis(100) > end, "{refused:?}: too early");
    // The connection is closed, perhaps during a call, and the handshake of the next one refuses the certificate.
    // A status with a source is not from the server: the connection ended.
    let is_closed =
        refused.source().is_some() || matches!(refused.code(), Code::Unavailable | Code::Cancelled);
    assert!(is_closed || refusal(&Err(refused.clone())) == "KEY_MISSING", "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_other_authorities_end_at_the_handshake() {
    let front = Front::new(Database::sqlite());
    let all = front.key("default", "all");
    for is_optional in [true, false] {
        let given = Given::new(&front, is_optional, &[("admin.example", &all)]).await;
        let foreign = Authority::new().issue("admin.example");
        let config = given.config(&foreign).api_key(all.as_str());
        let answer = match WalletClient::connect(config).await {
            Ok(client) => {
                client.without_retries().list_wallets(v1::ListWalletsRequest::default()).await.map(drop)
            }
            Err(error) => Err(error),
        };
        let error = answer.unwrap_err();
        assert!(error.reason().is_none_or(|reason| reason == ErrorReason::Unspecified), "{error:?}");
        for own in [Some(&foreign), None] {
            let [pem, private] = given.files(&foreign);
            let certificate = ["--cert", &pem, "--key", &private];
            let curl = Command::new(tool("WALLET_TEST_CURL"))
                .args(["-sS", "--http1.1", "--cacert", &given.certificate.path("ca.pem")])
                .args(if own.is_some() { &certificate[..] } else { &[] })
                .args(["-H", "content-type: application/json", "-d", "{}"])
                .arg(format!("{}{LIST}", given.endpoint()))
                .output()
                .unwrap();
            let is_answered = own.is_none() && is_optional;
            assert_eq!(curl.status.success(), is_answered, "{curl:?}");
            assert_eq!(curl.stdout.is_empty(), !is_answered, "{curl:?}");
        }
        given.server.stop().await;
    }
}
