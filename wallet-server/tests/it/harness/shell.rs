//! Commands of the documents, run as they are pasted: in a folder of their own, with the programs of the test.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{Process, tool};

/// Folders of the system, which folders of the test replace.
const PLACES: [&str; 3] = ["/etc/wallet-server", "/var/lib/wallet-server", "/var/backups"];

/// A folder to paste commands in.
pub(crate) struct Shell {
    folder: TempDir,
}

impl Shell {
    /// Makes a folder with the server's binary and the tools of the tests on the path. The programs `without` do
    /// nothing.
    pub(crate) fn new(without: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).expect("a folder of programs");
        symlink(env!("CARGO_BIN_EXE_wallet-server"), bin.join("wallet-server")).expect("a link");
        for (name, variable) in [("grpcurl", "WALLET_TEST_GRPCURL"), ("curl", "WALLET_TEST_CURL")] {
            symlink(tool(variable), bin.join(name)).expect("a link");
        }
        for program in without {
            fs::write(bin.join(program), "#!/bin/sh\n").expect("a program");
            fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755)).expect("rights");
        }
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs the lines of a block, which must succeed.
    pub(crate) fn paste(&self, block: &str, environment: &[(&str, &str)]) -> Output {
        let output = self.command(block, environment).output().expect("bash");
        assert!(output.status.success(), "{block}\n{output:?}");
        output
    }

    /// Like [`Shell::paste`]; returns what the commands print.
    pub(crate) fn answer(&self, block: &str, environment: &[(&str, &str)]) -> String {
        String::from_utf8(self.paste(block, environment).stdout).expect("text")
    }

    /// Starts a server with a line of a document, on a free port.
    pub(crate) fn serve(&self, line: &str) -> Process {
        assert!(line.starts_with("wallet-server"), "{line}");
        Process::started(&mut self.command(&format!("exec {line}"), &[("WALLET_LISTEN", "127.0.0.1:0")]))
    }

    fn command(&self, block: &str, environment: &[(&str, &str)]) -> Command {
        let block = PLACES.iter().fold(block.to_owned(), |block, place| {
            block.replace(place, &format!("{}{place}", self.folder.path().display()))
        });
        let programs = std::env::var("WALLET_TEST_PG_BIN").unwrap_or_default();
        let path = format!("{}:{programs}:{}", self.path("bin"), std::env::var("PATH").expect("a path"));
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", &block])
            .current_dir(&self.folder)
            .env("PATH", path)
            .envs(environment.iter().copied());
        command
    }
}
