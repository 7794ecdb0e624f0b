//! A private PostgreSQL with durable commits, in a temporary folder.
//!
//! A watchdog shell holds the other end of a pipe: when this process is gone, for whatever reason, the pipe closes, and
//! the watchdog stops the server and removes its folder.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use crate::process::{command, free_address, output};

/// The settings, in addition to the defaults. A checkpoint during a measurement would be chance.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
fsync = on
synchronous_commit = on
full_page_writes = on
max_connections = 200
shared_buffers = 256MB
max_wal_size = 8GB
checkpoint_timeout = 30min
";

/// A running PostgreSQL server.
pub(crate) struct Postgres {
    bin: PathBuf,
    dir: PathBuf,
    user: Option<User>,
    port: u16,
    watchdog: Child,
}

/// The user that runs the server, since PostgreSQL refuses to run as root.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl Postgres {
    pub(crate) fn start() -> Result<Self> {
        let bin = binaries()?;
        let user = if id(&["-u"])? == 0 { Some(User::postgres()?) } else { None };
        let dir = tempfile::Builder::new().prefix("wallet-bench-pg-").tempdir()?.keep();
        if let Some(User { uid, gid }) = user {
            chown(&dir, Some(uid), Some(gid))?;
        }
        let script = r#"trap "" HUP INT TERM; cat; "$0/pg_ctl" stop -m fast -D "$1/data"; rm -rf "$1""#;
        let mut watchdog = Command::new("sh");
        watchdog.arg("-c").arg(script).arg(&bin).arg(&dir);
        watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watchdog = as_user(&mut watchdog, &dir, user).spawn()?;

        let port = free_address()?.port();
        let postgres = Self { bin, dir, user, port, watchdog };
        let data = postgres.dir.join("data").display().to_string();
        let initdb = ["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
        output(postgres.command("initdb").args(initdb))?;
        let socket = format!("unix_socket_directories = '{}'\n", postgres.dir.display());
        std::fs::write(format!("{data}/postgresql.auto.conf"), format!("{SETTINGS}{socket}"))?;
        let log = postgres.dir.join("log").display().to_string();
        // The server inherits no pipe of this process, or reading the output of pg_ctl would never end.
        let mut start = postgres.command("pg_ctl");
        start.args(["start", "-w", "-D", &data, "-l", &log, "-o", &format!("-p {port}")]);
        let started = start.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        anyhow::ensure!(started.success(), "PostgreSQL does not start: {}", std::fs::read_to_string(log)?);
        Ok(postgres)
    }

    /// Stops the server, as a crash would.
    pub(crate) fn stop(&self) -> Result<()> {
        let data = self.dir.join("data").display().to_string();
        output(self.command("pg_ctl").args(["stop", "-m", "immediate", "-D", &data])).map(drop)
    }

    /// Creates an empty database and returns its URL.
    pub(crate) fn create(&self, name: &str) -> Result<String> {
        output(self.client("createdb").arg(name))?;
        Ok(format!("postgres://postgres@127.0.0.1:{}/{name}", self.port))
    }

    pub(crate) fn drop_database(&self, name: &str) -> Result<()> {
        output(self.client("dropdb").args(["--force", name])).map(drop)
    }

    /// Runs SQL in a database and returns its output without headings.
    pub(crate) fn query(&self, name: &str, sql: &str) -> Result<String> {
        let output = output(self.client("psql").args(["-q", "-At", "-d", name, "-c", sql]))?;
        Ok(output.trim().to_owned())
    }

    /// A client program that connects to this server.
    pub(crate) fn client(&self, program: &str) -> Command {
        let mut command = self.command(program);
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string()).env("PGUSER", "postgres");
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.stdin(Stdio::null());
        as_user(&mut command, &self.dir, self.user);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

impl User {
    fn postgres() -> Result<Self> {
        let missing = "root cannot run PostgreSQL, and there is no user `postgres`";
        let uid = id(&["-u", "postgres"]).context(missing)?;
        Ok(Self { uid, gid: id(&["-g", "postgres"]).context(missing)? })
    }
}

/// Sets the user, a folder that the user may enter, and a process group that Ctrl-C does not reach.
fn as_user<'a>(command: &'a mut Command, dir: &PathBuf, user: Option<User>) -> &'a mut Command {
    command.current_dir(dir).process_group(0);
    if let Some(User { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// The folder of the programs of PostgreSQL, which the scripts find or install.
fn binaries() -> Result<PathBuf> {
    let script = "source scripts/lib/tools.sh && need_postgres && echo \"$postgres_bin\"";
    let found = output(command("bash").args(["-c", script]))?;
    Ok(PathBuf::from(found.trim()))
}

fn id(arguments: &[&str]) -> Result<u32> {
    Ok(output(command("id").args(arguments))?.trim().parse()?)
}
