//! The section about production, pasted line by line into an empty folder, with a fresh PostgreSQL and other ports.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::{blocks_of, section};
use crate::harness::{Postgres, tool};

/// The lines that a reader adapts.
const ADAPTED: [&str; 2] = [
    "postgres=postgres://wallet@localhost database=wallet parameters=''",
    "name=localhost first=0.0.0.0:50051 second=0.0.0.0:50052",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_with_tls_and_keys_share_a_postgresql_when_the_section_is_pasted() {
    let cluster = Postgres::private();
    cluster.sql("CREATE ROLE wallet LOGIN CREATEDB");
    let blocks: Vec<&str> = blocks_of(section("## In production")).collect();
    assert_eq!(blocks[0].lines().collect::<Vec<_>>(), ADAPTED, "the first block is what readers adapt");
    let url = cluster.url("wallet", "wallet");
    let postgres = url.strip_suffix("/wallet").unwrap();
    let parameters = "?sslmode=disable&sslrootcert=/etc/ssl/db.pem";
    let [first, second] = [(); 2].map(|()| free_port());
    let adapted = format!(
        "postgres={postgres} database=wallet parameters='{parameters}'\n\
         name=localhost first=0.0.0.0:{first} second=0.0.0.0:{second}"
    );
    // Nothing else is replaced. A failed test leaves no server behind.
    let pasted = [&["trap 'kill $(jobs -p) 2>/dev/null || true' EXIT", &adapted][..], &blocks[1..]].concat();

    let [folder, bin] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    symlink(env!("CARGO_BIN_EXE_wallet-server"), bin.path().join("wallet-server")).unwrap();
    for (name, variable) in [("grpcurl", "WALLET_TEST_GRPCURL"), ("curl", "WALLET_TEST_CURL")] {
        symlink(tool(variable), bin.path().join(name)).unwrap();
    }
    let programs = std::env::var("WALLET_TEST_PG_BIN").unwrap_or_default();
    let path = format!("{}:{programs}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("timeout")
        .args(["120", "bash", "-euo", "pipefail", "-c", &pasted.join("\n")])
        .current_dir(&folder)
        .env("PATH", path)
        .output()
        .expect("bash");
    let logs = ["first.log", "second.log"].map(|log| fs::read_to_string(folder.path().join(log)));
    assert!(output.status.success(), "{output:?} {logs:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let balances =
        printed.matches(r#""amount": "1000""#).count() + printed.matches(r#""amount":"1000""#).count();
    assert!(balances >= 3, "TopUp, grpcurl and curl show the credits: {printed}");
    assert!(printed.contains("1 wallet"), "verify has read the ledger: {printed}");
    let report = wallet_server::verify(&url).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
