//! The client libraries of Connect for Node.js watch a wallet: by JSON, bare messages, gRPC-Web and gRPC, over both
//! versions of HTTP.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use wallet_client::v1::{self, Scope};

use crate::harness::{Database, Front, Server, tool, with_key};

/// Runs a script with the server's address, the descriptors and these words, and returns the lines that it prints.
fn run(script: &str, server: &Server, words: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let [file, descriptors] = ["watch.cjs", "descriptors"].map(|name| folder.path().join(name));
    fs::write(&file, script).unwrap();
    fs::write(&descriptors, wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
    let output = Command::new(tool("WALLET_TEST_NODE"))
        .args([file, server.endpoint().into(), descriptors])
        .args(words)
        .output()
        .expect("Node.js runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

async fn each_protocol_watches(database: Database) {
    let front = Front::new(database);
    let key = front.key("default", "all");
    let server = front.serve().await;
    let client = with_key(&server, &key).await;
    for wallet in ["own", "other"] {
        client.create_wallet(v1::CreateWalletRequest::new(wallet)).await.unwrap();
    }
    let wanted = v1::CreateWalletTokenRequest::new("own", [Scope::Read]);
    let token = client.create_wallet_token(wanted).await.unwrap().token;
    let sessions = run(include_str!("watch.cjs"), &server, &[&key, &token]);
    let names = ["json-1.1", "proto-1.1", "web-1.1", "json-2", "proto-2", "web-2", "grpc-2"];
    let expected = names.into_iter().enumerate().map(|(before, name)| {
        let seen =
            [&before.to_string(), &(before + 1).to_string(), "PermissionDenied", "NOT_FOR_WALLET_TOKEN"];
        json!({ "name": name, "seen": seen })
    });
    assert_eq!(sessions, expected.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_for_node_watch_a_wallet_with_its_token_on_sqlite() {
    each_protocol_watches(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_for_node_watch_a_wallet_with_its_token_on_postgres() {
    each_protocol_watches(Database::postgres()).await;
}
