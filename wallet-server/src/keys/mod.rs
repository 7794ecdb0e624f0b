//! API keys: their text, the pepper under which they are stored, their scopes, the check of the key of a call, and
//! wallet tokens.
//!
//! The id and the checksum of a key are public; its secret is shown once and never stored or logged. [`ApiKey`] has
//! the format, [`Keys`] issues and revokes keys, [`KeyCheck`] recognises them.

mod api_key;
mod call_rate;
mod check;
mod issue;
mod pepper;
mod scope;
mod wallet_token;

pub(crate) use api_key::{ApiKey, KeyId, Mode};
pub(crate) use call_rate::{CallRate, MAX_BURST, MAX_PER_SECOND};
pub(crate) use check::{Access, Credential, KeyCheck, KeyError};
pub(crate) use issue::{IssueError, Issued, KeyInfo, Keys, NewKey, Rotated};
pub use pepper::{Pepper, PepperError};
pub(crate) use scope::{Scope, Scopes};
pub(crate) use wallet_token::{LONGEST as LONGEST_TOKEN, WalletToken};
