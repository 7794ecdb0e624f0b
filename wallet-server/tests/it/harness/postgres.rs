//! A private PostgreSQL for the tests: one temporary cluster per test process, one database per test.
//!
//! The cluster ends with the test process. Rust runs no destructor for a static and a killed process runs none at all,
//! so a watchdog shell holds the other end of a pipe: when the process is gone the pipe closes, and the watchdog stops
//! the server and removes its directory.
//!
//! fsync stays on, because tests kill servers and check what was kept. Deadlocks are detected before any caller times
//! out, because tests count them.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

pub(crate) struct Postgres {
    pub(super) bin: PathBuf,
    /// Holds `data`, the Unix socket and the server's log.
    pub(super) dir: PathBuf,
    user: Option<User>,
    pub(super) port: u16,
    databases: AtomicU32,
    /// The watchdog, whose standard input is the pipe; see the module's documentation.
    _watchdog: Child,
}

/// The user that runs the server, since PostgreSQL refuses to run as root.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// The cluster of this process, started at the first call (about two seconds).
    pub(crate) fn shared() -> &'static Postgres {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Postgres::start(&[], ""))
    }

    /// Creates an empty database and returns its URL.
    pub(crate) fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        self.run("createdb", &["-h", "127.0.0.1", "-p", &port, "-U", "postgres", &name]);
        format!("postgres://postgres@127.0.0.1:{port}/{name}")
    }

    /// Starts a cluster with more arguments for `initdb` and more lines of settings.
    pub(super) fn start(arguments: &[&str], settings: &str) -> Postgres {
        let bin = binaries();
        let user = (id(&["-u"]) == Some(0)).then(User::postgres);
        let dir = tempfile::Builder::new().prefix("wallet-pg-").tempdir().expect("a directory").keep();
        if let Some(User { uid, gid }) = user {
            chown(&dir, Some(uid), Some(gid)).expect("give the directory to the user postgres");
        }
        let _watchdog = watchdog(&bin, &dir, user);
        let mut postgres = Postgres { bin, dir, user, port: 0, databases: AtomicU32::new(0), _watchdog };

        let (data, log) = (postgres.data(), postgres.log());
        let usual = ["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
        postgres.run("initdb", &[&usual, arguments].concat());
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n\
             max_connections = 200\nshared_buffers = 64MB\ndeadlock_timeout = 50ms\n{settings}",
            postgres.dir.display()
        );
        fs::write(format!("{data}/postgresql.auto.conf"), settings).expect("write the settings");
        // Another process may take the free port before the server does.
        let started = (0..5).any(|_| {
            postgres.port = free_port();
            postgres.try_start("")
        });
        assert!(started, "PostgreSQL does not start: {}", fs::read_to_string(log).unwrap_or_default());
        postgres
    }

    /// Starts the server and waits until it accepts connections. Returns whether it does.
    pub(super) fn try_start(&self, options: &str) -> bool {
        let port = format!("-p {} {options}", self.port);
        self.command("pg_ctl")
            .args(["start", "-w", "-D", &self.data(), "-l", &self.log(), "-o", &port])
            .output()
            .is_ok_and(|output| output.status.success())
    }

    pub(super) fn run(&self, program: &str, args: &[&str]) {
        let output = self.command(program).args(args).output().expect(program);
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, program: &str) -> Command {
        self.prepared(Command::new(self.bin.join(program)))
    }

    /// Lets the command run as the server's user.
    pub(super) fn prepared(&self, mut command: Command) -> Command {
        command.stdin(Stdio::null());
        as_user(&mut command, &self.dir, self.user);
        command
    }

    pub(super) fn data(&self) -> String {
        format!("{}/data", self.dir.display())
    }

    pub(super) fn log(&self) -> String {
        format!("{}/log", self.dir.display())
    }
}

impl User {
    fn postgres() -> User {
        let ids = id(&["-u", "postgres"]).zip(id(&["-g", "postgres"]));
        let (uid, gid) = ids.expect("as root the tests need a user `postgres` to run PostgreSQL as");
        User { uid, gid }
    }
}

/// Starts the watchdog. It is started before the cluster, so that the cluster is never without it.
fn watchdog(bin: &Path, dir: &Path, user: Option<User>) -> Child {
    let script = r#"trap "" HUP INT TERM; cat; "$0/pg_ctl" stop -m immediate -D "$1/data"; rm -rf "$1""#;
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(bin).arg(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    as_user(&mut command, dir, user);
    command.spawn().expect("sh")
}

/// Sets a directory that the user may enter, and a process group of its own, so that Ctrl-C reaches only the tests.
fn as_user(command: &mut Command, dir: &Path, user: Option<User>) {
    command.current_dir(dir).process_group(0);
    if let Some(User { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
}

/// The directory of `initdb` and `postgres`.
fn binaries() -> PathBuf {
    let given = env::var("WALLET_TEST_PG_BIN").ok();
    let dir = given.or_else(|| output(Command::new("pg_config").arg("--bindir"))).map(PathBuf::from);
    dir.filter(|dir| dir.join("initdb").exists())
        .expect("the tests need a PostgreSQL server: run scripts/test, or set WALLET_TEST_PG_BIN to its bin directory")
}

fn id(args: &[&str]) -> Option<u32> {
    output(Command::new("id").args(args))?.parse().ok()
}

pub(super) fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("the port's address").port()
}
