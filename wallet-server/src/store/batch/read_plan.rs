//! The rows that a batch or a read needs of its wallets, besides those that every wallet needs: the read sets of all
//! its commands, as a list per kind of lookup.

use wallet_core::decide::{PurchaseName, ReadSet};
use wallet_core::grant::{ExternalRef, GrantKey, Origin};
use wallet_core::ids::{OriginId, RequestId, ReservationId};
use wallet_core::{Timestamp, WalletKey};

/// The rows to read, each with the key of its wallet. The lists are made from the fields of [`ReadSet`].
#[derive(Debug)]
pub(crate) struct ReadPlan {
    /// The most reservations to read per wallet because they may be due. A wallet with more of them gets a horizon.
    pub(super) most_due: usize,
    /// True if the wallets are kept in memory for later batches, which need to know when their next hold may be due.
    pub(super) keeps_wallets: bool,
    /// Every wallet of the batch with the time of its decisions.
    pub(crate) wallets: Vec<(WalletKey, Timestamp)>,
    /// The grants of an origin and its id.
    pub(super) grants: Vec<(WalletKey, GrantKey)>,
    /// The grants that a payment bought.
    pub(super) payments: Vec<(WalletKey, ExternalRef)>,
    /// The credits that came back from a purchase (grace credits and corrections), by its id. Its own grants are in
    /// `grants`.
    pub(super) purchases: Vec<(WalletKey, OriginId)>,
    /// The credits that came back from a purchase, by its payment. Its own grants are in `payments`.
    pub(super) purchases_by_payment: Vec<(WalletKey, ExternalRef)>,
    /// All grants of a period, by its start.
    pub(super) paid_periods: Vec<(WalletKey, Timestamp)>,
    /// All grants of a period, by the reference of its payment.
    pub(super) periods_by_payment: Vec<(WalletKey, OriginId)>,
    /// All grants of the present period of the wallet's subscription.
    pub(super) present_periods: Vec<WalletKey>,
    pub(super) reservations: Vec<(WalletKey, ReservationId)>,
    /// The grants in the receipt of a reservation.
    pub(super) receipts: Vec<(WalletKey, ReservationId)>,
    pub(super) requests: Vec<(WalletKey, RequestId)>,
}

impl ReadPlan {
    /// Returns an empty plan that reads at most `most_due` reservations per wallet because they may be due.
    pub(crate) const fn new(most_due: usize) -> Self {
        Self {
            most_due,
            keeps_wallets: false,
            wallets: Vec::new(),
            grants: Vec::new(),
            payments: Vec::new(),
            purchases: Vec::new(),
            purchases_by_payment: Vec::new(),
            paid_periods: Vec::new(),
            periods_by_payment: Vec::new(),
            present_periods: Vec::new(),
            reservations: Vec::new(),
            receipts: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// Returns the plan for wallets that are kept in memory for later batches.
    pub(crate) const fn keeping_wallets(mut self) -> Self {
        self.keeps_wallets = true;
        self
    }

    /// Adds the rows that a command about a wallet reads.
    pub(crate) fn add(&mut self, wallet: WalletKey, read_set: ReadSet) {
        self.grants.extend(read_set.grants.map(|key| (wallet, key)));
        self.payments.extend(read_set.payment.map(|payment| (wallet, payment)));
        match read_set.purchase {
            Some(PurchaseName::TopUp(id)) => {
                self.grants.push((wallet, GrantKey::new(Origin::TopUp, id.clone(), 0)));
                self.purchases.push((wallet, id));
            }
            Some(PurchaseName::Payment(payment)) => {
                self.payments.push((wallet, payment.clone()));
                self.purchases_by_payment.push((wallet, payment));
            }
            None => {}
        }
        self.paid_periods.extend(read_set.paid_period.map(|start| (wallet, start)));
        self.periods_by_payment.extend(read_set.period_payment.map(|reference| (wallet, reference)));
        self.present_periods.extend(read_set.period.then_some(wallet));
        if read_set.receipt {
            self.receipts.extend(read_set.reservation.clone().map(|id| (wallet, id)));
        }
        self.reservations.extend(read_set.reservation.map(|id| (wallet, id)));
        self.requests.extend(read_set.request.map(|id| (wallet, id)));
    }
}
