//! The client against a server that answers by script, on a real port. What the wallet really answers is tested with
//! the wallet; here it is how the client takes what it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is test code")]

mod calls;
mod holds;
mod scripted;
mod surface;
