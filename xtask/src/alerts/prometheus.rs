//! A Prometheus in a temporary folder, which scrapes a server and evaluates the alerts every second.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::{ALERTS, Missing, pause};
use crate::process::{command, free_address, output};

const DASHBOARD: &str = "ops/dashboard.json";
/// Part of the expression for credits that were lost. There are none while all is well.
const LOST: &str = "Expired|Revoked|PaidOut";
/// The longest time until an expectation is met. Sweeps may fail for a minute before an alert.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running Prometheus, which is killed when it is dropped.
pub(super) struct Prometheus {
    child: Child,
    address: String,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts it for a server with this monitoring address.
    pub(super) fn start(monitoring: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let rules = folder.path().join("alerts.yml");
        let text = fs::read_to_string(ALERTS).context(ALERTS)?;
        let at_once = |line: &str| match line.split_once("for: ") {
            Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 1s\n"),
            _ => format!("{line}\n"),
        };
        fs::write(&rules, text.lines().map(at_once).collect::<String>())?;
        let config = folder.path().join("prometheus.yml");
        let settings = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [{}]\n\
             scrape_configs: [{{job_name: wallet, static_configs: [{{targets: [\"{monitoring}\"]}}]}}]\n",
            rules.display()
        );
        fs::write(&config, settings)?;
        let address = free_address()?.to_string();
        let mut prometheus = command("prometheus");
        prometheus.arg(format!("--config.file={}", config.display()));
        prometheus.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        prometheus.arg(format!("--web.listen-address={address}"));
        let child = prometheus.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("prometheus")?;
        Ok(Self { child, address, _folder: folder })
    }

    /// Waits until nothing is missing.
    pub(super) fn wait(&self, event: &str, missing: impl Fn() -> Result<Missing>) -> Result<()> {
        let begun = Instant::now();
        loop {
            let missing = missing();
            match &missing {
                Ok(none) if none.is_empty() => {
                    println!("{event}: after {} s", begun.elapsed().as_secs());
                    return Ok(());
                }
                _ if begun.elapsed() > PATIENCE => {
                    bail!(
                        "waited {} s until {event}, and these are missing: {missing:?}",
                        PATIENCE.as_secs()
                    );
                }
                // It has just been started, or the failure takes its time.
                _ => pause(Duration::from_secs(1)),
            }
        }
    }

    /// The names of all alerts.
    pub(super) fn alerts() -> Result<BTreeSet<String>> {
        let text = fs::read_to_string(ALERTS).context(ALERTS)?;
        let names: BTreeSet<_> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- alert: "))
            .map(str::to_owned)
            .collect();
        ensure!(!names.is_empty(), "{ALERTS} has no alerts");
        Ok(names)
    }

    /// The names of the alerts that have fired so far.
    pub(super) fn fired(&self) -> Result<BTreeSet<String>> {
        let series = self.query("max_over_time(ALERTS{alertstate=\"firing\"}[1h])")?;
        let names = series.iter().filter_map(|series| series["metric"]["alertname"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// The expressions of the dashboard that have no data.
    pub(super) fn empty_panels(&self) -> Result<Missing> {
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(DASHBOARD)?).context(DASHBOARD)?;
        let panels = dashboard["panels"].as_array().context("no panels")?;
        let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
        let mut empty = BTreeSet::new();
        for target in targets {
            let expression = target["expr"].as_str().context("a panel without an expression")?;
            if self.query(expression)?.is_empty() && !expression.contains(LOST) {
                empty.insert(expression.to_owned());
            }
        }
        Ok(empty)
    }

    /// The series that an expression has now.
    fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let url = format!("http://{}/api/v1/query", self.address);
        let mut curl = command("curl");
        curl.args(["--silent", "--get", &url, "--data-urlencode", &format!("query={expression}")]);
        let answer: Value = serde_json::from_str(&output(&mut curl)?).context("Prometheus")?;
        ensure!(answer["status"] == "success", "{expression}: {answer}");
        Ok(answer["data"]["result"].as_array().context("no result")?.clone())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
