//! The programs that the tests need. `scripts/lib/tools.sh` finds or installs them, because `scripts/test` needs them
//! before any Rust runs.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, command};

/// A group of programs that `tools.sh` finds or installs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tools {
    /// Cargo and a C compiler.
    Rust,
    /// Those, and the server programs of PostgreSQL.
    Postgres,
    /// The same, and the programs of the drill of the alerts.
    Alerts,
    /// Cargo and a C compiler, and the programs that examine packages.
    Package,
    /// Cargo, the Python environment and Node.js, which have the programs of the documentation site.
    Site,
    /// Everything that the tests use.
    Tests,
}

/// The environment variables by which the tests find their tools.
#[derive(Debug)]
pub(crate) struct Variables(Vec<(String, String)>);

impl Tools {
    /// Finds or installs the programs.
    pub(crate) fn find(self) -> Result<Variables> {
        let needs = match self {
            Self::Rust => "need_rust",
            Self::Postgres => "need_rust; need_postgres; export WALLET_TEST_PG_BIN=$postgres_bin",
            Self::Alerts => "need_rust; need_postgres; need_prometheus",
            Self::Package => "need_rust; need_package_tools",
            Self::Site => "need_rust; need_python; need_node",
            Self::Tests => "need_test_tools",
        };
        // Standard output is for the variables alone.
        let script = format!(
            "set -euo pipefail; exec 3>&1 1>&2; source scripts/lib/tools.sh; {needs}; printenv --null >&3"
        );
        let environment = process::output(command("bash").args(["-c", &script, "cargo xtask"]))?;
        Ok(Variables(of_tests(&environment)))
    }
}

impl Variables {
    /// Sets the variables for a command.
    pub(crate) fn set<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The variables of the tests in an environment whose entries end with NUL.
fn of_tests(environment: &str) -> Vec<(String, String)> {
    let entries = environment.split('\0').filter_map(|entry| entry.split_once('='));
    let ours = entries.filter(|(name, _)| name.starts_with("WALLET_TEST_"));
    ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_of_the_tests_are_passed_on() {
        let found = of_tests("HOME=/root\0WALLET_TEST_PG_BIN=/usr/lib/pg = 15/bin\0WALLET_SEED=1\0");
        assert_eq!(found, [("WALLET_TEST_PG_BIN".to_owned(), "/usr/lib/pg = 15/bin".to_owned())]);
    }
}
