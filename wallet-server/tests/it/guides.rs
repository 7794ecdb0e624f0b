//! The commands of the guides in `docs/`, run as they are pasted.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use wallet_client::{ClientConfig, Error, WalletClient, v1};

use crate::harness::{Database, Process, Server, Shell, tool};
use crate::style::{files, root};

/// The documents whose commands are pasted by a test, or compared with the product.
const PASTED: [&str; 9] = [
    "README.md",
    "docs/configuration.md",
    "docs/feed.md",
    "docs/json.md",
    "docs/keys.md",
    "docs/operations.md",
    "docs/webhooks.md",
    "docs/workers.md",
    "wallet-client/README.md",
];

/// Documents whose commands no test pastes: those of the gate itself, and those of programs that the tests do not have.
/// The tests of NATS make an equal stream with a client of their own.
const OTHERS: [&str; 2] = ["CONTRIBUTING.md", "docs/nats.md"];

#[test]
fn the_commands_of_every_document_are_known_to_a_test() {
    let with_commands: BTreeSet<String> = files(&root(), ".md")
        .into_iter()
        .filter(|file| fs::read_to_string(file).expect("a document").contains("\n```sh\n"))
        .map(|file| file.strip_prefix(root()).expect("in the repository").display().to_string())
        .collect();
    assert_eq!(with_commands, PASTED.into_iter().chain(OTHERS).map(str::to_owned).collect());
}

/// The shell blocks of a document, in which the port of a running server takes the place of the usual one.
fn blocks(document: &str, address: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs").join(document)).expect(document);
    let blocks = text.split("\n```sh\n").skip(1).map(|rest| rest.split_once("\n```").expect("its end").0);
    blocks
        .map(|block| block.replace("localhost:50051", address).replace("127.0.0.1:50051", address))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_run_by_json_when_the_guide_for_workers_is_pasted() {
    let server = Server::start(Database::sqlite()).await;
    let shell = Shell::new(&[]);
    let [block] = &blocks("workers.md", &server.address.to_string())[..] else { panic!("one block") };
    for _ in 0..2 {
        let printed = shell.answer(block, &[]);
        let answers: Vec<Value> =
            printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(answers.len(), 6, "{answers:?}");
        let receipt = &answers[5]["reservation"];
        assert_eq!(receipt["charged"][0]["amount"], "32", "{receipt}");
        assert_eq!(receipt["returned"][0]["amount"], "8", "{receipt}");
    }
    assert!(server.verify().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_tokens_and_tenants_are_made_when_the_guide_is_pasted() {
    let shell = Shell::new(&[]);
    let [first, _, manage, _, tenants, operate, _] = &blocks("keys.md", "")[..] else {
        panic!("seven blocks")
    };
    let (make, serve) = first.rsplit_once('\n').expect("several lines");
    let made = shell.answer(make, &[]);
    let key = made.lines().last().expect("the key is on the last line").to_owned();
    fs::copy(root().join("wallet-server/catalogs/example.toml"), shell.path("studio.toml"))
        .expect("a catalog");
    // The id of the key of the workers is the third part of the key, which the first command prints.
    let (create, rest) = manage.split_once('\n').expect("several lines");
    let created = shell.answer(create, &[]);
    let workers = created.lines().last().expect("a key").to_owned();
    let id = workers.split('_').nth(2).expect("its id");
    shell.paste(&rest.replace("KEY_ID", id), &[]);
    let studio = shell.answer(tenants, &[]);
    let studio = studio.lines().find(|line| line.contains("cw_live_")).expect("a key").to_owned();
    let (create, _) = operate.split_once('\n').expect("several lines");
    let operator = shell.answer(create, &[]).lines().last().expect("a key").to_owned();
    shell.paste("wallet-server tenants create trial --test", &[]);
    let create = "wallet-server keys create trial --scopes all --tenant trial --key-pepper-file pepper";
    let trial = shell.answer(create, &[]).lines().last().expect("a key").to_owned();

    let server = shell.serve(serve);
    let [_, wallet, _, token, _, operate, advance] = &blocks("keys.md", &server.address)[..] else {
        panic!("seven blocks")
    };
    let environment = [("KEY", key.as_str())];
    shell.paste(wallet, &environment);
    let token: Value = serde_json::from_str(&shell.answer(token, &environment)).expect("JSON");
    assert!(token["token"].as_str().expect("a token").starts_with("cwt_"), "{token}");
    assert!(exists(&server, &key).await);
    assert!(!exists(&server, &studio).await, "another tenant does not find the wallet");
    assert!(with_wallet(&server, &workers).await.is_err(), "the key was revoked");
    let (_, by_rpc) = operate.split_once('\n').expect("several lines");
    let created = shell.answer(by_rpc, &[("OPERATOR_KEY", &operator)]);
    assert!(created.contains("\"unchanged\": true") && created.contains("\"cw_live_"), "{created}");
    let moved = shell.answer(advance, &[("TEST_KEY", &trial)]);
    let moved: Value = serde_json::from_str(&moved).expect("JSON");
    assert!(moved["currentTime"].is_string() && moved["stillDueCount"].is_null(), "{moved}");
}

async fn exists(server: &Process, key: &str) -> bool {
    with_wallet(server, key).await.expect("the key is good")
}

/// Returns whether the wallet of the guide exists for a key.
async fn with_wallet(server: &Process, key: &str) -> Result<bool, Error> {
    let client = WalletClient::connect(ClientConfig::new(server.endpoint()).api_key(key)).await?;
    match client.get_wallet(v1::GetWalletRequest::new("alice")).await {
        Ok(_) => Ok(true),
        Err(error) if error.reason() == Some(v1::ErrorReason::WalletNotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

#[test]
fn a_configuration_is_made_checked_and_served_when_the_guide_is_pasted() {
    let shell = Shell::new(&[]);
    let [block] = &blocks("configuration.md", "")[..] else { panic!("one block") };
    let (settings, serve) = block.rsplit_once('\n').expect("several lines");
    shell.paste(settings, &[]);
    let mut server = shell.serve(serve);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_and_an_endpoint_answer_when_their_guides_are_pasted() {
    let server = Server::start(Database::sqlite()).await;
    let shell = Shell::new(&[]);
    let address = server.address.to_string();
    for document in ["feed.md", "webhooks.md"] {
        let [block] = &blocks(document, &address)[..] else { panic!("one block in {document}") };
        let answer: Value = serde_json::from_str(&shell.answer(block, &[])).expect("JSON");
        let field = if document == "feed.md" { "firstPosition" } else { "endpoint" };
        assert!(answer.get(field).is_some(), "{document}: {answer}");
    }
}

/// Calls of the function in the guide for webhooks, with the signed message of the tests of `webhooks/signature.rs`.
const RECEIVED: &str = r#"
time.time = lambda: 1614265330
headers = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,other v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
print([is_genuine(secret, headers, body) for body in (b'{"test": 2432232314}', b'{"test": 1}')])
time.time = lambda: 1614265330 + 301
print(is_genuine(secret, headers, b'{"test": 2432232314}'))
"#;

#[test]
fn a_receiver_verifies_messages_with_the_lines_of_the_guide() {
    let guide = fs::read_to_string(root().join("docs/webhooks.md")).expect("the guide");
    let (_, python) = guide.split_once("\n```python\n").expect("an example in Python");
    let (python, _) = python.split_once("\n```").expect("its end");
    let output = Command::new(tool("WALLET_TEST_PYTHON"))
        .args(["-c", &format!("{python}\n{RECEIVED}")])
        .output()
        .expect("Python runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[True, False]\nFalse\n", "{output:?}");
}
