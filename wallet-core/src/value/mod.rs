//! Values: amounts, ids, times and other small types, whose constructors accept only valid ones.

pub mod amount;
pub mod author;
pub mod binary;
pub mod box_map;
pub mod decimal;
pub mod field_violation;
pub mod fingerprint;
pub mod grant_key;
pub mod ids;
pub mod key;
pub mod operation;
pub mod payment_subject;
pub mod period;
pub mod source;
pub(crate) mod stored;
pub mod term;
pub mod time;
pub mod wallet_status;
