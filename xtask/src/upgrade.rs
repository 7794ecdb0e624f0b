//! A drill: two servers are upgraded from an earlier release and rolled back under load. The test
//! `crash::upgrade` carries it out; this task builds the program of the earlier release for it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::process::{cargo, command, output, run as run_command, target};
use crate::tools::Tools;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The commit or the tag of the release before. Default: the last tag, or without tags the last commit that changed
    /// migrations/
    #[arg(long, value_name = "COMMIT")]
    from: Option<String>,
    /// A wallet-server of the release before, instead of a build
    #[arg(long, value_name = "PROGRAM", conflicts_with = "from")]
    old: Option<PathBuf>,
    /// The calls that are acknowledged between two steps
    #[arg(long, default_value_t = 5_000)]
    calls: u32,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let variables = Tools::Postgres.find()?;
    let old = match &options.old {
        Some(program) => fs::canonicalize(program).with_context(|| program.display().to_string())?,
        None => built(&commit(options.from.as_deref())?)?,
    };
    println!("the release before is {}", old.display());
    let test = ["--package", "wallet-server", "--test", "it", "--", "--nocapture", "crash::upgrade"];
    let mut test = cargo(["test", "--locked"].into_iter().chain(test));
    test.env("WALLET_OLD_SERVER", &old).env("WALLET_UPGRADE_CALLS", options.calls.to_string());
    run_command(variables.set(&mut test))
}

/// Returns the commit of the release before.
fn commit(from: Option<&str>) -> Result<String> {
    let resolved = |name: &str| {
        output(command("git").args(["rev-parse", "--verify", "--short=12", &format!("{name}^{{commit}}")]))
    };
    if let Some(from) = from {
        return resolved(from);
    }
    let tags = output(command("git").args(["tag", "--merged", "HEAD", "--sort=-creatordate"]))?;
    if let Some(tag) = tags.lines().next() {
        return resolved(tag);
    }
    let last = output(command("git").args(["log", "-1", "--format=%H", "--", "migrations"]))?;
    resolved(&last)
}

/// Builds wallet-server as of a commit, unless it has been built before. The build shares the folder of this one, so
/// that crates that both use are built once.
fn built(commit: &str) -> Result<PathBuf> {
    let folder = target().join("upgrade").join(commit);
    let program = folder.join("wallet-server");
    if program.exists() {
        return Ok(program);
    }
    let (source, archive) = (folder.join("src"), folder.join("src.tar"));
    fs::create_dir_all(&source)?;
    run_command(command("git").args(["archive", commit, "--output"]).arg(&archive))?;
    run_command(command("tar").arg("--extract").arg("--file").arg(&archive).arg("--directory").arg(&source))?;
    println!("building wallet-server as of {commit}");
    let mut build = cargo(["build", "--locked", "--package", "wallet-server", "--bin", "wallet-server"]);
    run_command(build.current_dir(&source).env("CARGO_TARGET_DIR", target()))?;
    fs::copy(target().join("debug/wallet-server"), &program)?;
    Ok(program)
}
