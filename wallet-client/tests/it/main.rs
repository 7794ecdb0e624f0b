//! The client against a service that replies by script, on a real port. The replies of the real server are tested with
//! the server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is test code")]

mod calls;
mod coalescing;
mod holds;
mod streams;
mod surface;
mod test_service;
