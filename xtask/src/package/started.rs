//! Starts the binary of the image in its root folder, as its user, with its variables.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::dockerfile::Dockerfile;
use crate::process::{command, free_address};

/// The longest time from the start to the first probe that succeeds.
const START: Duration = Duration::from_secs(60);

/// A running server; killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the image without any setting, which must be refused, and as a trial, which must serve, report that it is
/// healthy, end on SIGTERM and have written into its own folder only.
pub(super) fn check(file: &Dockerfile, root: &Path) -> Result<()> {
    let refused = inside(file, root, &[]).args(&file.arguments).output()?;
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        !refused.status.success() && reason.contains("--tls-cert"),
        "it starts without a certificate: {reason}"
    );
    println!("without settings it is refused: {}", reason.lines().last().unwrap_or_default());

    let port = free_address()?.port();
    let trial = [
        ("WALLET_LISTEN".to_owned(), format!("127.0.0.1:{port}")),
        ("WALLET_MONITORING_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
    ];
    let before = files(root, file)?;
    let child = inside(file, root, &trial).args(&file.arguments).stdout(Stdio::null()).spawn();
    let mut running = Running(child.context("cannot start it")?);
    let [program, probe @ ..] = file.probe.as_slice() else { anyhow::bail!("HEALTHCHECK has no program") };
    ensure!(*program == file.program, "HEALTHCHECK runs {program}");
    let start = Instant::now();
    let healthy = loop {
        let probed = inside(file, root, &trial).args(probe).output()?;
        let line = String::from_utf8_lossy(&probed.stdout).trim().to_owned();
        if probed.status.success() {
            break line;
        }
        ensure!(running.0.try_wait()?.is_none(), "it has ended");
        ensure!(start.elapsed() < START, "it does not become healthy: {line}");
        wait();
    };
    println!("HEALTHCHECK: {healthy}");
    let doctor = inside(file, root, &trial).arg("doctor").output()?;
    let report = String::from_utf8_lossy(&doctor.stdout).into_owned();
    ensure!(doctor.status.success(), "doctor finds errors:\n{report}");
    println!("doctor: {}", report.lines().last().unwrap_or_default());
    let pid = i32::try_from(running.0.id()).ok().and_then(Pid::from_raw).context("a process")?;
    kill_process(pid, Signal::TERM)?;
    let ended = running.0.wait()?;
    ensure!(ended.success(), "after SIGTERM it ends with {ended}");
    let after = files(root, file)?;
    ensure!(before == after, "it writes outside {}: {:?}", file.home, after.difference(&before));
    println!("it ends on SIGTERM, and has written into {} only", file.home);
    Ok(())
}

/// The program in the root folder of the image, with no other environment than that of the image and `more`.
fn inside(file: &Dockerfile, root: &Path, more: &[(String, String)]) -> Command {
    let (user, group) = file.user.split_once(':').unwrap_or((&file.user, &file.user));
    let mut command = command("unshare");
    command.env_clear().envs(file.variables.clone()).envs(more.to_vec());
    command.arg(format!("--root={}", root.display())).arg(format!("--wd={}", file.home));
    command.args([format!("--setgid={group}"), format!("--setuid={user}")]).arg(&file.program);
    command
}

/// The files of the root folder outside the folder of the data.
fn files(root: &Path, file: &Dockerfile) -> Result<BTreeSet<PathBuf>> {
    let data = root.join(file.home.trim_start_matches('/'));
    let (mut found, mut folders) = (BTreeSet::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() && path != data {
                folders.push(path.clone());
            }
            found.insert(path);
        }
    }
    Ok(found)
}

#[expect(clippy::disallowed_methods, reason = "xtask has no runtime")]
fn wait() {
    std::thread::sleep(Duration::from_millis(200));
}
