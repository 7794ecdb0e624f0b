//! A drill: a real Prometheus watches a server that fails in several ways, until the alerts of `ops/alerts.yml` have
//! fired.
//!
//! The failures are real: a certificate that ends in a day, a NATS that is away, a webhook that is gone, locked rows,
//! connections that end, a constraint that refuses rows, a row that cannot be read, a sweeper that gets no lease while a
//! hold falls due, a PostgreSQL that stops, and a server that is killed. Only the `for` of the alerts is shortened. Before
//! that, while the rest is well, every panel of the dashboard must show data, and no other alert may fire.

mod prometheus;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use prometheus::Prometheus;

use crate::postgres::Postgres;
use crate::process::{cargo, command, free_address, run as run_command, target};
use crate::server::Server;
use crate::tools::Tools;

const ALERTS: &str = "ops/alerts.yml";
const DATABASE: &str = "wallet";
/// The alert of a server that cannot be scraped. It is the last one: a killed server has no other metrics.
const DOWN: &str = "WalletServerDown";
/// The alert of a server with TLS, which a Prometheus of its own watches: it has no other failure.
const CERTIFICATE: &str = "WalletCertificateEnds";
/// The alert of a NATS that is away from the start.
const NATS: &str = "WalletNatsBehind";
/// Calls that make a job whose worker never answers. No other call reaches its wallet, which would process the hold.
const JOB: [(&str, &str); 3] = [
    ("AdminService/CreateWallet", r#"{"walletId": "quiet"}"#),
    (
        "WalletService/TopUp",
        r#"{"walletId": "quiet", "topUpId": "a", "amount": {"unit": "credits", "amount": "1000"}}"#,
    ),
    (
        "WalletService/Reserve",
        r#"{"walletId": "quiet", "reservationId": "a", "ttl": "5s", "operation": {"kind": "video.generate",
            "attributes": {"model": "standard", "resolution": "720p"}, "quantities": {"duration_s": "5"}}}"#,
    ),
];
/// The method that creates an endpoint of webhooks.
const CREATE_ENDPOINT: &str = "WebhookService/CreateWebhookEndpoint";
/// The answer of a receiver that wants no more messages.
const GONE: &[u8] = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
/// Keeps the leases of the sweeper from all servers.
const HOLD_LEASES: &str = "BEGIN; SELECT count(*) FROM (SELECT 1 FROM task_leases WHERE task LIKE 'sweep-%' FOR UPDATE) AS locked; \
     SELECT pg_sleep(600); COMMIT";
/// Refuses rows that the server writes, as a constraint does that an operator has added.
const REFUSE: &str =
    "ALTER TABLE reservations ADD CONSTRAINT drill CHECK (reservation_id NOT LIKE '%7') NOT VALID";
const REFUSE_NO_MORE: &str = "ALTER TABLE reservations DROP CONSTRAINT drill";
/// Locks every wallet for longer than a statement of the server waits.
const LOCK: &str =
    "BEGIN; SELECT count(*) FROM (SELECT 1 FROM wallets FOR UPDATE) AS locked; SELECT pg_sleep(2.5); COMMIT";
const DISCONNECT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
/// The prefix of the ids of a load that has many jobs in flight.
const BUSY: &str = "busy";
const BUSY_JOBS: &str = "SELECT count(*) FROM reservations WHERE reservation_id LIKE 'busy-job-%'";
/// Spoils the profile of a wallet. The version lets a lane read the wallet again.
const SPOIL: &str = "WITH spoilt AS (UPDATE wallet_profiles SET profile = 'spoilt' \
                     WHERE wallet_id = 'busy-0' RETURNING bucket, wallet_key) \
                     UPDATE wallets SET version = version + 1 FROM spoilt \
                     WHERE (wallets.bucket, wallets.wallet_key) = (spoilt.bucket, spoilt.wallet_key)";

