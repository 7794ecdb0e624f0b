//! Runs other programs from the root of the repository.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Variables that `cargo run` sets for xtask. Programs that xtask starts must not take them for their own.
const OF_CARGO_RUN: [&str; 4] = ["CARGO_BIN_", "CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_"];

/// The root folder of the repository.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The folder of builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// A free address of this machine, for a program that takes the address to listen on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A command that runs in the root of the repository and reads no input.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if OF_CARGO_RUN.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

/// A call of the cargo that runs xtask.
pub(crate) fn cargo<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments);
    cargo
}

/// Runs a command. Returns whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("cannot run {}", words(command)))?;
    Ok(status.success())
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    ensure!(succeeds(command)?, "failed: {}", words(command));
    Ok(())
}

/// Runs a command that must succeed. Returns its output without the white space at its end.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", words(command)))?;
    ensure!(output.status.success(), "failed: {}", words(command));
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// Runs a command that must succeed. Prints its output line by line and appends it to a file.
pub(crate) fn tee(command: &mut Command, file: &Path) -> Result<()> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| words(command))?;
    let mut file = File::options().create(true).append(true).open(file)?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            println!("{line}");
            writeln!(file, "{line}")?;
        }
    }
    ensure!(child.wait()?.success(), "failed: {}", words(command));
    Ok(())
}

/// Sends both outputs of a command to the end of a file.
pub(crate) fn logged<'a>(command: &'a mut Command, file: &Path) -> Result<&'a mut Command> {
    let file = File::options().create(true).append(true).open(file)?;
    Ok(command.stdout(file.try_clone()?).stderr(file))
}

/// The text of a file, with a replacement for bytes that are not UTF-8.
pub(crate) fn text(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Prints the last lines of a log.
pub(crate) fn print_tail(file: &Path) -> Result<()> {
    const LINES: usize = 40;
    let text = text(file)?;
    let lines: Vec<&str> = text.lines().collect();
    for line in &lines[lines.len().saturating_sub(LINES)..] {
        println!("{line}");
    }
    Ok(())
}

/// The words of a command, for messages.
fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
