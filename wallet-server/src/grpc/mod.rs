//! The gRPC door: everything that knows protobuf. Requests are parsed, handed on, and answers rendered.
//!
//! [`router`] lists the services and every layer around them; [`from_proto`] and [`to_proto`] are the arrows
//! between messages and core types; [`status`] turns whatever went wrong into a `Status`, in one place.
//! No rule about credits lives here.

mod admin;
mod call;
mod catalog;
mod error;
mod event;
mod from_proto;
mod health;
mod layers;
mod limits;
#[cfg(test)]
mod misbehaving;
mod router;
mod serve;
mod services;
mod status;
mod to_proto;
mod transport;
mod wallet;

pub(crate) use health::{Condition, Health};
pub(crate) use limits::GrpcLimits;
pub(crate) use serve::{ServeError, serve};
pub(crate) use services::Services;
