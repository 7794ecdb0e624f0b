//! Attackers in processes of their own, next to a good client: all of its calls succeed, the memory of the server stays
//! bounded, and newcomers are served during the attack and after it.
//!
//! The 99th percentile of the good client's jobs stays below five times that before the attack, or below a fixed bound.
//! Other tests may keep the machine busy for a while, so a time that is too long is measured again, while the attack
//! goes on.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::task::block_in_place;
use wallet_client::{ClientConfig, WalletClient};

use super::{Besieged, does_a_job, soon};
use crate::harness::{Process, tool};
use crate::tls::Certificate;

const MIB: u64 = 1024 * 1024;
/// The most memory that an attack may take: 64 MiB of unread replies, and what is needed to make them.
const MOST: u64 = 200 * MIB;
/// The most memory of an open connection, and the most connections of a server.
const PER_CONNECTION: u64 = 48 * 1024;
const CONNECTIONS: u64 = 8_192;
/// The 99th percentile that is always accepted.
const ACCEPTED: Duration = Duration::from_secs(2);
/// The longest time until newcomers are served after an attack.
const RECOVERY: Duration = Duration::from_secs(5);
/// The rounds of an attack, each with a number of jobs of the good client.
const ROUNDS: usize = 3;
const JOBS: usize = 20;
/// The most times that a time is measured until it is short enough.
const TIMES: usize = 5;

/// A process that attacks; killed when dropped.
struct Attacker {
    process: Child,
    rounds: Lines<BufReader<ChildStdout>>,
}

impl Attacker {
    fn start(name: &str, address: &str, count: usize) -> Self {
        let mut python = Command::new(tool("WALLET_TEST_PYTHON"));
        python.args(["-c", include_str!("attack.py"), name, address, &count.to_string()]);
        let mut process = python.stdout(Stdio::piped()).spawn().expect("Python runs");
        let rounds = BufReader::new(process.stdout.take().expect("its output is piped")).lines();
        Self { process, rounds }
    }

    /// Waits for the end of a round. Returns the number of connections that are held open.
    fn round(&mut self) -> usize {
        let line = self.rounds.next().expect("the attacker goes on").expect("text");
        line.parse().expect("a number")
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs jobs of the good client. Returns the 99th percentile of their times.
async fn jobs(client: &WalletClient, name: &str) -> Duration {
    let mut times = Vec::new();
    for n in 0..JOBS {
        let begun = Instant::now();
        soon(does_a_job(client, &format!("{name}-{n}"))).await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[JOBS * 99 / 100]
}

/// Attacks a server that speaks plaintext. `count` is the number of frames, calls or connections of a round.
async fn withstands(attack: &str, count: usize) {
    let besieged = Besieged::start(|database| Process::start(database, &[])).await;
    siege(&besieged, attack, count, MOST).await;
    recovers(&besieged).await;
}

/// Waits for a job of a newcomer after an attack.
async fn recovers(besieged: &Besieged) {
    let took = short(RECOVERY, async |n| {
        let begun = Instant::now();
        soon(besieged.serves_a_newcomer(&format!("last-{n}"))).await;
        begun.elapsed()
    });
    let took = took.await;
    assert!(took < RECOVERY, "{took:?}");
}

/// Measures a time until it is below the bound, at most [`TIMES`] times. Returns the last one.
async fn short(bound: Duration, mut measure: impl AsyncFnMut(usize) -> Duration) -> Duration {
    let mut took = Duration::MAX;
    for n in 0..TIMES {
        took = measure(n).await;
        if took < bound {
            break;
        }
    }
    took
}

async fn siege(besieged: &Besieged, attack: &str, count: usize, most: u64) {
    let calm = jobs(&besieged.good, "calm").await;
    let before = besieged.server.memory("VmRSS");
    let mut attacker = Attacker::start(attack, besieged.address(), count);
    let (mut slowest, accepted) = (Duration::ZERO, ACCEPTED.max(5 * calm));
    for round in 0..ROUNDS {
        block_in_place(|| attacker.round());
        let took = short(accepted, async |n| jobs(&besieged.good, &format!("round-{round}-{n}")).await);
        slowest = slowest.max(took.await);
    }
    let taken = besieged.server.memory("VmHWM").saturating_sub(before);
    assert!(taken < most, "{attack}: {} MiB", taken / MIB);
    drop(attacker);
    let after = jobs(&besieged.good, "after").await;
    println!(
        "{attack}: p99 of a job {calm:?} before, {slowest:?} during, {after:?} after; {} MiB",
        taken / MIB
    );
    assert!(slowest < accepted, "{attack}: {slowest:?} instead of {calm:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_reset_at_once_harm_no_other_client() {
    withstands("rapid_reset", 5_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_an_end_harm_no_other_client() {
    withstands("continuation_flood", 5_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_come_byte_by_byte_harm_no_other_client() {
    withstands("slow_headers", 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_come_byte_by_byte_harm_no_other_client() {
    withstands("slow_body", 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_of_zero_bytes_harm_no_other_client() {
    withstands("zero_windows", 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_messages_and_lists_above_their_bounds_harm_no_other_client() {
    withstands("oversized", 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed_bombs_harm_no_other_client() {
    withstands("bombs", 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_harms_no_other_client() {
    withstands("garbage", 50).await;
}

/// The nightly run sets WALLET_IDLE_CONNECTIONS to 10,000, more than the server takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_idle_connections_harm_no_other_client() {
    let count = std::env::var("WALLET_IDLE_CONNECTIONS").map_or(500, |text| text.parse().expect("a number"));
    let most = MIB * 40 + PER_CONNECTION * u64::try_from(count).unwrap().min(CONNECTIONS);
    let besieged = Besieged::start(|database| Process::start(database, &[])).await;
    siege(&besieged, "idle_connections", count, most).await;
    recovers(&besieged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_handshakes_that_come_byte_by_byte_harm_no_other_client() {
    let certificate = Certificate::new();
    let (pem, key) = (certificate.path("server.pem"), certificate.path("server.key"));
    let ca = std::fs::read_to_string(certificate.path("ca.pem")).unwrap();
    let config = |server: &Process| {
        ClientConfig::new(format!("https://{}", server.address)).ca_certificate(ca.clone())
    };
    let flags = ["--tls-cert", &pem, "--tls-key", &key];
    let besieged = Besieged::start_as(|database| Process::start(database, &flags), config).await;
    siege(&besieged, "slow_handshake", 100, MOST).await;
    let newcomer = soon(WalletClient::connect(config(&besieged.server))).await.unwrap();
    soon(does_a_job(&newcomer, "last")).await;
}
