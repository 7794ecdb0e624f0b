//! Breaking changes of wallet-client since the last release.

use anyhow::Result;

use crate::cargo_tool;
use crate::process::{command, output, run as run_command};
use crate::tools::Tools;

const VERSION: &str = "0.51.0";

pub(crate) fn run() -> Result<()> {
    Tools::Rust.find()?;
    let tags =
        output(command("git").args(["tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname"]))?;
    let Some(last) = tags.lines().next() else {
        println!("there is no release yet, so nothing is compared (no tag v*)");
        return Ok(());
    };
    println!("comparing wallet-client with {last}");
    let mut check = command(cargo_tool::find("cargo-semver-checks", VERSION)?);
    run_command(check.args(["semver-checks", "--package", "wallet-client", "--baseline-rev", last]))
}
