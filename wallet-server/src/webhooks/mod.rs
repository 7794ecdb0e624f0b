//! Webhooks: endpoints that get the items of the feed by HTTP POST, in the format of Standard Webhooks 1.0.0.
//!
//! [`endpoints`] creates and changes endpoints, [`deliverer`] serves each endpoint in a task of its own, [`round`]
//! sends the messages of a round and records their results, and [`test_message`] sends one test message. The other
//! modules do not read the database: they have the URLs and addresses that may be called, signatures, the schedule of
//! attempts, and one attempt over HTTP.

mod address;
mod deliverer;
mod endpoints;
mod metrics;
mod resolver;
mod round;
mod schedule;
mod sender;
mod signature;
mod test_message;
mod url;

pub(crate) use address::Allowed;
pub(crate) use deliverer::{Deliverer, Render};
pub(crate) use endpoints::{
    EndpointChange, EndpointInfo, EndpointState, MAX_ENDPOINTS, NewEndpoint, WebhookError, Webhooks,
};
pub(crate) use metrics::DeliveryMetrics;
pub(crate) use sender::{Failure, FailureKind, Message, Sender};
pub(crate) use signature::Secret;
pub(crate) use test_message::TestResult;
pub(crate) use url::WebhookUrl;
