//! API keys: their text, the pepper under which they are stored, their scopes, and the check of the key of a call.
//!
//! The id and the checksum of a key are public; its secret is shown once and never stored or logged. [`ApiKey`] has
//! the format, [`Keys`] issues and revokes keys, [`KeyCheck`] recognises them.

mod api_key;
mod check;
mod issue;
mod pepper;
mod scope;

pub(crate) use api_key::{ApiKey, KeyId, Mode};
pub(crate) use check::{Holder, KeyCheck, KeyError};
pub(crate) use issue::{Issue, IssueError, Issued, KeyInfo, Keys};
pub use pepper::{Pepper, PepperError};
pub(crate) use scope::{Scope, Scopes};
