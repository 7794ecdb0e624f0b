//! Views: the parts of a wallet that replies show.
//!
//! A command names the view of its reply. [`UnitOfWork`](crate::UnitOfWork) builds it from the wallet after the command.

pub(crate) mod reply;
pub(crate) mod shown;
pub(crate) mod views;

pub use reply::{Answer, Reply};
pub use shown::Shown;
pub use views::{
    ChargedBackPaymentView, EndedReservationView, GrantView, MoneyBackSubject, NewReservationView,
    PurchaseSubject, PurchaseView, RecordedRefundView, RefundedPurchaseView, RefundedSubscriptionView,
    ReservationView, View, WalletBalancesView, WalletSubject,
};
