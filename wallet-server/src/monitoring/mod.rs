//! The metrics of a running server and the checks whether it is alive and ready, for operators.
//!
//! Each part of the server counts and registers its own metrics: `grpc` the calls, `engine` its batches and its sweeps.
//! [`serve`] answers `/metrics`, `/livez` and `/readyz` on an address of its own.
//! `docs/monitoring.md` lists all metrics. No label names a wallet.

mod http;

use prometheus_client::encoding::text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::grpc::{Condition, Health};

pub(crate) use http::serve;

/// The metrics of a server and its health.
#[derive(Debug)]
pub(crate) struct Monitoring {
    registry: Registry,
    health: Health,
    /// Per condition of the health, 1 if it holds.
    conditions: Family<Vec<(&'static str, String)>, Gauge>,
}

impl Monitoring {
    pub(crate) fn new(mut registry: Registry, health: Health) -> Self {
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("wallet_build", "The release of the server", build);
        let conditions = Family::default();
        registry.register(
            "wallet_condition",
            "1 if a condition for this server to receive calls holds, and 0 if not",
            Family::clone(&conditions),
        );
        Self { registry, health, conditions }
    }

    /// Returns all metrics in the text format of OpenMetrics.
    async fn metrics(&self) -> String {
        let failing = self.health.failing().await;
        for condition in Condition::ALL {
            let labels = vec![("condition", format!("{condition:?}"))];
            self.conditions.get_or_create_owned(&labels).set((!failing.contains(&condition)).into());
        }
        let mut page = String::new();
        // A string takes every text.
        text::encode(&mut page, &self.registry).ok();
        page
    }
}
