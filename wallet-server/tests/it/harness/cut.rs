//! A private PostgreSQL for power cuts: it is recorded from a clean start and recovered from what the disk kept.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::eventually::poll;
use super::postgres::Postgres;
use super::strace::{Recording, under_strace};

/// Small logs and few buffers, so that files are reused and pages written during a test.
const SETTINGS: &str = "shared_buffers = 2MB\nbgwriter_delay = 10ms\nmin_wal_size = 4MB\nmax_wal_size = 4MB\n\
     autovacuum_naptime = 1s\n";
/// A recovered cluster is not cut again, so it need not sync. Its server needs --accept-unsafe-database.
const REVIVED: &str = "-c fsync=off";

impl Postgres {
    /// A private cluster with small logs; removed when dropped.
    pub(crate) fn with_short_logs() -> Postgres {
        Postgres::start(&["--wal-segsize=1"], SETTINGS)
    }

    /// A private cluster that does not wait for the disk; removed when dropped.
    pub(crate) fn without_fsync() -> Postgres {
        Postgres::start(&[], "fsync = off\nfull_page_writes = off\n")
    }

    /// The data directory.
    pub(crate) fn files(&self) -> PathBuf {
        PathBuf::from(self.data())
    }

    /// Stops the cluster cleanly and copies its files. Returns the copy's path.
    pub(crate) fn end_and_keep(&self) -> PathBuf {
        self.run("pg_ctl", &["stop", "-m", "fast", "-D", &self.data()]);
        let kept = self.dir.join("kept");
        let mut copy = Command::new("cp");
        copy.args(["-a", &self.data()]).arg(&kept);
        assert!(self.prepared(copy).status().expect("cp").success(), "its files cannot be copied");
        kept
    }

    pub(crate) fn start_recorded(&self) -> (Child, Recording) {
        let trace = self.dir.join("trace");
        let mut command = under_strace(&self.bin.join("postgres"), &trace, Path::new(&self.log()));
        command.args(["-D", &self.data(), "-p", &self.port.to_string()]).stdout(Stdio::null());
        let mut server = self.prepared(command).spawn().expect("strace starts");
        let stderr = server.stderr.take().expect("strace's errors are piped");
        let ready = || {
            let mut ask = Command::new(self.bin.join("pg_isready"));
            ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .expect("pg_isready")
                .success()
        };
        poll("PostgreSQL accepts connections", || {
            let ended = server.try_wait().expect("its state");
            assert_eq!(ended, None, "{}", fs::read_to_string(self.log()).unwrap_or_default());
            ready()
        });
        (server, Recording::new(&trace, stderr))
    }

    /// Writes the buffers to the files and begins a new log.
    pub(crate) fn checkpoint(&self) {
        let port = self.port.to_string();
        self.run("psql", &["-q", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-c", "CHECKPOINT"]);
    }

    /// Stops the server without writing anything more.
    pub(crate) fn stop_at_once(&self) {
        self.run("pg_ctl", &["stop", "-m", "immediate", "-D", &self.data()]);
    }

    /// Starts the server on the existing files.
    pub(crate) fn recover(&self) {
        assert!(self.try_start(REVIVED), "{}", fs::read_to_string(self.log()).unwrap_or_default());
    }
}

/// Restores a folder to its copy, times included. Skips the many files that have not changed.
pub(crate) fn restore(kept: &Path, folder: &Path) {
    let names =
        |folder| fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    for name in names(folder) {
        let (before, now) = (kept.join(&name), folder.join(&name));
        if before.exists() {
            continue;
        }
        let gone = if now.is_dir() { fs::remove_dir_all(&now) } else { fs::remove_file(&now) };
        gone.expect("a new file can be removed");
    }
    for name in names(kept) {
        let (before, now) = (kept.join(&name), folder.join(&name));
        let state = before.metadata().expect("it was kept");
        if state.is_dir() {
            assert!(now.is_dir(), "{} has gone", now.display());
            restore(&before, &now);
        } else if !now.metadata().is_ok_and(|now| is_same(&state, &now)) {
            fs::copy(&before, &now).expect("a copy");
            chown(&now, Some(state.uid()), Some(state.gid())).expect("its owner");
            let file = File::options().write(true).open(&now).expect("the copy");
            file.set_modified(state.modified().expect("its time")).expect("the same time");
        }
    }
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    let state = |file: &Metadata| (file.len(), file.mtime(), file.mtime_nsec());
    state(one) == state(other)
}
