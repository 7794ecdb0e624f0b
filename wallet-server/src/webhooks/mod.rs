//! Webhooks: endpoints that get the items of the feed by HTTP POST, in the format of Standard Webhooks 1.0.0.
//!
//! [`endpoints`] creates and changes endpoints, [`deliverer`] serves each endpoint in turn, and [`round`] which messages are
//! sent together; [`mod@test`] sends one message on command. The rest knows no database: the URLs and addresses that may be called, signatures, the schedule of attempts, and one attempt over HTTP.

mod address;
mod deliverer;
mod endpoints;
mod metrics;
mod resolver;
mod round;
mod schedule;
mod sender;
mod signature;
mod test;
mod url;

pub(crate) use address::Allowed;
pub(crate) use deliverer::{Deliverer, Render};
pub(crate) use endpoints::{
    EndpointChange, EndpointInfo, EndpointState, MAX_ENDPOINTS, NewEndpoint, WebhookError, Webhooks,
};
pub(crate) use metrics::DeliveryMetrics;
pub(crate) use sender::{Failure, FailureKind, Message, Sender};
pub(crate) use signature::Secret;
pub(crate) use test::Tested;
pub(crate) use url::WebhookUrl;
