//! Subcommands of cargo that a task calls. They are installed into `target/tools` when they are first needed.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::process::{self, cargo, root};

/// The path of a subcommand of cargo in this version, for example `cargo-mutants`. Installs it if it is missing.
pub(crate) fn find(name: &str, version: &str) -> Result<PathBuf> {
    let place = root().join("target/tools");
    let place_text = place.to_str().context("the path of the repository is not UTF-8")?;
    let installed = process::output(&mut cargo(["install", "--list", "--root", place_text]))?;
    if !has_tool(&installed, name, version) {
        let version = format!("={version}");
        let arguments = ["install", "--root", place_text, "--locked", "--version", &version, name];
        process::run(&mut cargo(arguments)).with_context(|| format!("cannot install {name}"))?;
    }
    let program = place.join("bin").join(name);
    ensure!(program.is_file(), "{} does not exist: delete target/tools and try again", program.display());
    Ok(program)
}

/// Returns whether the output of `cargo install --list` has a program in this version.
fn has_tool(installed: &str, name: &str, version: &str) -> bool {
    installed.lines().any(|line| line.strip_suffix(':') == Some(&format!("{name} v{version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_of_another_version_is_not_the_one_that_is_needed() {
        let installed = "cargo-deny v0.20.2:\n    cargo-deny\ncargo-mutants v27.1.0:\n    cargo-mutants";
        assert!(has_tool(installed, "cargo-mutants", "27.1.0"));
        assert!(!has_tool(installed, "cargo-mutants", "27.1"));
        assert!(!has_tool(installed, "mutants", "27.1.0"));
    }
}
