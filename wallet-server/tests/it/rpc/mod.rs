//! Each RPC through the wire: what it answers, what it refuses, what it says when asked again.

mod cancel;
mod estimate;
mod extend;
mod reserve;
pub(crate) mod settle;
mod start;
mod top_up;
