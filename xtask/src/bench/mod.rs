//! `bench`: the release build under load, with durable commits, next to the echo server and to pgbench.
//!
//! All programs share the cores of one machine, so only ratios within a run are comparable. Each round measures every
//! cell once, and the table has the medians of the rounds. A second build, given with `--against`, takes turns with the
//! first.

mod args;
mod chart;
mod load;
mod metrics_cost;
mod pgbench;
mod results;
mod rounds;
mod run;
mod table;

pub(crate) use args::BenchArgs;
pub(crate) use metrics_cost::{Options as MetricsCostOptions, run as run_metrics_cost};
pub(crate) use run::run;
