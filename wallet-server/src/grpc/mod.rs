//! The gRPC server, the only module that uses protobuf: it parses requests, calls the engine or the queries, and
//! renders the replies.
//!
//! [`router`] lists the services and the layers around them. [`from_proto`] and [`to_proto`] convert between
//! messages and core types. [`status`] converts errors to `Status`. No rule about credits is here.

mod admin;
mod call;
mod catalog;
mod connect;
mod error;
mod event;
mod from_proto;
mod gzip;
mod health;
mod key;
mod layers;
mod limits;
mod many;
mod origins;
mod router;
mod serve;
mod services;
mod status;
mod tenant;
mod test_clock;
#[cfg(test)]
mod test_service;
mod to_proto;
mod transport;
mod wallet;
mod watch;
mod webhook;

pub(crate) use health::{Condition, Health};
pub(crate) use origins::Origins;
pub use origins::{NoOrigin, Origin};
pub(crate) use serve::{ServeError, call_metrics, serve};
pub(crate) use services::Services;
pub(crate) use transport::Tls;
pub use transport::{ClientCertificates, ClientKey, NoClientKey, TlsError, TlsFiles};
pub(crate) use webhook::webhook_bodies;
