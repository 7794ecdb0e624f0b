//! A private PostgreSQL that a test can kill and reconfigure.

use std::fs;
use std::process::{Command, Stdio};

use super::eventually::{eventually, poll};
use super::postgres::{Postgres, output};

impl Postgres {
    /// A private cluster; removed when dropped.
    pub(crate) fn private() -> Postgres {
        Postgres::start(&[], "")
    }

    /// A private cluster that archives its WAL once it has an `archive_command`; removed when dropped.
    pub(crate) fn archiving() -> Postgres {
        Postgres::start(&[], "archive_mode = on\n")
    }

    /// The folder of the cluster, in which its user may write.
    pub(crate) fn folder(&self) -> String {
        self.dir.display().to_string()
    }

    /// Runs a script of the shell as the user of the server, with its programs on the path.
    pub(crate) fn shell(&self, script: &str, environment: &[(&str, &str)]) {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", script]);
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").expect("a path"));
        command.env("PATH", path).envs(environment.iter().copied());
        let output = self.prepared(command).output().expect("bash");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The URL of a database of this cluster for a role, which needs no password.
    pub(crate) fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs a statement as the superuser, in a session of its own.
    pub(crate) fn sql(&self, sql: &str) {
        let port = self.port.to_string();
        self.run("psql", &["-q", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-c", sql]);
    }

    /// Changes a setting of the whole cluster and reloads its configuration.
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.sql(&format!("ALTER SYSTEM SET {name} = '{value}'"));
        self.sql("SELECT pg_reload_conf()");
    }

    /// Ends all sessions of a database.
    pub(crate) fn end_sessions(&self, database: &str) {
        self.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        ));
    }

    /// Waits until a COMMIT hangs, which takes a while after the setting that causes it.
    pub(crate) async fn wait_until_commits_hang(&self) {
        let psql = |sql: &str| {
            let mut psql = Command::new(self.bin.join("psql"));
            psql.args(["-qAt", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres", "-c", sql]);
            psql.stderr(Stdio::null());
            self.prepared(psql)
        };
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let mut n = 0;
        let mut commit = psql("CREATE TABLE hangs()").spawn().expect("psql");
        eventually("a COMMIT hangs", async || {
            if commit.try_wait().expect("its state").is_some() {
                n += 1;
                commit = psql(&format!("CREATE TABLE hangs_{n}()")).spawn().expect("psql");
            }
            let hanging = output(&mut psql(waiting)).expect("their number");
            if hanging == "0" { Err(n) } else { Ok(()) }
        })
        .await;
        commit.kill().expect("it can be killed");
        commit.wait().expect("it is gone");
    }

    /// Starts the server again after [`Postgres::stop_at_once`].
    pub(crate) fn start_again(&self) {
        assert!(self.try_start(""), "{}", fs::read_to_string(self.log()).unwrap_or_default());
    }

    /// Sends SIGKILL to every process of the server, then starts it again; it recovers from its log.
    pub(crate) fn kill_and_restart(&self) {
        let pid_file = format!("{}/postmaster.pid", self.data());
        let running = fs::read_to_string(&pid_file).expect("it runs");
        let server = running.lines().next().expect("its process id");
        let processes = output(Command::new("ps").args(["-A", "-o", "ppid=", "-o", "pid="])).expect("ps");
        let pairs = processes.lines().filter_map(|line| line.trim().split_once(' '));
        let children = pairs.filter(|(parent, _)| *parent == server).map(|(_, child)| child.trim());
        let all: Vec<&str> = [server].into_iter().chain(children).collect();
        // A process may have ended between the listing and the signal.
        Command::new("kill").arg("-KILL").args(&all).stderr(Stdio::null()).status().expect("kill");
        let dead = |state: &str| state.starts_with('Z');
        let states = || output(Command::new("ps").args(["-o", "stat=", "-p", &all.join(",")]));
        let gone = || states().is_none_or(|states| states.lines().all(dead));
        poll("the processes of PostgreSQL are gone", gone);
        // In containers that do not reap dead processes, these files would name a process that seems to live.
        for file in [pid_file, format!("{}/.s.PGSQL.{}.lock", self.dir.display(), self.port)] {
            fs::remove_file(file).expect("a file with its process id");
        }
        assert!(self.try_start(""), "{}", fs::read_to_string(self.log()).unwrap_or_default());
    }
}
