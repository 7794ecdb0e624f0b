//! The Debian package: made from the binary of the image, examined by lintian, installed and purged.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cargo_tool;
use crate::process::{command, run as run_command};

const VERSION: &str = "3.8.0";

/// Makes the package from the release folder of `source`, and checks it. The folder of an installed package is `root`.
pub(super) fn check(source: &Path, root: &Path) -> Result<()> {
    let package = make(source)?;
    // Reports errors; a warning is shown.
    run_command(command("lintian").args(["--allow-root", "--fail-on", "error"]).arg(&package))?;
    fs::create_dir_all(root.join("var/lib/dpkg/info"))?;
    fs::write(root.join("var/lib/dpkg/status"), "")?;
    // Dependencies are not in the folder, and the scripts run outside it.
    let dpkg = |arguments: &[&str]| {
        let mut dpkg = command("dpkg");
        dpkg.arg(format!("--root={}", root.display()));
        dpkg.args(["--force-depends", "--force-script-chrootless"]).args(arguments);
        run_command(&mut dpkg)
    };
    dpkg(&["--install", package.to_str().context("a path")?])?;
    let installed = |path: &str| root.join(path).exists();
    for path in [
        "usr/bin/wallet-server",
        "usr/share/bash-completion/completions/wallet-server",
        "usr/share/fish/vendor_completions.d/wallet-server.fish",
        "usr/share/zsh/vendor-completions/_wallet-server",
        "usr/share/doc/wallet-server/examples/alerts.yml",
        "usr/share/doc/wallet-server/examples/dashboard.json",
        "etc/wallet-server/wallet.toml",
        "lib/systemd/system/wallet-server.service",
    ] {
        ensure!(installed(path) || installed(&format!("usr/{path}")), "the package has no {path}");
    }
    let pages = fs::read_dir(source.join("target/release/man"))?.collect::<Result<Vec<_>, _>>()?;
    ensure!(pages.len() > 10, "only {} manual pages", pages.len());
    for page in pages {
        let page = format!("usr/share/man/man1/{}", page.file_name().display());
        ensure!(installed(&page), "the package has no {page}");
    }
    run_command(
        command(root.join("usr/bin/wallet-server"))
            .args(["config", "check"])
            .arg(root.join("etc/wallet-server/wallet.toml")),
    )?;
    let data = root.join("var/lib/wallet-server/data");
    fs::create_dir_all(&data)?;
    fs::write(data.join("wallet.db"), "credits")?;
    dpkg(&["--purge", "wallet-server"])?;
    ensure!(
        !installed("usr/bin/wallet-server") && !installed("etc/wallet-server/wallet.toml"),
        "purge leaves files"
    );
    ensure!(data.join("wallet.db").exists(), "purge deletes data");
    println!("the package is installed, and its purge leaves the data");
    Ok(())
}

fn make(source: &Path) -> Result<PathBuf> {
    run_command(command("scripts/package-files").arg(source.join("target/release")))?;
    let tool = cargo_tool::find("cargo-deb", VERSION)?;
    let folder = source.join("package");
    fs::create_dir_all(&folder)?;
    let mut deb = command(tool);
    deb.args(["--no-build", "--package", "wallet-server", "--output"]).arg(&folder);
    run_command(deb.env("CARGO_TARGET_DIR", source.join("target")))?;
    let made = fs::read_dir(&folder)?.next().context("cargo-deb makes no package")??;
    Ok(made.path())
}
