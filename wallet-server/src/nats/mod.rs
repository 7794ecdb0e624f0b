//! NATS: publishes the items of all feeds to a stream of JetStream.
//!
//! [`publisher`] reads the feeds and moves their positions, and [`stream`] implements the protocol. Calls do not depend
//! on NATS: while it is unavailable, positions stand still and items wait in the feeds.

mod metrics;
mod publisher;
mod stream;

pub(crate) use metrics::PublisherMetrics;
pub(crate) use publisher::Publisher;
