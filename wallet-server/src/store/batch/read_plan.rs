//! The rows to read for a batch, besides those that every wallet needs.

use wallet_core::decide::{PurchaseName, ReadSet};
use wallet_core::grant::{ExternalRef, GrantKey, Origin};
use wallet_core::ids::{OriginId, RequestId, ReservationId};
use wallet_core::{Timestamp, WalletKey};

/// The rows to read of the locked wallets.
#[derive(Debug)]
pub(crate) struct ReadPlan {
    /// The most reservations to read per wallet because they may be due. A wallet with more of them gets a horizon.
    pub(super) due: usize,
    /// True if the wallets are kept in memory for later batches, which need to know when their next hold may be due.
    pub(super) keeps_wallets: bool,
    /// Every wallet of the batch with the time of its decisions.
    pub(crate) wallets: Vec<(WalletKey, Timestamp)>,
    pub(super) grants: Vec<(WalletKey, GrantKey)>,
    pub(super) payments: Vec<(WalletKey, ExternalRef)>,
    pub(super) purchases: Vec<(WalletKey, OriginId)>,
    /// The periods of which all grants are needed, by their starts.
    pub(super) paid_periods: Vec<(WalletKey, Timestamp)>,
    /// The references of payments for periods.
    pub(super) period_payments: Vec<(WalletKey, OriginId)>,
    /// The payments whose whole purchase is needed.
    pub(super) paid: Vec<(WalletKey, ExternalRef)>,
    pub(super) reservations: Vec<(WalletKey, ReservationId)>,
    /// The reservations that are needed together with the grants of their allocations.
    pub(super) receipts: Vec<(WalletKey, ReservationId)>,
    /// The wallets whose grants of the current subscription period are needed.
    pub(super) periods: Vec<WalletKey>,
    pub(super) requests: Vec<(WalletKey, RequestId)>,
}

impl ReadPlan {
    /// Returns an empty plan that reads at most `due` reservations per wallet because they may be due.
    pub(crate) const fn new(due: usize) -> Self {
        Self {
            due,
            keeps_wallets: false,
            wallets: Vec::new(),
            grants: Vec::new(),
            payments: Vec::new(),
            purchases: Vec::new(),
            paid_periods: Vec::new(),
            period_payments: Vec::new(),
            paid: Vec::new(),
            reservations: Vec::new(),
            receipts: Vec::new(),
            periods: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// Returns the plan for wallets that are kept in memory for later batches.
    pub(crate) const fn keeping_wallets(mut self) -> Self {
        self.keeps_wallets = true;
        self
    }

    /// Adds the rows that a command refers to.
    pub(crate) fn add(&mut self, wallet: WalletKey, addressed: ReadSet) {
        self.grants.extend(addressed.grants.map(|key| (wallet, key)));
        self.payments.extend(addressed.payment.map(|payment| (wallet, payment)));
        match addressed.purchase {
            Some(PurchaseName::TopUp(id)) => {
                self.grants.push((wallet, GrantKey::new(Origin::TopUp, id.clone(), 0)));
                self.purchases.push((wallet, id));
            }
            Some(PurchaseName::Payment(payment)) => {
                self.payments.push((wallet, payment.clone()));
                self.paid.push((wallet, payment));
            }
            None => {}
        }
        self.paid_periods.extend(addressed.paid_period.map(|start| (wallet, start)));
        self.period_payments.extend(addressed.period_payment.map(|reference| (wallet, reference)));
        self.periods.extend(addressed.period.then_some(wallet));
        if addressed.receipt {
            self.receipts.extend(addressed.reservation.clone().map(|id| (wallet, id)));
        }
        self.reservations.extend(addressed.reservation.map(|id| (wallet, id)));
        self.requests.extend(addressed.request.map(|id| (wallet, id)));
    }
}
