//! One measurement with `wallet-load`.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::args::Sizes;
use crate::process::output;
use crate::release::program;
use crate::server::Server;

/// The mix of `wallet-load` without an option.
const PAIRS: &str = "pairs";

/// A load on a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) mix: &'a str,
    pub(super) wallets: usize,
    pub(super) arrival: Arrival,
    pub(super) is_checked: bool,
    /// More options of `wallet-load`.
    pub(super) options: &'a [&'a str],
    /// The prefix of all ids. Random if empty.
    pub(super) run_id: &'a str,
    pub(super) seconds: f64,
    pub(super) warm_up: f64,
}

/// The way in which jobs start.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arrival {
    InFlight(u32),
    /// Commands per second.
    Rate(f64),
}

/// The result of `wallet-load --json`, as far as it is used here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Measured {
    pub(super) throughput: f64,
    pub(super) latency_ms: Latency,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) commands: u64,
}

/// Latencies in milliseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl<'a> Load<'a> {
    /// Pairs of Reserve and Settle on this number of wallets, with this number of jobs in flight.
    pub(super) fn pairs(wallets: usize, in_flight: u32, sizes: &Sizes) -> Self {
        Self {
            mix: PAIRS,
            wallets,
            arrival: Arrival::InFlight(in_flight),
            is_checked: true,
            options: &[],
            run_id: "",
            seconds: sizes.seconds,
            warm_up: sizes.warm_up,
        }
    }

    /// Runs the load, which fails if a balance is wrong.
    pub(super) fn run(&self, server: &Server) -> Result<Measured> {
        let mut command = Command::new(program("wallet-load"));
        command.args(["--json", "--endpoint", &server.endpoint]);
        if self.mix != PAIRS {
            command.args(["--mix", self.mix]);
        }
        command.args(["--wallets", &self.wallets.to_string(), "--seconds", &self.seconds.to_string()]);
        command.args(["--warm-up", &self.warm_up.to_string()]);
        command.args(self.options);
        match self.arrival {
            Arrival::InFlight(jobs) => command.args(["--in-flight", &jobs.to_string()]),
            Arrival::Rate(rate) => command.args(["--rate", &format!("{rate:.1}")]),
        };
        if !self.is_checked {
            command.arg("--no-check");
        }
        if !self.run_id.is_empty() {
            command.args(["--run-id", self.run_id]);
        }
        serde_json::from_str(&output(&mut command)?).context("wallet-load printed no JSON")
    }
}
