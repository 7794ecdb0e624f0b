//! The conversion of messages to core types, a file per noun. All invalid fields of a request are reported at once.
//! Rules that depend on a catalog, a clock or a wallet are in the core.

mod amount;
mod auto_top_up;
mod clock;
mod duration;
mod entitlement;
mod event;
mod feed;
mod grant;
mod id;
mod instant;
mod key;
mod list;
mod operation;
mod reservation;
mod settlement;
mod subscription;
mod tenant;
mod text;
mod usage;
mod violations;
mod wallet;
mod webhook;

pub(super) use key::{MAX_KEY_NAME_BYTES, scope};
pub(super) use text::key_path;
pub(super) use violations::FieldReader;
