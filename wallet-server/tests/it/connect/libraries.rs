//! The client libraries of Connect for Node.js: JSON, bare messages, gRPC-Web and gRPC, over both versions of HTTP.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Database, Front, tool};

async fn each_protocol_gets_the_same_answers(database: Database) {
    let front = Front::new(database);
    let key = front.key("default", "all");
    let server = front.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let [script, descriptors] = ["client.cjs", "descriptors"].map(|name| folder.path().join(name));
    fs::write(&script, include_str!("client.cjs")).unwrap();
    fs::write(&descriptors, wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
    let output = Command::new(tool("WALLET_TEST_NODE"))
        .args([script, server.endpoint().into(), descriptors, key.into()])
        .output()
        .expect("Node.js runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    let answers: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let expected = ["json-1.1", "proto-1.1", "web-1.1", "json-2", "proto-2", "web-2", "grpc-2"].map(|name| {
        json!({ "name": name, "available": "1000000000000000", "missing": ["NotFound", "WALLET_NOT_FOUND"] })
    });
    assert_eq!(answers, expected);
    assert!(server.verify().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_for_node_get_the_same_answers_with_each_protocol_on_sqlite() {
    each_protocol_gets_the_same_answers(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_for_node_get_the_same_answers_with_each_protocol_on_postgres() {
    each_protocol_gets_the_same_answers(Database::postgres()).await;
}
