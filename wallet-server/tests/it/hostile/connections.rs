//! Peers that connect and send nothing, in any number.

use std::fs;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::{Besieged, does_a_job, soon};
use crate::harness::frames::Raw;
use crate::harness::{Process, tool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_silent_connections_than_descriptors_are_closed_and_block_no_client() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let besieged = Besieged::start(|database| Process::confined(database, 128, &log)).await;
    let mut silent = Vec::new();
    for n in 0..300 {
        let Ok(stream) = soon(TcpStream::connect(besieged.address())).await else { continue };
        silent.push(stream);
        if n % 100 == 99 {
            soon(besieged.serves_a_newcomer(&format!("job-{n}"))).await;
        }
    }
    for mut stream in silent {
        assert!(matches!(soon(stream.read(&mut [0; 64])).await, Ok(0) | Err(_)), "the server sends nothing");
    }
    soon(does_a_job(&besieged.good, "after")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_calls_make_room_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let besieged = Besieged::start(|database| Process::confined(database, 128, &log)).await;
    let mut idle = Vec::new();
    for _ in 0..150 {
        idle.push(Raw::connect(besieged.address(), 65_535).await);
    }
    soon(besieged.serves_a_newcomer("newcomer")).await;
    let mut longest = idle.swap_remove(0);
    while soon(longest.next()).await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_descriptor_left_it_waits_quietly_and_serves_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let besieged = Besieged::start(|database| Process::confined(database, 128, &log)).await;
    besieged.server.limit_descriptors(4);
    let mut waiting = TcpStream::connect(besieged.address()).await.unwrap();
    // While no connection can be accepted, calls on open connections still work.
    let begun = Instant::now();
    for n in 0.. {
        does_a_job(&besieged.good, &format!("job-{n}")).await;
        if begun.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    let lines = fs::read_to_string(&log).unwrap();
    let output = lines.matches("cannot accept connections").count();
    assert!((1..=20).contains(&output), "{output} lines");
    besieged.server.limit_descriptors(128);
    soon(besieged.serves_a_newcomer("newcomer")).await;
    waiting.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    soon(waiting.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("POST"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_despite_silent_connections_and_logs_nothing_false() {
    let times = [("WALLET_LIMITS_DRAIN_MS", "60000"), ("WALLET_LIMITS_PREFACE_TIME_MS", "60000")];
    let mut log = None;
    let mut besieged = Besieged::start(|database| {
        let (process, lines) = Process::start_logged_with(database, &[], &times);
        log = Some(lines);
        process
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(besieged.address()).await.unwrap());
    }
    let mut idle = Raw::connect(besieged.address(), 65_535).await;
    soon(does_a_job(&besieged.good, "job")).await;
    let begun = Instant::now();
    besieged.server.stop();
    // The drain time is a minute, so the server did not wait for it.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let lines = log.unwrap().join().unwrap();
    assert!(!lines.contains("still"), "{lines}");
    while soon(idle.next()).await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_faults_do_not_fill_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let besieged = Besieged::start(|database| Process::confined(database, 256, &log)).await;
    let calls = "for i in $(seq 30); do \"$0\" -plaintext -max-time 1 -H \"x-request-id: $1\" -d \"$2\" \"$3\" \"$4\"; done";
    let grpcurl = tool("WALLET_TEST_GRPCURL");
    let id = "x".repeat(4_000);
    for (body, method) in [
        ("{}", "wallet.v1.WalletService/Reserve"),
        ("{\"wallet_id\": \"nobody\"}", "wallet.v1.WalletService/GetBalance"),
    ] {
        let mut shell = std::process::Command::new("bash");
        let done =
            shell.args(["-c", calls]).arg(&grpcurl).args([&id, body, besieged.address(), method]).output();
        assert!(!done.unwrap().status.success());
    }
    flood(&besieged, 2_000).await;
    let lines = fs::read_to_string(&log).unwrap();
    assert!(lines.len() < 32 * 1024, "{} bytes of log", lines.len());
    assert!(!lines.contains("a call failed"), "{lines}");
    soon(does_a_job(&besieged.good, "job")).await;
}

/// Makes calls whose deadline has passed before they arrive, each with a long request id.
async fn flood(besieged: &Besieged, calls: usize) {
    use tonic::Request;
    use wallet_client::v1::wallet_service_client::WalletServiceClient;
    let channel =
        tonic::transport::Endpoint::new(besieged.server.endpoint()).unwrap().connect().await.unwrap();
    let mut client = WalletServiceClient::new(channel);
    for _ in 0..calls {
        let message = wallet_client::v1::GetBalanceRequest { wallet_id: "good".into(), ..Default::default() };
        let mut request = Request::new(message);
        request.metadata_mut().insert("grpc-timeout", "1n".parse().unwrap());
        request.metadata_mut().insert("x-request-id", "y".repeat(4_000).parse().unwrap());
        client.get_balance(request).await.unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_of_too_many_connections_that_have_not_begun_is_closed() {
    let limits = [("WALLET_LIMITS_HALF_OPEN", "16"), ("WALLET_LIMITS_PREFACE_TIME_MS", "60000")];
    let besieged = Besieged::start(|database| Process::start_with(database, &[], &limits)).await;
    let mut silent = Vec::new();
    for _ in 0..24 {
        silent.push(soon(TcpStream::connect(besieged.address())).await.unwrap());
    }
    for oldest in &mut silent[..8] {
        assert!(matches!(soon(oldest.read(&mut [0; 64])).await, Ok(0) | Err(_)), "it is closed");
    }
    soon(besieged.serves_a_newcomer("newcomer")).await;
    let newest = &mut silent[23];
    newest.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    soon(newest.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    soon(does_a_job(&besieged.good, "job")).await;
}

/// Connects from another address of loopback.
async fn from_elsewhere(besieged: &Besieged) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    soon(socket.connect(besieged.address().parse().unwrap())).await.unwrap()
}

/// Begins to watch the health over a connection. Returns whether the server answers.
async fn watches(stream: &mut TcpStream) -> bool {
    let head = "POST /grpc.health.v1.Health/Watch HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+json\r\n\
                content-length: 7\r\n\r\n\0\0\0\0\x02{}";
    let _ = stream.write_all(head.as_bytes()).await;
    matches!(soon(stream.read(&mut [0; 1024])).await, Ok(1..))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_a_number_of_connections_and_others_have_theirs() {
    let limit = [("WALLET_LIMITS_CONNECTIONS_PER_ADDRESS", "8")];
    let besieged = Besieged::start(|database| Process::start_with(database, &[], &limit)).await;
    let mut idle = from_elsewhere(&besieged).await;
    let mut watching = Vec::new();
    for _ in 0..8 {
        watching.push(from_elsewhere(&besieged).await);
        assert!(watches(watching.last_mut().unwrap()).await);
    }
    assert!(
        matches!(soon(idle.read(&mut [0; 64])).await, Ok(0) | Err(_)),
        "the one without a call makes room"
    );
    assert!(!watches(&mut from_elsewhere(&besieged).await).await, "all others have calls");
    soon(besieged.serves_a_newcomer("newcomer")).await;
    soon(does_a_job(&besieged.good, "job")).await;
    drop(watching.pop());
    let served = async {
        while !watches(&mut from_elsewhere(&besieged).await).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(served).await;
}
