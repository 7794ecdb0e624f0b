//! The result of a run, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::args::Args;
use crate::recorder::Recorder;

/// The result of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    run_id: String,
    mix: String,
    wallets: usize,
    /// The jobs in flight of a closed loop.
    in_flight: Option<usize>,
    /// The commands per second of an open loop.
    rate: Option<f64>,
    connections: usize,
    seconds: f64,
    /// The successful commands per second.
    throughput: f64,
    latency_ms: Latency,
    /// The failed commands by reason.
    errors: BTreeMap<String, u64>,
    /// The successful commands of the whole run, warm-up included.
    commands: u64,
    balances: Balances,
}

/// Latencies of successful commands in milliseconds.
#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

/// The result of the comparison of balances. A difference is an error of the run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Balances {
    Unchecked,
    Correct { wallets: usize },
}

impl Report {
    pub(crate) fn new(args: &Args, recorder: &Recorder, balances: Balances) -> Self {
        let measured = recorder.total();
        Self {
            run_id: args.run_id.clone(),
            mix: format!("{:?}", args.mix).to_lowercase(),
            wallets: args.wallets,
            in_flight: args.rate.is_none().then_some(args.in_flight),
            rate: args.rate,
            connections: args.connections(),
            seconds: args.seconds,
            throughput: if args.seconds > 0.0 { measured.completed as f64 / args.seconds } else { 0.0 },
            latency_ms: Latency::of(&measured.latency),
            errors: measured.errors,
            commands: recorder.succeeded.load(Ordering::Relaxed),
            balances,
        }
    }
}

impl Latency {
    fn of(latencies: &Histogram<u64>) -> Self {
        let at = |quantile| milliseconds(latencies.value_at_quantile(quantile));
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: milliseconds(latencies.max()),
        }
    }
}

fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50, p90, p99, p999, max } = &self.latency_ms;
        writeln!(f, "run         {} ({}, {} wallets)", self.run_id, self.mix, self.wallets)?;
        writeln!(f, "throughput  {:.0} commands/s over {} s", self.throughput, self.seconds)?;
        writeln!(f, "latency ms  p50 {p50:.2}, p90 {p90:.2}, p99 {p99:.2}, p99.9 {p999:.2}, max {max:.2}")?;
        for (reason, count) in &self.errors {
            writeln!(f, "error       {reason}: {count}")?;
        }
        match self.balances {
            Balances::Unchecked => write!(f, "balances    not checked"),
            Balances::Correct { wallets } => write!(f, "balances    correct in {wallets} wallets"),
        }
    }
}
