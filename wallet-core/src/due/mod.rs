//! What falls due, as decisions.

pub mod advance;
mod renew;
