//! A drill: boots systemd in namespaces of its own, above the root folder of this machine, and lets it run the unit of
//! the package with a user of its own and all restrictions. It needs root, systemd, and a kernel with overlayfs.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::process::{command, free_address, output, print_tail, text};
use crate::release;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The wallet-server to run, instead of a release build
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// The last line of the drill.
const SOUND: &str = "the unit starts, serves, restarts and stops";

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(
        output(command("id").arg("-u"))? == "0",
        "run it as root: it boots systemd in namespaces of its own"
    );
    let binary = match &options.binary {
        Some(binary) => fs::canonicalize(binary).with_context(|| binary.display().to_string())?,
        None => {
            release::build(&["--package", "wallet-server", "--bin", "wallet-server"])?;
            release::program("wallet-server")
        }
    };
    let folder = tempfile::Builder::new().prefix("wallet-unit-").tempdir()?;
    fs::write(folder.path().join("boot.sh"), include_str!("unit/boot.sh"))?;
    fs::write(folder.path().join("drill.sh"), include_str!("unit/drill.sh"))?;
    fs::copy("ops/wallet-server.service", folder.path().join("wallet-server.service"))?;
    let port = free_address()?.port();
    let mut boot = command("timeout");
    boot.args([
        "180",
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--uts",
        "--ipc",
        "--cgroup",
        "--kill-child",
        "bash",
    ]);
    let booted = boot
        .arg(folder.path().join("boot.sh"))
        .arg(&binary)
        .arg(folder.path())
        .arg(port.to_string())
        .output()?;
    let log = folder.path().join("drill.log");
    ensure!(log.exists(), "systemd does not boot: {}", String::from_utf8_lossy(&booted.stderr));
    print_tail(&log)?;
    ensure!(text(&log)?.lines().last() == Some(SOUND), "the drill of the unit has failed");
    Ok(())
}
