//! The union of all views, in which the replies to a batch of different commands travel.

use crate::view::views::{
    ChargedBackPaymentView, EndedReservationView, GrantView, NewReservationView, PurchaseView,
    RecordedRefundView, RefundedPurchaseView, RefundedSubscriptionView, ReservationView, WalletBalancesView,
};
use crate::wallet::balance::{UnitBalance, WalletView};
use crate::wallet::grant::Grant;
use crate::wallet::reservation::Reservation;

/// Defines [`Shown`] and the conversions from and to each view.
macro_rules! shown {
    ($($name:ident($view:ty),)+) => {
        /// The view of a command of any kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Shown {
            $($name($view),)+
        }

        $(
            impl From<$view> for Shown {
                fn from(view: $view) -> Self {
                    Self::$name(view)
                }
            }

            impl TryFrom<Shown> for $view {
                type Error = OtherView;

                fn try_from(shown: Shown) -> Result<Self, OtherView> {
                    match shown {
                        Shown::$name(view) => Ok(view),
                        _ => Err(OtherView),
                    }
                }
            }
        )+
    };
}

shown! {
    Wallet(WalletBalancesView),
    RefundedSubscription(RefundedSubscriptionView),
    Reservation(ReservationView),
    NewReservation(NewReservationView),
    EndedReservation(EndedReservationView),
    Grant(GrantView),
    Purchase(PurchaseView),
    RefundedPurchase(RefundedPurchaseView),
    ChargedBackPayment(ChargedBackPaymentView),
    RecordedRefund(RecordedRefundView),
}

/// The reply has the view of another command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherView;

impl Shown {
    /// Returns the wallet, if the view has its properties.
    pub const fn wallet(&self) -> Option<&WalletView> {
        match self {
            Self::Wallet(view) => Some(&view.wallet),
            Self::RefundedSubscription(view) => Some(&view.wallet),
            _ => None,
        }
    }

    /// Returns the reservation, if the view has one.
    pub const fn reservation(&self) -> Option<&Reservation> {
        match self {
            Self::Reservation(view) => Some(&view.reservation),
            Self::NewReservation(view) => Some(&view.reservation),
            Self::EndedReservation(view) => Some(&view.reservation),
            _ => None,
        }
    }

    /// Sets the time at which the sweeper looks at the reservation, if the view has one, to its deadline.
    pub(super) fn clear_hint(&mut self) {
        let reservation = match self {
            Self::Reservation(view) => &mut view.reservation,
            Self::NewReservation(view) => &mut view.reservation,
            Self::EndedReservation(view) => &mut view.reservation,
            _ => return,
        };
        reservation.sweep_at = reservation.deadline;
    }

    /// Returns the grants, if the view has any.
    pub fn grants(&self) -> Option<&[Grant]> {
        match self {
            Self::Grant(view) => Some(std::slice::from_ref(&*view.grant)),
            Self::Purchase(view) => Some(&view.grants),
            Self::RefundedPurchase(view) => Some(&view.grants),
            Self::ChargedBackPayment(view) => Some(&view.grants),
            Self::RecordedRefund(view) => Some(&view.grants),
            _ => None,
        }
    }

    /// Returns the balances; empty for a view without them.
    pub const fn balances(&self) -> &[UnitBalance] {
        match self {
            Self::Wallet(view) => view.balances.as_slice(),
            Self::RefundedSubscription(view) => view.balances.as_slice(),
            Self::EndedReservation(view) => view.balances.as_slice(),
            Self::Purchase(view) => view.balances.as_slice(),
            Self::ChargedBackPayment(view) => view.balances.as_slice(),
            Self::RecordedRefund(view) => view.balances.as_slice(),
            Self::Reservation(_) | Self::NewReservation(_) | Self::Grant(_) | Self::RefundedPurchase(_) => {
                &[]
            }
        }
    }
}