pub(crate) fn run() -> Result<()> {
    Tools::Alerts.find()?;
    run_command(command("promtool").args(["check", "rules", ALERTS]))?;
    run_command(command("promtool").args(["test", "rules", "ops/alerts_test.yml"]))?;
    run_command(&mut cargo(["build", "--locked", "--package", "wallet-server"]))?;
    let load = ["--package", "wallet-client", "--features", "load", "--bin", "wallet-load"];
    run_command(cargo(["build", "--locked"]).args(load))?;

    let postgres = Postgres::start()?;
    let url = postgres.create(DATABASE)?;
    let monitoring = free_address()?.to_string();
    // Nothing listens there.
    let nats = format!("nats://{}", free_address()?);
    let options =
        ["--monitoring-listen", &monitoring, "--nats-url", &nats, "--webhooks-allow", "127.0.0.0/8"];
    let server = Server::wallet(&program("wallet-server"), &url, &options)?;
    let prometheus = Prometheus::start(&monitoring)?;
    let folder = tempfile::tempdir()?;
    let with_tls = free_address()?.to_string();
    let _with_tls = with_short_certificate(folder.path(), &with_tls)?;
    let of_tls = Prometheus::start(&with_tls)?;
    let names = Prometheus::alerts()?;
    let mut without_down = names.clone();
    ensure!(without_down.remove(DOWN), "{ALERTS} has no {DOWN}");
    ensure!(without_down.remove(CERTIFICATE), "{ALERTS} has no {CERTIFICATE}");

    let _load = Load::start(&server, &["--rate", "20", "--mix", "life"])?;
    let empty = || Ok(&prometheus.empty_panels()? & &of_tls.empty_panels()?);
    prometheus.wait("the dashboard shows data", empty)?;
    prometheus.wait("the alert of NATS fires", || Ok(&one(NATS) - &prometheus.fired()?))?;
    of_tls.wait("the alert of the certificate fires", || Ok(&one(CERTIFICATE) - &of_tls.fired()?))?;
    let others = &(&prometheus.fired()? | &of_tls.fired()?) - &(&one(NATS) | &one(CERTIFICATE));
    ensure!(others.is_empty(), "while the rest is well these fire: {others:?}");
    drop(of_tls);

    println!("a webhook is gone");
    let receiver = gone()?;
    call(&server, CREATE_ENDPOINT, &format!(r#"{{"endpointId": "gone", "url": "http://{receiver}/"}}"#))?;
    prometheus.wait("its alert fires", || Ok(&one("WalletWebhookDisabled") - &prometheus.fired()?))?;
    println!("rows are locked, and connections end");
    let retried = one("WalletBatchesRetried");
    prometheus.wait("its alert fires", || {
        // Without pauses, in which batches would succeed.
        for _ in 0..4 {
            postgres.query(DATABASE, LOCK)?;
            postgres.query(DATABASE, DISCONNECT)?;
        }
        Ok(&retried - &prometheus.fired()?)
    })?;
    println!("the database refuses rows");
    postgres.query(DATABASE, REFUSE)?;
    prometheus.wait("its alert fires", || Ok(&one("WalletDefect") - &prometheus.fired()?))?;
    postgres.query(DATABASE, REFUSE_NO_MORE)?;
    println!("a row cannot be read");
    {
        let _busy = Load::start(&server, &["--in-flight", "64", "--run-id", BUSY])?;
        // The load creates its wallets before its first job.
        let jobs =
            || Ok(if postgres.query(DATABASE, BUSY_JOBS)? == "0" { one("job") } else { Missing::new() });
        prometheus.wait("jobs run", jobs)?;
        postgres.query(DATABASE, SPOIL)?;
        let unreadable = &one("WalletFrozen") | &one("WalletBatchSplit");
        prometheus.wait("its alerts fire", || Ok(&unreadable - &prometheus.fired()?))?;
    }
    println!("the sweeper is held");
    reserve(&server)?;
    let mut held = postgres.client("psql");
    let mut held = held.args(["-q", "-d", DATABASE, "-c", HOLD_LEASES]).stdout(Stdio::null()).spawn()?;
    let sweeper = &one("WalletSweepsStopped") | &one("WalletHoldsOverdue");
    let fired = prometheus.wait("its alerts fire", || Ok(&sweeper - &prometheus.fired()?));
    let _ = held.kill();
    held.wait()?;
    fired?;
    println!("PostgreSQL stops");
    postgres.stop()?;
    prometheus.wait("the alerts fire", || Ok(&without_down - &prometheus.fired()?))?;
    println!("the server stops");
    drop(server);
    prometheus.wait("the last alert fires", || Ok(&one(DOWN) - &prometheus.fired()?))?;
    println!("all {} alerts have fired", names.len());
    Ok(())
}

/// Starts a server on a SQLite file with a certificate that ends in a day.
fn with_short_certificate(folder: &Path, monitoring: &str) -> Result<Server> {
    let name = |name: &str| folder.join(name).display().to_string();
    let (certificate, key) = (name("cert.pem"), name("key.pem"));
    let mut openssl = command("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1"]);
    run_command(openssl.args(["-out", &certificate, "-keyout", &key]).stderr(Stdio::null()))?;
    let url = format!("sqlite://{}", name("wallet.db"));
    let options = ["--monitoring-listen", monitoring, "--tls-cert", &certificate, "--tls-key", &key];
    Server::wallet(&program("wallet-server"), &url, &options)
}

/// Starts a receiver that answers each connection with 410 Gone. Returns its address.
fn gone() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let mut connection = BufReader::new(connection);
            // The answer follows the headers of the message.
            let headers = connection
                .by_ref()
                .lines()
                .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()));
            headers.for_each(drop);
            let _ = connection.get_mut().write_all(GONE);
        }
    });
    Ok(address)
}

/// Makes a job that is never ended.
fn reserve(server: &Server) -> Result<()> {
    JOB.iter().try_for_each(|(method, message)| call(server, method, message))
}

fn call(server: &Server, method: &str, message: &str) -> Result<()> {
    let mut curl = command("curl");
    curl.args(["--silent", "--show-error", "--fail-with-body", "-H", "content-type: application/json"]);
    curl.args(["-d", message, &format!("{}/wallet.v1.{method}", server.endpoint)]);
    run_command(curl.stdout(Stdio::null()))
}

/// A running wallet-load, which is killed when it is dropped.
struct Load(Child);

impl Load {
    fn start(server: &Server, options: &[&str]) -> Result<Self> {
        let mut load = command(program("wallet-load"));
        load.args(["--endpoint", &server.endpoint, "--wallets", "50", "--seconds", "3600", "--no-check"]);
        load.args(options).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(load.spawn().context("wallet-load does not run")?))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn one(alert: &str) -> Missing {
    BTreeSet::from([alert.to_owned()])
}

/// The path of a program of the debug build.
fn program(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

#[expect(clippy::disallowed_methods, reason = "a drill has one thread and no runtime")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Names of alerts or expressions that are still expected.
type Missing = BTreeSet<String>;
