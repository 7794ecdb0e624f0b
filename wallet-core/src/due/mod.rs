//! Due events, as decisions.

pub mod advance;
mod renew;
