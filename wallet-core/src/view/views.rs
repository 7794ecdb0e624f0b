//! The view of each kind of command: exactly the fields that its reply shows.

use std::collections::BTreeSet;

use crate::ledger::posting::{Part, Posting, moved_from, moved_to};
use crate::value::amount::Amounts;
use crate::value::grant_key::GrantKey;
use crate::value::ids::{RequestId, ReservationId, UnitId};
use crate::value::payment_subject::PaymentSubject;
use crate::wallet::balance::{PlanView, UnitBalance, WalletView, unit_balance, unit_balances};
use crate::wallet::catalogs::Catalogs;
use crate::wallet::grant::{Grant, Money};
use crate::wallet::refund::{Fraction, MoneyBack, SubscriptionRefund};
use crate::wallet::reservation::Reservation;
use crate::wallet::warning::{Warning, warnings};
use crate::wallet::{InvariantViolation, Wallet};

/// A part of a wallet that the reply to a command shows.
pub trait View: Sized {
    /// The identity of the object that is shown.
    type Subject;

    /// Returns the view of a wallet in which nothing is due.
    ///
    /// # Errors
    ///
    /// The wallet does not have the object.
    fn of(wallet: &Wallet, catalogs: &Catalogs, subject: Self::Subject) -> Result<Self, InvariantViolation>;
}

/// The subject of a command about the wallet itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalletSubject;

/// The subject of a refund of a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseSubject {
    pub request: RequestId,
    /// The grants of the purchase.
    pub grants: Vec<GrantKey>,
}

/// The subject of a refund or a chargeback that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneyBackSubject {
    pub request: RequestId,
    pub payment: PaymentSubject,
    /// The grants that the payment bought, and those that stem from them.
    pub grants: Vec<GrantKey>,
}

/// The wallet with all balances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletBalancesView {
    pub wallet: Box<WalletView>,
    /// The balances of every unit that the wallet ever had.
    pub balances: Vec<UnitBalance>,
}

/// The wallet after the refund of its subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundedSubscriptionView {
    pub refund: SubscriptionRefund,
    pub wallet: Box<WalletView>,
    /// The balances of every unit that the wallet ever had.
    pub balances: Vec<UnitBalance>,
}

/// A reservation alone.
#[derive(Debug, Clone, PartialEq)]
pub struct ReservationView {
    pub reservation: Box<Reservation>,
}

/// The reservation of a Reserve, with the properties of the plan that a worker needs.
#[derive(Debug, Clone, PartialEq)]
pub struct NewReservationView {
    pub reservation: Box<Reservation>,
    /// The properties of the wallet's plan. Empty if the plan cannot be looked up: a replay is answered all the same.
    pub plan: PlanView,
    /// The low balances of the units of the job.
    pub warnings: Vec<Warning>,
}

/// A reservation that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedReservationView {
    pub reservation: Box<Reservation>,
    /// The balances of the units of the job.
    pub balances: Vec<UnitBalance>,
}

/// The grant that was issued or revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantView {
    pub grant: Box<Grant>,
}

/// The grants of a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseView {
    pub grants: Vec<Grant>,
    /// The balances of the units of the grants.
    pub balances: Vec<UnitBalance>,
}

/// The grants of a purchase that was refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundedPurchaseView {
    /// The money to refund; none if the price is unknown.
    pub money: Option<Money>,
    /// The share of the price that was refunded; none if it was refunded in full.
    pub share: Option<Fraction>,
    pub grants: Vec<Grant>,
    /// The amounts that the refund removed.
    pub paid_out: Amounts,
}

/// The grants of a purchase or a period that was charged back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargedBackPaymentView {
    pub grants: Vec<Grant>,
    /// The unspent amounts that the chargeback removed.
    pub revoked: Amounts,
    /// The amounts that windows to come of the period will not give.
    pub withheld: Amounts,
    /// The spent amounts that became debt.
    pub owed: Amounts,
    /// The balances of the units of the grants.
    pub balances: Vec<UnitBalance>,
}

