//! The programs of the release build.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{cargo, run, target};

/// Builds a program with these arguments of `cargo build`.
pub(crate) fn build(arguments: &[&str]) -> Result<()> {
    run(cargo(["build", "--release", "--locked"]).args(arguments))
}

/// Returns the path of a program, below `target/release`.
pub(crate) fn program(name: &str) -> PathBuf {
    target().join("release").join(name)
}
