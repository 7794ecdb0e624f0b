//! The unit for systemd, and the Debian package that installs it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::{is_command, run, text};
use crate::harness::BINARY;
use crate::style::root;

/// A user without rights, as the unit has one.
const NOBODY: u32 = 65_534;

#[test]
fn the_unit_starts_the_server_with_the_configuration_file_of_the_package() {
    let unit = text("ops/wallet-server.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/wallet-server ")).unwrap();
    let words: Vec<&str> = start.split(' ').collect();
    is_command(&words);
    let file = words.last().unwrap().trim_start_matches('/');
    let manifest = text("wallet-server/Cargo.toml");
    assert!(manifest.contains(&format!("\"{file}\"")), "the package installs {file}");
    let (_, assets) = manifest.split_once("[package.metadata.deb]").expect("a package");
    for line in assets.lines().filter_map(|line| line.trim().strip_prefix("[\"")) {
        let source = line.split('"').next().unwrap();
        let exists = ["wallet-server", "."].iter().any(|folder| root().join(folder).join(source).exists());
        assert!(source.starts_with("target/") || exists, "{source}");
    }
}

/// The folder of the service belongs to its user. Only root can be the operator of this test.
#[test]
fn files_that_root_creates_in_the_folder_of_the_service_belong_to_the_service() {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let [state, pepper, program] = ["state", "pepper", "program"].map(|name| place.path().join(name));
    fs::create_dir(&state).unwrap();
    if state.metadata().unwrap().uid() != 0 {
        return;
    }
    chown(&state, Some(NOBODY), Some(NOBODY)).unwrap();
    fs::write(&pepper, "p".repeat(32)).unwrap();
    fs::copy(BINARY, &program).unwrap();

    let url = format!("sqlite://{}/data/deep/wallet.db", state.display());
    let pepper = pepper.to_str().unwrap();
    let create =
        ["keys", "create", "first", "--scopes", "all", "--database-url", &url, "--key-pepper-file", pepper];
    let by_root = run(&create, &[]);
    assert_eq!(by_root.code, Some(0), "{by_root:?}");
    let data = state.join("data/deep");
    let files: Vec<_> = fs::read_dir(&data).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 2, "the database and its lock: {files:?}");
    for file in files.iter().chain([&data, &state.join("data")]) {
        assert_eq!(file.metadata().unwrap().uid(), NOBODY, "{}", file.display());
    }
    let by_service = Command::new(&program).args(create).uid(NOBODY).gid(NOBODY).output().unwrap();
    assert!(by_service.status.success(), "{by_service:?}");
}
