//! Messages to core types, by noun. Every bad field of a request is found at once; what depends on a catalog, a
//! clock or a wallet is left to the core.

mod amount;
mod clock;
mod duration;
mod entitlement;
mod event;
mod grant;
mod id;
mod instant;
mod list;
mod operation;
mod reservation;
mod settlement;
mod subscription;
mod text;
mod usage;
mod violations;
mod wallet;

pub(super) use text::key_path;
pub(super) use violations::Violations;
