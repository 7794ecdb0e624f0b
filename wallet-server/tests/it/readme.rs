//! Runs the commands of the README as they are pasted: with the real grpcurl, by reflection alone.

mod production;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use wallet_server::{Config, TimeSource};

use crate::harness::{Database, Server, tool};

const README: &str = include_str!("../../../README.md");

each_database! {
    async fn the_session_works_when_pasted_and_leaves_the_stated_credits(server: Server) {
        let answers = paste("## A session", &server);
        let called: Vec<&str> = answers.iter().map(|(method, _)| method.as_str()).collect();
        let expected = [
            "CreateWallet", "TopUp", "Estimate", "Reserve", "Start", "Extend", "Settle", "Reserve", "Cancel",
            "GetBalance", "ListEntries",
        ];
        assert_eq!(called, expected);
        let [.., (_, balance), (_, ledger)] = answers.as_slice() else { unreachable!() };
        let promised = stated("That leaves ", " credits,");
        assert_eq!(balance["balances"][0]["available"]["amount"], promised);
        let [by_curl] = &curl(section("## A session"), &server)[..] else { panic!("one call with curl") };
        assert_eq!(by_curl["balances"], balance["balances"]);
        let last = ledger["entries"].as_array().unwrap().last().unwrap();
        assert_eq!(last["balances"][0]["available"]["amount"], promised);
        assert!(server.verify().await.is_clean());
    }

    async fn the_session_pasted_again_changes_nothing_and_only_start_is_refused(server: Server) {
        paste("## A session", &server);
        let before = server.verify().await;
        for (method, answer) in again("## A session", &server) {
            match method.as_str() {
                "Start" => {
                    let refusal = answer.unwrap_err();
                    assert!(refusal.contains("RESERVATION_SETTLED"), "{refusal}");
                    assert!(refusal.contains("reservationEnded"), "grpcurl decodes the figures: {refusal}");
                }
                "CreateWallet" | "TopUp" | "Reserve" | "Settle" | "Cancel" => {
                    assert_eq!(answer.unwrap()["replayed"], true, "{method}");
                }
                _ => assert!(answer.is_ok(), "{method}: {answer:?}"),
            }
        }
        let after = server.verify().await;
        assert_eq!((before.entries, before.digest), (after.entries, after.digest));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_year_passes_in_a_minute_when_pasted_and_leaves_the_stated_credits() {
    let heading = "## A year in a minute";
    assert!(section(heading).contains("--manual-clock"));
    assert!(section(heading).contains("--catalog wallet-server/catalogs/flikly.toml"));
    assert!(
        section(heading).contains("--listen 127.0.0.1:50052"),
        "on another port than the session's server"
    );
    let catalog = include_str!("../../catalogs/flikly.toml").to_owned();
    let config = Config { time: TimeSource::Manual, catalog: Some(catalog), ..Config::default() };
    let server = Server::start_with(Database::sqlite(), config).await;
    let answers = paste(heading, &server);
    let called: Vec<&str> = answers.iter().map(|(method, _)| method.as_str()).collect();
    assert_eq!(called, ["CreateWallet", "Subscribe", "TopUp", "AdvanceClock", "GetBalance"]);
    let (_, balance) = answers.last().unwrap();
    assert_eq!(balance["balances"][0]["available"]["amount"], stated("Bob has ", " credits,"));
    assert!(server.verify().await.is_clean());
}

#[test]
fn the_two_commands_are_in_the_readme() {
    let commands: Vec<&str> = blocks().flat_map(str::lines).collect();
    for command in ["cargo run --release -p wallet-server", "scripts/test"] {
        assert!(commands.contains(&command), "{command} is not a line to paste");
    }
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/test").is_file());
}

/// Runs the commands under a heading. Returns the called methods and their answers.
fn paste(heading: &str, server: &Server) -> Vec<(String, Value)> {
    let answered = again(heading, server).into_iter();
    answered.map(|(method, answer)| (method, answer.unwrap_or_else(|error| panic!("{error}")))).collect()
}

/// Like [`paste`], where calls may be refused.
fn again(heading: &str, server: &Server) -> Vec<(String, Result<Value, String>)> {
    let bin = tempfile::tempdir().unwrap();
    symlink(tool("WALLET_TEST_GRPCURL"), bin.path().join("grpcurl")).unwrap();
    let address = server.address.to_string();
    let answer = |command: String| {
        let method = command.rsplit('/').next().unwrap().trim().to_owned();
        (method, run(&command, bin.path(), &address))
    };
    session(heading).into_iter().map(answer).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_with_json_work_when_pasted() {
    let server = Server::start(Database::sqlite()).await;
    let document = include_str!("../../../docs/json.md");
    let answers = curl(document, &server);
    assert_eq!(answers.len(), 3, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.get("code").is_none()), "{answers:?}");
    let (_, python) = document.split_once("\n```python\n").expect("an example in Python");
    let (python, _) = python.split_once("\n```").expect("its end");
    let python = format!("KEY = ''\n{}", python.replace("\ncall(", "\nanswer = call("));
    let python = python.replace("localhost:50051", &server.address.to_string());
    let output = Command::new(tool("WALLET_TEST_PYTHON"))
        .args(["-c", &format!("{python}\nprint(json.dumps(answer))")])
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let balance: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(balance["balances"][0]["available"]["amount"], "1000");
    let missing = curl_of(
        "curl -sS localhost:50051/wallet.v1.AdminService/GetWallet -H 'content-type: \
        application/json' -d '{\"walletId\": \"nobody\"}'",
        &server,
    );
    let (_, stated) = document.split_once("\n```json\n").expect("an example of an error");
    let (stated, _) = stated.split_once("\n```").expect("its end");
    assert_eq!(missing, serde_json::from_str::<Value>(stated).expect("JSON"));
}

/// Runs the curl commands of a text and returns their answers.
fn curl(text: &'static str, server: &Server) -> Vec<Value> {
    let blocks = blocks_of(text).filter(|block| block.starts_with("curl "));
    let commands =
        blocks.flat_map(|block| block.split("\ncurl ").map(|rest| rest.trim_start_matches("curl ")));
    commands.map(|rest| curl_of(&format!("curl {rest}"), server)).collect()
}

/// Runs a curl command and returns its answer.
fn curl_of(command: &str, server: &Server) -> Value {
    let bin = tempfile::tempdir().unwrap();
    symlink(tool("WALLET_TEST_CURL"), bin.path().join("curl")).unwrap();
    run(command, bin.path(), &server.address.to_string()).unwrap_or_else(|error| panic!("{error}"))
}

/// The text of the README between two pieces of text.
fn stated(before: &str, after: &str) -> &'static str {
    let (_, rest) = README.split_once(before).expect(before);
    rest.split_once(after).expect(after).0
}

/// The section under a heading.
fn section(heading: &str) -> &'static str {
    let (_, rest) = README.split_once(heading).expect(heading);
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

/// All shell blocks of the README.
fn blocks() -> impl Iterator<Item = &'static str> {
    blocks_of(README)
}

fn blocks_of(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split("\n```sh\n").skip(1).map(|rest| rest.split_once("\n```").expect("the block ends").0)
}

/// The commands of a session. A command begins with `grpcurl` and ends before the next, a comment or an empty line.
fn session(heading: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in blocks_of(section(heading)).filter(|block| block.contains("grpcurl")).flat_map(str::lines) {
        if line.starts_with("grpcurl ") {
            commands.push(line.to_owned());
        } else if let Some(command) = commands.last_mut().filter(|_| line.starts_with(' ')) {
            command.push('\n');
            command.push_str(line);
        }
    }
    commands
}

/// Runs a command against the server at `address`, with `bin` first on the path. Returns the answer, or the text of the
/// refusal.
fn run(command: &str, bin: &Path, address: &str) -> Result<Value, String> {
    let port = ["localhost:50051", "localhost:50052"].into_iter().find(|port| command.contains(port));
    let port = port.unwrap_or_else(|| panic!("{command} goes to another port"));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", &command.replace(port, address)])
        .current_dir(bin)
        .env("PATH", path)
        .output()
        .expect("bash");
    if !output.status.success() {
        return Err(format!("{command}\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{command}: {e}")))
}
