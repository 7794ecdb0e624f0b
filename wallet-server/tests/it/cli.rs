//! The binary as a user or a script runs it: its output and its exit codes.

mod backup;
mod catalog;
mod config;
mod doctor;
mod health;
mod manual;
mod refused;
mod serve;
mod terminal;
mod verify;
mod webhooks;

use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The longest run of a command that is expected to end without a signal.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The exit code and the output of a finished command.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The binary with these arguments and, of all `WALLET_` variables, only these.
fn wallet_server(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wallet-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WALLET_")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null());
    command
}

/// Runs a command to its end. One that serves instead of refusing is killed and has no exit code.
pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command = wallet_server(arguments, environment);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let process = child.id().to_string();
    let (ended, end) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if end.recv_timeout(TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-KILL", &process]).status();
        }
    });
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    drop(ended);
    watchdog.join().expect("the watchdog");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}
