//! Sets WALLET_COMMIT to the commit that the binary is built from, for `--version` and the log.
//!
//! The variable of the same name wins, for builds without a repository, as in a container. Otherwise git is asked, in
//! release builds alone: a new commit would rebuild everything after it. The same sources and the same variable make
//! the same binary.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=WALLET_COMMIT");
    let given = std::env::var("WALLET_COMMIT").unwrap_or_default();
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = if given.is_empty() && is_release { commit().unwrap_or_default() } else { given };
    println!("cargo::rustc-env=WALLET_COMMIT={commit}");
}

/// Returns the commit of the repository that this file belongs to. `None` without git, or if the sources are a copy.
fn commit() -> Option<String> {
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    // HEAD changes with a checkout, its log also with a commit on a branch.
    for name in ["HEAD", "logs/HEAD"] {
        let file = git(&["rev-parse", "--path-format=absolute", "--git-path", name])?;
        if Path::new(&file).exists() {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
