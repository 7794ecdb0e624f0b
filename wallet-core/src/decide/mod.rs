//! The decisions: a file per command, which implements [`WalletCommand`]. Its `decide` is a pure function from (wallet,
//! context, command) to a verdict.
//!
//! The wallet that it receives exists, except for CreateWallet. It is not frozen and has been advanced to the instant
//! of the decision. [`crate::command`] lists the commands. A file of a command names no other one: rules that several
//! commands share have files of their own.

mod admission_class;
mod cancel;
mod cancel_subscription;
mod change_plan;
mod change_terms;
mod checks;
mod close_wallet;
pub mod command;
pub(crate) mod context;
mod create_wallet;
pub mod decision;
mod entitlement;
mod extend;
pub mod finalize;
mod grant;
mod job_start;
mod known_payment;
mod pause_subscription;
mod payment_name;
pub(crate) mod periods;
mod process_due;
mod purchase;
mod read_set;
mod record_auto_top_up_failure;
mod record_chargeback;
mod record_payment;
mod record_refund;
mod refund_ahead;
pub(crate) mod refund_claims;
mod refund_subscription;
mod refund_top_up;
mod refunded_share;
mod remedies;
mod replay;
mod reserve;
mod restore;
mod resume_subscription;
mod reverse_charge;
mod reverse_chargeback;
mod revoke_grant;
mod sale;
mod set_auto_top_up;
mod settle;
pub mod spend;
mod start;
mod subscribe;
mod top_up;
mod update_wallet;
pub(crate) mod verdict;
pub(crate) mod wallet_command;

pub use admission_class::AdmissionClass;
pub use cancel::Cancel;
pub use cancel_subscription::CancelSubscription;
pub use change_plan::ChangePlan;
pub use close_wallet::CloseWallet;
pub use context::Context;
pub use create_wallet::CreateWallet;
pub use entitlement::plans_that_allow;
pub use extend::Extend;
pub use grant::Grant;
pub use job_start::StartOptions;
pub use pause_subscription::PauseSubscription;
pub use payment_name::PaymentName;
pub use process_due::ProcessDue;
pub use purchase::PurchaseName;
pub use read_set::ReadSet;
pub use record_auto_top_up_failure::RecordAutoTopUpFailure;
pub use record_chargeback::RecordChargeback;
pub use record_payment::RecordPayment;
pub use record_refund::RecordRefund;
pub use refund_subscription::RefundSubscription;
pub use refund_top_up::RefundTopUp;
pub use remedies::check_funds;
pub use reserve::{ExplicitPrice, PriceSource, Quote, Reserve, check_admission};
pub use resume_subscription::ResumeSubscription;
pub use reverse_charge::ReverseCharge;
pub use reverse_chargeback::ReverseChargeback;
pub use revoke_grant::RevokeGrant;
pub use set_auto_top_up::SetAutoTopUp;
pub use settle::{Cost, Outcome, Settle};
pub use start::Start;
pub use subscribe::Subscribe;
pub use top_up::{PackSale, Purchase, TopUp};
pub use update_wallet::UpdateWallet;
pub use verdict::Verdict;
pub use wallet_command::{SubjectOf, WalletCommand};

pub use crate::catalog::CONCURRENCY;
