//! The hold of a job from the worker's side: opening it, keeping it alive, ending it.
//!
//! This module owns the heartbeat and the signal to stop. It never ends a job on its own: a hold that is dropped sends
//! nothing, and the server returns the credits when the lease ends.

mod handle;
mod heartbeat;
mod open;
mod stop_reason;
mod worker;

pub use self::handle::Hold;
pub use self::stop_reason::StopReason;
pub use self::worker::Worker;
