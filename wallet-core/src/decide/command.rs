//! Commands: all that change one wallet, parsed, with the rows and catalogs that each needs.

use crate::decide::cancel::{self, Cancel};
use crate::decide::cancel_subscription::{self, CancelSubscription};
use crate::decide::change_plan::{self, ChangePlan};
use crate::decide::context::Context;
use crate::decide::create_wallet::{self, CreateWallet};
use crate::decide::extend::{self, Extend};
use crate::decide::grant::{self, Grant};
use crate::decide::read_set::ReadSet;
use crate::decide::record_chargeback::{self, RecordChargeback};
use crate::decide::record_payment::{self, RecordPayment};
use crate::decide::refund_subscription::{self, RefundSubscription};
use crate::decide::refund_top_up::{self, RefundTopUp};
use crate::decide::reserve::{self, Reserve};
use crate::decide::resume_subscription::{self, ResumeSubscription};
use crate::decide::reverse_charge::{self, ReverseCharge};
use crate::decide::revoke_grant::{self, RevokeGrant};
use crate::decide::settle::{self, Cost, Outcome, Settle};
use crate::decide::start::{self, Start};
use crate::decide::subscribe::{self, Subscribe};
use crate::decide::top_up::{self, TopUp};
use crate::decide::update_wallet::{self, UpdateWallet};
use crate::decide::verdict::{Subject, Verdict};
use crate::value::grant_key::{GrantKey, Origin};
use crate::value::ids::RequestId;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;

/// A command on a wallet.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Creates the wallet.
    CreateWallet(CreateWallet),
    /// Changes the properties of the wallet.
    UpdateWallet(UpdateWallet),
    /// Holds credits for a job.
    Reserve(Reserve),
    /// Starts a job on a worker.
    Start(Start),
    /// Extends the hold of a running job: the heartbeat of a worker.
    Extend(Extend),
    /// Ends a job: charges it, or returns its credits after a failure.
    Settle(Settle),
    /// Cancels a job.
    Cancel(Cancel),
    /// Grants credits that were bought.
    TopUp(TopUp),
    /// Grants other credits.
    Grant(Grant),
    /// Revokes a grant.
    RevokeGrant(RevokeGrant),
    /// Refunds a purchase.
    RefundTopUp(RefundTopUp),
    /// Claws back a purchase whose payment was charged back.
    RecordChargeback(RecordChargeback),
    /// Reverses a charge, or a part of it.
    ReverseCharge(ReverseCharge),
    /// Ends a yearly subscription and refunds a share of its price.
    RefundSubscription(RefundSubscription),
    /// Sells a plan.
    Subscribe(Subscribe),
    /// Sells another plan.
    ChangePlan(ChangePlan),
    /// Cancels a subscription.
    CancelSubscription(CancelSubscription),
    /// Withdraws the cancellation of a subscription.
    ResumeSubscription(ResumeSubscription),
    /// Records the payment of a period.
    RecordPayment(RecordPayment),
    /// Processes what is due, and nothing else: the command of the sweeper.
    ProcessDue,
}

impl Command {
    /// Returns the rows to load besides the wallet's open grants and due reservations.
    pub fn read_set(&self) -> ReadSet {
        let none = ReadSet { request: self.request().cloned(), ..ReadSet::default() };
        match self {
            Command::CreateWallet(_)
            | Command::UpdateWallet(_)
            | Command::Subscribe(_)
            | Command::ChangePlan(_)
            | Command::CancelSubscription(_)
            | Command::ResumeSubscription(_)
            | Command::RecordPayment(_)
            | Command::ProcessDue => none,
            Command::Reserve(c) => ReadSet { reservation: Some(c.id.clone()), ..none },
            Command::Start(c) => ReadSet { reservation: Some(c.id.clone()), ..none },
            Command::Extend(c) => ReadSet { reservation: Some(c.id.clone()), ..none },
            Command::Settle(c) => ReadSet { reservation: Some(c.id.clone()), ..none },
            Command::Cancel(c) => ReadSet { reservation: Some(c.id.clone()), ..none },
            Command::TopUp(c) => ReadSet {
                grants: Some(GrantKey::new(Origin::TopUp, c.id.clone(), 0)),
                payment: c.external_ref.clone(),
                ..none
            },
            Command::Grant(c) => {
                ReadSet { grants: Some(GrantKey::new(Origin::Grant, c.id.clone(), 0)), ..none }
            }
            Command::RevokeGrant(c) => ReadSet { grants: Some(c.grant.clone()), ..none },
            Command::RefundTopUp(c) => ReadSet { purchase: Some(c.purchase.clone()), ..none },
            Command::RecordChargeback(c) => ReadSet { purchase: Some(c.purchase.clone()), ..none },
            Command::ReverseCharge(c) => ReadSet {
                reservation: Some(c.reservation.clone()),
                receipt: true,
                grants: Some(GrantKey::new(Origin::Grace, c.reservation.clone().into(), 0)),
                ..none
            },
            Command::RefundSubscription(_) => ReadSet { period: true, ..none },
        }
    }

