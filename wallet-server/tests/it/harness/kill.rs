//! A PostgreSQL of a test's own, which it kills.

use std::fs;
use std::process::{Command, Stdio};

use super::postgres::{Postgres, output};

impl Postgres {
    /// A cluster that nobody else uses. It is gone when dropped.
    pub(crate) fn private() -> Postgres {
        Postgres::start(&[], "")
    }

    /// SIGKILL to every process of the server, then the server again, which recovers from its log.
    pub(crate) fn kill_and_restart(&self) {
        let pid_file = format!("{}/postmaster.pid", self.data());
        let running = fs::read_to_string(&pid_file).expect("it runs");
        let server = running.lines().next().expect("its process id");
        let processes = output(Command::new("ps").args(["-A", "-o", "ppid=", "-o", "pid="])).expect("ps");
        let pairs = processes.lines().filter_map(|line| line.trim().split_once(' '));
        let children = pairs.filter(|(parent, _)| *parent == server).map(|(_, child)| child.trim());
        let all: Vec<&str> = [server].into_iter().chain(children).collect();
        // One that has just ended by itself is all right.
        Command::new("kill").arg("-KILL").args(&all).stderr(Stdio::null()).status().expect("kill");
        let dead = |state: &str| state.starts_with('Z');
        let states = || output(Command::new("ps").args(["-o", "stat=", "-p", &all.join(",")]));
        while states().is_some_and(|states| !states.lines().all(dead)) {}
        // Where nobody buries the dead, these would name a process that seems to live.
        for file in [pid_file, format!("{}/.s.PGSQL.{}.lock", self.dir.display(), self.port)] {
            fs::remove_file(file).expect("a file with its process id");
        }
        assert!(self.try_start(""), "{}", fs::read_to_string(self.log()).unwrap_or_default());
    }
}
