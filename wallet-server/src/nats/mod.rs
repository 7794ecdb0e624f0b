//! NATS: publishes the items of all feeds to a stream of JetStream.
//!
//! [`publisher`] reads the feeds and moves their positions, and [`stream`] knows the protocol. Nothing here has an effect
//! on calls: while NATS is away, positions stand still and the feeds are the queue.

mod metrics;
mod publisher;
mod stream;

pub(crate) use metrics::PublisherMetrics;
pub(crate) use publisher::Publisher;
