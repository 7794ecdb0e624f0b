//! A wallet in memory: its rows, and the questions about them. Nothing here changes a stored
//! wallet: methods that take `&mut self` change the copy of a decision.

pub mod alerts;
pub mod auto_top_up;
pub mod balance;
pub mod catalogs;
pub mod free_credits;
pub mod grant;
pub mod horizon;
mod invariants;
pub mod payment;
mod period_grants;
mod period_prices;
mod period_windows;
pub mod profile;
pub mod raises;
pub mod refund;
pub mod rejection;
pub mod reservation;
pub mod rollover;
pub mod sold;
pub mod state;
pub mod subscription;
mod subscription_steps;
pub mod warning;
pub mod window;

pub use horizon::Horizon;
pub use profile::Profile;
pub use state::{
    Balance, InvariantViolation, MAX_OPEN_GRANTS, RequestRecord, UNNUMBERED, Wallet, decision_time,
};

pub use crate::value::wallet_status::WalletStatus;
