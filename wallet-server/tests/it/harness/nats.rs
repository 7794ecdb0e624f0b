//! A private nats-server with JetStream that a test can kill and start again.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::names::tool;

/// The time within which the server must accept connections.
const START: Duration = Duration::from_secs(30);

/// A nats-server whose streams are in a folder; killed when dropped.
pub(crate) struct Nats {
    folder: TempDir,
    port: u16,
    arguments: Vec<String>,
    child: Child,
}

impl Nats {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with more arguments.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Another process may take the free port before the server does.
        for _ in 0..5 {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let port = listener.local_addr().expect("the port's address").port();
            drop(listener);
            if let Some(child) = serve(&folder, port, &arguments).await {
                return Self { folder, port, arguments, child };
            }
        }
        panic!("nats-server does not start");
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Sends SIGKILL and waits until the process is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is gone");
    }

    /// Starts the server again with its streams, after [`Self::kill`].
    pub(crate) async fn start_again(&mut self) {
        let begun = Instant::now();
        // Another process may have the port for a moment.
        while begun.elapsed() < START {
            if let Some(child) = serve(&self.folder, self.port, &self.arguments).await {
                self.child = child;
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nats-server does not start again");
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program and waits until it accepts connections. `None`: it ended.
async fn serve(folder: &TempDir, port: u16, arguments: &[String]) -> Option<Child> {
    let mut command = Command::new(tool("WALLET_TEST_NATS_SERVER"));
    command.args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream", "--store_dir"]);
    command
        .arg(folder.path())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("nats-server");
    let begun = Instant::now();
    loop {
        if child.try_wait().expect("its state").is_some() {
            return None;
        }
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            let mut greeting = String::new();
            let read = BufReader::new(stream).read_line(&mut greeting);
            if read.is_ok() && greeting.starts_with("INFO ") {
                // Another server may have sent the greeting.
                return child.try_wait().expect("its state").is_none().then_some(child);
            }
        }
        assert!(begun.elapsed() < START, "nats-server accepts no connections");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
