//! The binary as people and scripts use it: what it prints, and how it exits.

mod catalog;
mod serve;
mod verify;

use std::process::{Command, Output, Stdio};

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

/// The binary with these arguments, in an environment that says nothing about wallets but this.
fn wallet_server(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wallet-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WALLET_")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null());
    command
}

/// Runs it to its end.
fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let Output { status, stdout, stderr } = wallet_server(arguments, environment).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ended { code: status.code().expect("an exit code"), stdout: text(stdout), stderr: text(stderr) }
}
