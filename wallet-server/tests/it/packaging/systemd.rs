//! The unit for systemd, and the Debian package that installs it.

use super::{is_command, text};
use crate::style::root;

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