    /// Returns the catalog version, besides the current one, that prices the command: that of a new quote, or of a
    /// job that is settled by its usage.
    pub fn priced_by(&self, wallet: &Wallet) -> Option<i64> {
        match self {
            Command::Reserve(reserve) if !wallet.reservations.contains_key(&reserve.id) => {
                reserve.price.catalog_version()
            }
            Command::Settle(settle) if matches!(settle.outcome, Outcome::Succeeded(Cost::Usage(_))) => {
                let job = wallet.reservations.get(&settle.id)?;
                job.terms.pin.as_ref().map(|pin| pin.catalog_version)
            }
            _ => None,
        }
    }

    /// Returns whether the command sells a plan of the current catalog.
    pub const fn sells(&self) -> bool {
        matches!(self, Command::Subscribe(_) | Command::ChangePlan(_))
    }

    /// Returns the idempotency key of a command that makes no row of its own.
    pub fn request(&self) -> Option<&RequestId> {
        match self {
            Command::UpdateWallet(c) => Some(&c.request),
            Command::RevokeGrant(c) => Some(&c.request),
            Command::RefundTopUp(c) => Some(&c.request),
            Command::RecordChargeback(c) => Some(&c.request),
            Command::ReverseCharge(c) => Some(&c.request),
            Command::RefundSubscription(c) => Some(&c.request),
            Command::Subscribe(c) => Some(&c.request),
            Command::ChangePlan(c) => Some(&c.request),
            Command::CancelSubscription(c) => Some(&c.request),
            Command::ResumeSubscription(c) => Some(&c.request),
            Command::RecordPayment(c) => Some(&c.request),
            Command::CreateWallet(_)
            | Command::Reserve(_)
            | Command::Start(_)
            | Command::Extend(_)
            | Command::Settle(_)
            | Command::Cancel(_)
            | Command::TopUp(_)
            | Command::Grant(_)
            | Command::ProcessDue => None,
        }
    }
}

/// Decides a command on a wallet in which nothing is due at `context.now`. Changes nothing.
pub(crate) fn decide(
    wallet: &Wallet,
    context: &Context<'_>,
    command: &Command,
) -> Result<Verdict, Rejection> {
    if let Command::CreateWallet(create) = command {
        return create_wallet::create_wallet(wallet, context, create);
    }
    if !wallet.exists() {
        return Err(Rejection::WalletNotFound);
    }
    if wallet.frozen {
        return Err(Rejection::WalletFrozen);
    }
    match command {
        Command::CreateWallet(create) => create_wallet::create_wallet(wallet, context, create),
        Command::UpdateWallet(update) => update_wallet::update_wallet(wallet, context, update),
        Command::Reserve(reserve) => reserve::reserve(wallet, context, reserve),
        Command::Start(start) => start::start(wallet, context, start),
        Command::Extend(extend) => extend::extend(wallet, context, extend),
        Command::Settle(settle) => settle::settle(wallet, context, settle),
        Command::Cancel(cancel) => cancel::cancel(wallet, context, cancel),
        Command::TopUp(top_up) => top_up::top_up(wallet, context, top_up),
        Command::Grant(grant) => grant::grant(wallet, context, grant),
        Command::RevokeGrant(revoke) => revoke_grant::revoke_grant(wallet, context, revoke),
        Command::RefundTopUp(refund) => refund_top_up::refund_top_up(wallet, context, refund),
        Command::RecordChargeback(chargeback) => {
            record_chargeback::record_chargeback(wallet, context, chargeback)
        }
        Command::ReverseCharge(reverse) => reverse_charge::reverse_charge(wallet, context, reverse),
        Command::RefundSubscription(refund) => {
            refund_subscription::refund_subscription(wallet, context, refund)
        }
        Command::Subscribe(subscribe) => subscribe::subscribe(wallet, context, subscribe),
        Command::ChangePlan(change) => change_plan::change_plan(wallet, context, change),
        Command::CancelSubscription(cancel) => {
            cancel_subscription::cancel_subscription(wallet, context, cancel)
        }
        Command::ResumeSubscription(resume) => {
            resume_subscription::resume_subscription(wallet, context, resume)
        }
        Command::RecordPayment(payment) => record_payment::record_payment(wallet, context, payment),
        Command::ProcessDue => Ok(Verdict::unchanged(Subject::Wallet)),
    }
}