/// The grants of a purchase or a period that the payment provider has refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRefundView {
    /// The money that the payment provider had refunded by then, in all parts.
    pub total: Option<Money>,
    pub grants: Vec<Grant>,
    /// The unspent amounts that the request clawed back.
    pub taken: Amounts,
    /// The amounts that windows to come of the period will not give.
    pub withheld: Amounts,
    /// The amounts that the request gave back, because it lowered the total.
    pub given_back: Amounts,
    /// The used amounts that became debt.
    pub owed: Amounts,
    /// The balances of the units of the grants.
    pub balances: Vec<UnitBalance>,
}

impl View for WalletBalancesView {
    type Subject = WalletSubject;

    fn of(
        wallet: &Wallet,
        catalogs: &Catalogs,
        WalletSubject: WalletSubject,
    ) -> Result<Self, InvariantViolation> {
        let catalog = &catalogs.current;
        let balances = unit_balances(wallet, catalog);
        Ok(Self { wallet: Box::new(WalletView::of(wallet, catalog)), balances })
    }
}

impl View for RefundedSubscriptionView {
    type Subject = RequestId;

    fn of(wallet: &Wallet, catalogs: &Catalogs, request: RequestId) -> Result<Self, InvariantViolation> {
        let refund = wallet.profile.refunds.get(&request);
        let refund =
            refund.ok_or_else(|| missing(wallet, format!("the refund of request {request}")))?.clone();
        let WalletBalancesView { wallet, balances } =
            WalletBalancesView::of(wallet, catalogs, WalletSubject)?;
        Ok(Self { refund, wallet, balances })
    }
}

impl View for ReservationView {
    type Subject = ReservationId;

    fn of(wallet: &Wallet, _: &Catalogs, id: ReservationId) -> Result<Self, InvariantViolation> {
        Ok(Self { reservation: reservation(wallet, &id)? })
    }
}

impl View for NewReservationView {
    type Subject = ReservationId;

    fn of(wallet: &Wallet, catalogs: &Catalogs, id: ReservationId) -> Result<Self, InvariantViolation> {
        let reservation = reservation(wallet, &id)?;
        let plan = PlanView::of(wallet, catalogs).unwrap_or_default();
        let warnings = warnings(wallet, reservation.terms.amounts.units());
        Ok(Self { reservation, plan, warnings })
    }
}

impl View for EndedReservationView {
    type Subject = ReservationId;

    fn of(wallet: &Wallet, catalogs: &Catalogs, id: ReservationId) -> Result<Self, InvariantViolation> {
        let reservation = reservation(wallet, &id)?;
        let balances = balances(wallet, catalogs, reservation.terms.amounts.units());
        Ok(Self { reservation, balances })
    }
}

impl View for GrantView {
    type Subject = GrantKey;

    fn of(wallet: &Wallet, _: &Catalogs, key: GrantKey) -> Result<Self, InvariantViolation> {
        Ok(Self { grant: Box::new(grant(wallet, &key)?) })
    }
}

impl View for PurchaseView {
    type Subject = Vec<GrantKey>;

    fn of(wallet: &Wallet, catalogs: &Catalogs, keys: Vec<GrantKey>) -> Result<Self, InvariantViolation> {
        let grants = grants(wallet, &keys)?;
        let balances = balances(wallet, catalogs, units(&grants));
        Ok(Self { grants, balances })
    }
}

impl View for RefundedPurchaseView {
    type Subject = PurchaseSubject;

    fn of(wallet: &Wallet, _: &Catalogs, subject: PurchaseSubject) -> Result<Self, InvariantViolation> {
        let paid_out = moved_to(postings(wallet, &subject.request)?, Part::PaidOut);
        let grants = grants(wallet, &subject.grants)?;
        let paid = grants.first().and_then(|grant| grant.details.paid_amount.clone());
        let (money, share) = match wallet.profile.purchase_refunds.get(&subject.request) {
            Some(refund) => (refund.money.clone(), Some(refund.unused_credits)),
            None => (paid, None),
        };
        Ok(Self { money, share, grants, paid_out })
    }
}

