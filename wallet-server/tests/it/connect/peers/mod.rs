//! Programs with client libraries that make the calls of a test and print their answers.

pub(super) mod browser;

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::calls::Answer;
use crate::harness::tool;

/// A program that reads calls and prints answers; killed when dropped.
pub(super) struct Peer {
    name: &'static str,
    program: Child,
    calls: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Holds the script and the descriptors.
    _folder: TempDir,
}

impl Peer {
    pub(super) fn node(base: &str, ca: &str, key: &str) -> Self {
        Self::start("Node.js", "WALLET_TEST_NODE", include_str!("node.cjs"), [base, ca, key])
    }

    pub(super) fn python(base: &str, ca: &str, key: &str) -> Self {
        Self::start("Python", "WALLET_TEST_PYTHON", include_str!("client.py"), [base, ca, key])
    }

    fn start(name: &'static str, variable: &str, script: &str, [base, ca, key]: [&str; 3]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [file, descriptors] = ["script", "descriptors"].map(|name| folder.path().join(name));
        fs::write(&file, script).unwrap();
        fs::write(&descriptors, wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
        let mut program = Command::new(tool(variable))
            .arg(file)
            .args([base, ca])
            .arg(descriptors)
            .arg(key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect(name);
        let calls = program.stdin.take().expect("its input is piped");
        let answers = BufReader::new(program.stdout.take().expect("its output is piped")).lines();
        Self { name, program, calls, answers, _folder: folder }
    }

    /// Makes a call over each protocol. Returns the answers with the name of their protocol.
    pub(super) fn answers(&mut self, method: &str, text: &str) -> Vec<(String, Answer)> {
        writeln!(self.calls, "{}", json!({ "method": method, "text": text })).expect(self.name);
        let line = self.answers.next().unwrap_or_else(|| panic!("{} has ended", self.name)).expect("text");
        let answers: Map<String, Value> = serde_json::from_str(&line).expect("JSON");
        let answers =
            answers.into_iter().map(|(name, answer)| (format!("{} {name}", self.name), read(answer)));
        answers.collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Returns the answer that a program has printed.
fn read(mut answer: Value) -> Answer {
    match answer.get_mut("message") {
        Some(message) => Ok(message.take()),
        None => Err((
            answer["code"].as_u64().expect("a code"),
            answer["text"].as_str().expect("a text").to_owned(),
            answer["details"].as_array().expect("details").clone(),
        )),
    }
}
