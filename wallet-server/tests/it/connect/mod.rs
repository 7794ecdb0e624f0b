//! Calls with JSON: with curl over both versions of HTTP, next to the same calls of other peers.

mod browsers;
mod calls;
mod get;
mod gzip;
mod hostile;
mod libraries;
mod methods;
mod peers;
mod refusals;
mod streams;

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::tool;

/// curl with the address of a server and the arguments of all its calls.
#[derive(Debug, Clone)]
pub(crate) struct Curl {
    base: String,
    arguments: Vec<String>,
}

/// The answer to a call of curl.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// The version of HTTP.
    pub(crate) version: String,
    pub(crate) content_type: String,
    /// The headers as they arrived.
    pub(crate) head: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answered {
    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(known, _)| *known == name)
            .map(|(_, v)| v)
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Curl {
    /// Returns curl for `base`, for example `http://127.0.0.1:1`, with the option that selects the version of HTTP.
    pub(crate) fn new(base: String, version: &str) -> Self {
        Self { base, arguments: vec![version.to_owned()] }
    }

    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Calls a method with a JSON text.
    pub(crate) fn json(&self, method: &str, text: &str) -> Answered {
        self.post(method, "application/json", text.as_bytes())
    }

    pub(crate) fn post(&self, method: &str, content_type: &str, body: &[u8]) -> Answered {
        let header = format!("content-type: {content_type}");
        self.clone().with(&["-H", &header, "--data-binary", "@-"]).run(method, body)
    }

    /// Makes a request with this body on the standard input of curl.
    pub(crate) fn run(&self, path: &str, body: &[u8]) -> Answered {
        let head = tempfile::NamedTempFile::new().expect("a file");
        let mut curl = Command::new(tool("WALLET_TEST_CURL"))
            .args(["-sS", "--max-time", "60", "-w", "\n%{http_code} %{http_version} %{content_type}"])
            .arg("-D")
            .arg(head.path())
            .args(&self.arguments)
            .arg(format!("{}/{path}", self.base))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("curl runs");
        // A server that refuses a long body need not read all of it.
        let _ = curl.stdin.take().expect("its input is piped").write_all(body);
        let output = curl.wait_with_output().expect("curl ends");
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        let split = output.stdout.iter().rposition(|byte| *byte == b'\n').expect("the line after the body");
        let line = String::from_utf8_lossy(&output.stdout[split + 1..]).into_owned();
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        Answered {
            status: word().parse().expect("a status"),
            version: word(),
            content_type: word(),
            head: std::fs::read_to_string(head.path()).expect("the headers"),
            bytes: output.stdout[..split].to_vec(),
        }
    }
}