impl View for ChargedBackPaymentView {
    type Subject = MoneyBackSubject;

    fn of(
        wallet: &Wallet,
        catalogs: &Catalogs,
        subject: MoneyBackSubject,
    ) -> Result<Self, InvariantViolation> {
        let postings = postings(wallet, &subject.request)?;
        // Those of a purchase are revoked, those of a period are paid out like a refund.
        let revoked = match &subject.payment {
            PaymentSubject::Purchase(_) => moved_to(postings, Part::Revoked),
            PaymentSubject::Period(_) => moved_to(postings, Part::PaidOut),
        };
        let owed = moved_to(postings, Part::Owed);
        let withheld = wallet.profile.money_back.get(&subject.request);
        let withheld = withheld.map_or_else(Amounts::none, |reply| reply.withheld.clone());
        let grants = grants(wallet, &subject.grants)?;
        let balances = balances(wallet, catalogs, units(&grants));
        Ok(Self { grants, revoked, withheld, owed, balances })
    }
}

impl View for RecordedRefundView {
    type Subject = MoneyBackSubject;

    fn of(
        wallet: &Wallet,
        catalogs: &Catalogs,
        subject: MoneyBackSubject,
    ) -> Result<Self, InvariantViolation> {
        let postings = postings(wallet, &subject.request)?;
        let (taken, owed) = (moved_to(postings, Part::PaidOut), moved_to(postings, Part::Owed));
        let given_back = moved_from(postings, Part::PaidOut);
        let grants = grants(wallet, &subject.grants)?;
        let reply = wallet.profile.money_back.get(&subject.request);
        let reply =
            reply.ok_or_else(|| missing(wallet, format!("the total of request {}", subject.request)))?;
        let MoneyBack { period: _, references: _, total, withheld } = reply.clone();
        let balances = balances(wallet, catalogs, units(&grants));
        Ok(Self { total, grants, taken, withheld, given_back, owed, balances })
    }
}

fn reservation(wallet: &Wallet, id: &ReservationId) -> Result<Box<Reservation>, InvariantViolation> {
    let reservation = wallet.reservations.get(id);
    reservation.cloned().map(Box::new).ok_or_else(|| missing(wallet, format!("reservation {id}")))
}

fn grant(wallet: &Wallet, key: &GrantKey) -> Result<Grant, InvariantViolation> {
    wallet.grants.get(key).cloned().ok_or_else(|| missing(wallet, format!("grant {key}")))
}

fn grants(wallet: &Wallet, keys: &[GrantKey]) -> Result<Vec<Grant>, InvariantViolation> {
    keys.iter().map(|key| grant(wallet, key)).collect()
}

/// Returns the units of grants, in order.
fn units(grants: &[Grant]) -> BTreeSet<&UnitId> {
    grants.iter().map(|grant| &grant.unit).collect()
}

fn balances<'a>(
    wallet: &Wallet,
    catalogs: &Catalogs,
    units: impl IntoIterator<Item = &'a UnitId>,
) -> Vec<UnitBalance> {
    units.into_iter().map(|unit| unit_balance(wallet, &catalogs.current, unit)).collect()
}

/// Returns the postings of a request, which may be the present one.
fn postings<'a>(wallet: &'a Wallet, request: &RequestId) -> Result<&'a [Posting], InvariantViolation> {
    let record = wallet.requests.get(request);
    Ok(&record.ok_or_else(|| missing(wallet, format!("the record of request {request}")))?.postings)
}

fn missing(wallet: &Wallet, what: String) -> InvariantViolation {
    InvariantViolation { wallet: wallet.id.clone(), what: format!("{what} is missing in the reply") }
}
