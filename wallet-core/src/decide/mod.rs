//! The decisions: a file per command, each with a pure function from (wallet, context, command) to a verdict.
//!
//! The wallet that they receive exists, is not frozen and has been advanced to the instant of the decision.
//! [`crate::command`] lists the commands and calls these functions.

mod cancel;
mod cancel_subscription;
mod change_plan;
mod checks;
pub mod command;
pub(crate) mod context;
mod create_wallet;
pub mod decision;
mod entitlement;
mod extend;
pub mod finalize;
mod grant;
pub(crate) mod periods;
mod read_set;
mod record_chargeback;
mod record_payment;
mod refund_subscription;
mod refund_top_up;
mod remedies;
mod replay;
mod reserve;
mod resume_subscription;
mod reverse_charge;
mod revoke_grant;
mod settle;
pub mod spend;
mod start;
mod subscribe;
mod top_up;
mod update_wallet;
pub(crate) mod verdict;

pub use cancel::{Cancel, cancel};
pub use cancel_subscription::{CancelSubscription, cancel_subscription};
pub use change_plan::{ChangePlan, change_plan};
pub use context::Context;
pub use create_wallet::{CreateWallet, create_wallet};
pub use entitlement::plans_that_allow;
pub use extend::{Extend, extend};
pub use grant::{Grant, grant};
pub use read_set::ReadSet;
pub use record_chargeback::{RecordChargeback, record_chargeback};
pub use record_payment::{RecordPayment, record_payment};
pub use refund_subscription::{RefundSubscription, refund_subscription};
pub use refund_top_up::{PurchaseName, RefundTopUp, refund_top_up};
pub use reserve::{ExplicitPrice, PriceSource, Quote, Reserve, check_admission, check_funds, reserve};
pub use resume_subscription::{ResumeSubscription, resume_subscription};
pub use reverse_charge::{ReverseCharge, reverse_charge};
pub use revoke_grant::{RevokeGrant, revoke_grant};
pub use settle::{Cost, Outcome, Settle, settle};
pub use start::{Start, StartOptions, start};
pub use subscribe::{Subscribe, subscribe};
pub use top_up::{Purchase, TopUp, top_up};
pub use update_wallet::{UpdateWallet, update_wallet};
pub use verdict::{Subject, Verdict};

pub use crate::catalog::CONCURRENCY;
