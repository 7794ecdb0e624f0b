//! The functions of `scripts/lib/tools.sh` about disks and temporary files.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use crate::style::root;

/// Runs functions of the script, with this folder of temporary files.
fn sourced(functions: &str, folder: &Path, environment: &[(&str, &str)]) -> Output {
    let script = format!("set -euo pipefail; source {}/scripts/lib/tools.sh; {functions}", root().display());
    let mut bash = Command::new("bash");
    bash.args(["-c", &script, "scripts/test"]).env_remove("WALLET_TEST_SPACE_MB").env("TMPDIR", folder);
    bash.envs(environment.iter().copied()).output().expect("bash")
}

#[test]
fn tests_do_not_begin_on_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let of = |space: &str| sourced("need_space", folder.path(), &[("WALLET_TEST_SPACE_MB", space)]);
    assert!(of("0").status.success());
    let refused = of("1000000000");
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{text}");
    let target = format!(" MiB on the disk of {}/target, which has ", root().display());
    assert!(text.starts_with("test: the tests need ") && text.contains(&target), "{text}");
    assert!(text.contains("delete files"), "{text}");
    assert_eq!(of("much").status.code(), Some(1));
}

#[test]
fn temporary_files_of_killed_runs_are_removed_and_those_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let [killed, running, unknown] = ["wallet-run-killed", "wallet-run-running", "wallet-run-unknown"]
        .map(|name| folder.path().join(name));
    for folder in [&killed, &running, &unknown] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("wallet.db"), "credits").unwrap();
    }
    fs::write(killed.join("lock"), "").unwrap();
    let lock = File::create(running.join("lock")).unwrap();
    lock.lock().unwrap();
    let output = sourced("use_own_tmpdir; touch $TMPDIR/mine; echo $TMPDIR", folder.path(), &[]);
    assert!(output.status.success(), "{output:?}");
    let own = String::from_utf8(output.stdout).unwrap();
    assert!(own.starts_with(folder.path().join("wallet-run-").to_str().unwrap()), "{own}");
    assert!(!Path::new(own.trim()).exists(), "it is removed at the end");
    assert!(!killed.exists() && running.join("wallet.db").exists() && unknown.join("wallet.db").exists());
}
