//! Due events, as decisions.

pub(crate) mod event;
pub(crate) mod queue;
mod renew;

pub use queue::next_due;
