//! The command line of `wallet-load`.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::transport::Transport;

/// The connections of an open loop.
const CONNECTIONS: usize = 64;
/// The calls of a closed loop that share a connection: single ones, of which the server accepts 100, and calls with
/// many items, of which it executes 4.
const CALLS_PER_CONNECTION: usize = 64;
const CALLS_WITH_MANY_PER_CONNECTION: usize = 4;
/// The jobs of a closed loop that share a connection if their calls travel together.
const COALESCED_JOBS_PER_CONNECTION: usize = 1_024;

/// Puts a wallet server under load and measures its throughput and its latency.
///
/// A closed loop keeps a number of jobs in flight. An open loop starts jobs at a fixed rate, regardless of the answers,
/// and measures each from its intended start. Calls are not repeated: an overloaded server shows as errors.
#[derive(Debug, Clone, Parser)]
#[command(name = "wallet-load")]
pub(crate) struct Args {
    /// The server, as http://HOST:PORT.
    #[arg(long, default_value = "http://127.0.0.1:50051")]
    pub(crate) endpoint: String,
    /// The jobs in flight (closed loop).
    #[arg(long, default_value_t = 64, conflicts_with = "rate", value_parser = at_least_one)]
    pub(crate) in_flight: usize,
    /// Commands per second (open loop).
    #[arg(long, value_parser = positive)]
    pub(crate) rate: Option<f64>,
    /// The connections. Default: one per 64 jobs in flight, or 64 with --rate; one per 1,024 jobs if calls travel
    /// together; with --many one per 4 calls.
    #[arg(long, value_parser = at_least_one)]
    connections: Option<usize>,
    /// The way in which the calls travel.
    #[arg(long, value_enum, default_value_t = Transport::Unary)]
    pub(crate) transport: Transport,
    /// Jobs of a ReserveMany and of the SettleMany after it, 1 to 256. Only for pairs in a closed loop. Default: each
    /// job makes its own calls.
    #[arg(long, conflicts_with_all = ["rate", "mix"], value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(crate) many: Option<u64>,
    /// The commands of a job.
    #[arg(long, value_enum, default_value_t = Mix::Pairs)]
    pub(crate) mix: Mix,
    /// The wallets. 1 is a hot wallet.
    #[arg(long, default_value_t = 10_000, value_parser = at_least_one)]
    pub(crate) wallets: usize,
    /// The exponent of a Zipf distribution of jobs over wallets, for example 1.0. Default: all are equally likely.
    #[arg(long, value_parser = positive)]
    pub(crate) zipf: Option<f64>,
    /// The measured time in seconds. 0 only creates the wallets.
    #[arg(long, default_value_t = 10.0, value_parser = not_negative)]
    pub(crate) seconds: f64,
    /// The time in seconds before the measurement.
    #[arg(long, default_value_t = 2.0, value_parser = not_negative)]
    pub(crate) warm_up: f64,
    /// The deadline of a call in seconds.
    #[arg(long, default_value_t = 5.0, value_parser = positive)]
    pub(crate) deadline: f64,
    /// The prefix of all ids. Two runs may share an id, and with it the wallets, if only one of them has jobs.
    /// Default: random.
    #[arg(long, default_value_t = random_id())]
    pub(crate) run_id: String,
    /// Do not compare the balances with the replies, for a server that keeps none.
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Print the result as one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The commands of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mix {
    /// Reserve, then Settle.
    Pairs,
    /// Reserve, Start, Extend, and Settle; one job in ten fails, one is cancelled.
    Life,
    /// TopUp of a small amount.
    TopUps,
    /// Estimate with a wallet.
    Estimate,
    /// GetBalance, without grants.
    Balance,
}

impl Mix {
    /// Returns the number of commands of a job that succeeds.
    pub(crate) const fn commands(self) -> u32 {
        match self {
            Mix::Pairs => 2,
            Mix::Life => 4,
            Mix::TopUps | Mix::Estimate | Mix::Balance => 1,
        }
    }
}

impl Args {
    pub(crate) fn connections(&self) -> usize {
        let suitable = match (self.rate, self.calls_in_flight(), self.transport) {
            (Some(_), ..) => CONNECTIONS,
            (None, Some(calls), _) => calls.div_ceil(CALLS_WITH_MANY_PER_CONNECTION),
            (None, None, Transport::Coalesced) => self.in_flight.div_ceil(COALESCED_JOBS_PER_CONNECTION),
            (None, None, Transport::Unary) => self.in_flight.div_ceil(CALLS_PER_CONNECTION),
        };
        self.connections.unwrap_or(suitable)
    }

    /// Returns the calls with many items in flight, if there are such calls.
    pub(crate) fn calls_in_flight(&self) -> Option<usize> {
        let items = usize::try_from(self.many?).unwrap_or(usize::MAX);
        Some(self.in_flight.div_ceil(items))
    }

    /// Returns the time between the starts of two jobs of an open loop.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.rate.map(|rate| Duration::from_secs_f64(f64::from(self.mix.commands()) / rate))
    }
}

fn random_id() -> String {
    format!("load-{:016x}", RandomState::new().hash_one(0))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "expected a number of at least 1".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    not_negative(text).ok().filter(|n| *n > 0.0).ok_or_else(|| "expected a number above 0".to_owned())
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0);
    number.ok_or_else(|| "expected a number of at least 0".to_owned())
}
