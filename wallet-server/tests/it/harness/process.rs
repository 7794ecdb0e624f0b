//! The server as a process, which tests can kill.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

use super::Database;
use super::strace::{Recording, under_strace};

/// The program under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_wallet-server");

/// A running `wallet-server`; killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
}

impl Process {
    /// Starts the binary on this database and a free port, and waits until it reports that it serves.
    pub(crate) fn start(database: &Database, arguments: &[&str]) -> Self {
        Self::start_with(database, arguments, &[])
    }

    /// Like [`Process::start`], with a program that may be another build.
    pub(crate) fn start_program(program: &str, database: &Database, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.stderr(Stdio::null());
        Self::spawn(command, database, arguments, &[])
    }

    /// Like [`Process::start`], with more environment variables.
    pub(crate) fn start_with(database: &Database, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(BINARY);
        command.stderr(Stdio::null());
        Self::spawn(command, database, arguments, environment)
    }

    /// Starts the binary on this database and this address.
    pub(crate) fn start_at(database: &Database, address: &str) -> Self {
        Self::of(BINARY, database, address)
    }

    /// Like [`Process::start_at`], with a program that may be of another release.
    pub(crate) fn of(program: &str, database: &Database, address: &str) -> Self {
        let mut command = Command::new(program);
        command.args(["--listen", address, "--database-url", &database.url]);
        Self::started(command.stderr(Stdio::null()))
    }

    /// Starts the binary with the settings of a file alone.
    pub(crate) fn configured(file: &str) -> Self {
        let mut command = Command::new(BINARY);
        Self::started(command.args(["--config", file]).stderr(Stdio::null()))
    }

    /// Like [`Process::start`], with a limit on file descriptors and with its log in a file.
    pub(crate) fn confined(database: &Database, descriptors: u32, log: &Path) -> Self {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("ulimit -n {descriptors} && exec \"$0\" \"$@\""), BINARY]);
        command.stderr(File::create(log).expect("a file for the log"));
        Self::spawn(command, database, &[], &[])
    }

    /// A figure of /proc/PID/status, such as `VmRSS` or `VmHWM`, in bytes.
    pub(crate) fn memory(&self, figure: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line =
            status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).expect(figure);
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib * 1024
    }

    /// Sets the limit on file descriptors.
    pub(crate) fn limit_descriptors(&self, descriptors: u32) {
        let process = self.child.id().to_string();
        let limit = format!("--nofile={descriptors}:");
        let done = Command::new("prlimit").args(["--pid", &process, &limit]).status().expect("prlimit");
        assert!(done.success());
    }

    /// Returns a file of /proc/PID as text.
    pub(crate) fn of_kernel(&self, file: &str) -> String {
        let bytes = std::fs::read(format!("/proc/{}/{file}", self.child.id())).expect("it runs");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Crashes it by SIGABRT. Returns its exit status.
    pub(crate) fn abort(&mut self) -> ExitStatus {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-ABRT", &process]).status().expect("kill").success());
        self.end()
    }

    /// Sends the order to read the certificate again.
    pub(crate) fn hang_up(&self) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &process]).status().expect("kill").success());
    }

    /// Sends SIGSTOP: the process keeps its connections and answers nothing.
    pub(crate) fn pause(&self) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-STOP", &process]).status().expect("kill").success());
    }

    /// Sends SIGTERM and waits for an orderly end.
    pub(crate) fn stop(&mut self) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().expect("kill").success());
        assert!(self.child.wait().expect("it ends").success());
    }

    /// Like [`Process::start`], under strace, which records the calls that change the database's files in `trace`.
    pub(crate) fn recorded(database: &Database, trace: &Path) -> (Self, Recording) {
        let command = under_strace(Path::new(BINARY), trace, Path::new("/dev/null"));
        let mut process = Self::spawn(command, database, &[], &[]);
        let stderr = process.child.stderr.take().expect("strace's errors are piped");
        (process, Recording::new(trace, stderr))
    }

    /// Like [`Process::start`]; the handle returns the standard error once the process has ended.
    pub(crate) fn start_logged(database: &Database) -> (Self, JoinHandle<String>) {
        Self::start_logged_with(database, &[], &[])
    }

    /// Like [`Process::start_logged`], with more arguments and environment variables.
    pub(crate) fn start_logged_with(
        database: &Database,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> (Self, JoinHandle<String>) {
        let mut command = Command::new(BINARY);
        command.stderr(Stdio::piped());
        let mut process = Self::spawn(command, database, arguments, environment);
        let mut stderr = process.child.stderr.take().expect("its errors are piped");
        let log = thread::spawn(move || {
            let mut output = String::new();
            stderr.read_to_string(&mut output).expect("text");
            output
        });
        (process, log)
    }

    fn spawn(
        mut command: Command,
        database: &Database,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--database-url", &database.url]);
        Self::started(command.args(arguments).envs(environment.iter().copied()))
    }

    /// Starts a command that serves.
    pub(crate) fn started(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("its output is piped");
        let mut lines = BufReader::new(stdout).lines();
        let greeting = lines.next().expect("it says where it serves").expect("as text");
        let address = greeting
            .split_once("serving on ")
            .and_then(|(_, rest)| rest.split_once(','))
            .map(|(address, _)| address.to_owned())
            .unwrap_or_else(|| panic!("no address in {greeting:?}"));
        Self { child, address }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the process has died from a signal.
    pub(crate) fn has_died(&mut self) {
        let status = self.child.wait().expect("it is gone");
        assert!(status.code().is_none(), "it ended with {status}");
    }

    /// Waits until the process has ended. Returns its exit status.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// Sends SIGKILL and waits until the process is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
