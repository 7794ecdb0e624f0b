//! The author of a command, as entries record it.

use crate::value::ids::{CallId, Principal};

/// The author of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub principal: Principal,
    /// The request id of the call, if its caller sent one.
    pub call: Option<CallId>,
}

impl Author {
    /// Returns the author of due events and of the server's own commands.
    pub fn system() -> Self {
        Self { principal: Principal::system(), call: None }
    }
}
