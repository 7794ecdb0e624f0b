//! The calls of the [Connect protocol](https://connectrpc.com/docs/protocol): a POST with JSON or a protobuf message,
//! over HTTP/1.1 or HTTP/2, answered with a message or with a stream of them.
//!
//! Methods without side effects can also be called by GET ([`query`]).
//!
//! A request becomes a gRPC call before the layers, and the reply of the layers becomes an HTTP reply, so all layers of
//! gRPC calls apply to these, too. [`methods`] lists the methods. [`request`] reads a request and makes it a gRPC
//! message, with JSON read by [`json`]; [`faults`] names the fields that do not fit. [`reply`] renders replies and
//! errors, whose status is that of [`status`], and [`stream`] renders streams. [`unread`] reads the rest of requests
//! that were answered early.

mod faults;
mod json;
mod methods;
mod query;
mod reply;
mod request;
mod status;
mod stream;
mod text;
mod unread;

pub(super) use methods::{Method, Methods};
pub(super) use query::by_post;
pub(super) use reply::{no_method, render};
pub(super) use request::{Converted, Encoding, accepts_gzip, grpc_headers, time_left};
pub(super) use stream::{Envelopes, render_stream};
pub(super) use unread::Unread;

/// The encoding of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Json,
    Proto,
}
