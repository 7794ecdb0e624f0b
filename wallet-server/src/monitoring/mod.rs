//! The metrics of a running server and the checks whether it is alive and ready, for operators.
//!
//! Each part of the server counts and registers its own metrics: `grpc` the calls, `engine` its batches and its sweeps.
//! [`serve`] answers `/metrics`, `/livez` and `/readyz` on an address of its own.
//! `docs/monitoring.md` lists all metrics. No label names a wallet.

mod http;

use prometheus_client::encoding::text;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::grpc::Health;

pub(crate) use http::serve;

/// The metrics of a server and its health.
#[derive(Debug)]
pub(crate) struct Monitoring {
    registry: Registry,
    health: Health,
}

impl Monitoring {
    pub(crate) fn new(mut registry: Registry, health: Health) -> Self {
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("wallet_build", "The release of the server", build);
        Self { registry, health }
    }

    /// Returns all metrics in the text format of OpenMetrics.
    fn metrics(&self) -> String {
        let mut page = String::new();
        // A string takes every text.
        text::encode(&mut page, &self.registry).ok();
        page
    }
}
