//! Commands: everything that can be asked of one wallet, parsed; and running one on the wallet in memory.

use std::collections::BTreeSet;

use crate::balance::{PlanView, UnitBalance, WalletView, unit_balance};
use crate::catalogs::Catalogs;
use crate::decide::{
    self, Cancel, CancelSubscription, ChangePlan, Cost, CreateWallet, Extend, Grant as GrantCommand, Outcome,
    PurchaseName, RecordChargeback, RecordPayment, RefundSubscription, RefundTopUp, Reserve,
    ResumeSubscription, ReverseCharge, RevokeGrant, Settle, Start, Subscribe, TopUp, UpdateWallet,
};
use crate::decision::Decision;
use crate::event::{self, Warning};
use crate::grant::{ExternalRef, Grant, GrantKey, Origin};
use crate::ids::{RequestId, ReservationId, UnitId};
use crate::posting::Posting;
use crate::rejection::Rejection;
use crate::reservation::Reservation;
use crate::time::Timestamp;
use crate::wallet::Wallet;

/// What can be asked of a wallet.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Make it.
    CreateWallet(CreateWallet),
    /// Change its own properties.
    UpdateWallet(UpdateWallet),
    /// Set credits aside for a job.
    Reserve(Reserve),
    /// A worker takes a job.
    Start(Start),
    /// A worker's heartbeat.
    Extend(Extend),
    /// Charge a job, or give back what it held.
    Settle(Settle),
    /// Stop a job.
    Cancel(Cancel),
    /// Bought credits come in.
    TopUp(TopUp),
    /// Other credits come in.
    Grant(GrantCommand),
    /// A grant is taken back.
    RevokeGrant(RevokeGrant),
    /// A purchase goes back for the money.
    RefundTopUp(RefundTopUp),
    /// A payment was charged back.
    RecordChargeback(RecordChargeback),
    /// A charge goes back.
    ReverseCharge(ReverseCharge),
    /// A year's subscription ends, and a share of its price goes back.
    RefundSubscription(RefundSubscription),
    /// A plan is sold.
    Subscribe(Subscribe),
    /// Another plan is sold.
    ChangePlan(ChangePlan),
    /// A subscription ends.
    CancelSubscription(CancelSubscription),
    /// A subscription goes on after all.
    ResumeSubscription(ResumeSubscription),
    /// A period was paid.
    RecordPayment(RecordPayment),
    /// Nothing but what is due anyway: the sweeper's.
    Poke,
}

/// What a command refers to, so that its rows can be loaded before it is decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addressed {
    /// A reservation.
    pub reservation: Option<ReservationId>,
    /// Whether the grants that the reservation took from are needed too.
    pub receipt: bool,
    /// Whether all that the subscription's present period gave is needed, and what came back of it.
    pub period: bool,
    /// All grants of one origin and id.
    pub grants: Option<GrantKey>,
    /// The grants bought by a payment.
    pub payment: Option<ExternalRef>,
    /// All grants of a purchase: its own, and grace credits that stem from them.
    pub purchase: Option<PurchaseName>,
    /// A request made before.
    pub request: Option<RequestId>,
}

impl Command {
    /// What has to be loaded besides the wallet's open grants and due reservations.
    pub fn addressed(&self) -> Addressed {
        let none = Addressed { request: self.request().cloned(), ..Addressed::default() };
        match self {
            Command::CreateWallet(_)
            | Command::UpdateWallet(_)
            | Command::Subscribe(_)
            | Command::ChangePlan(_)
            | Command::CancelSubscription(_)
            | Command::ResumeSubscription(_)
            | Command::RecordPayment(_)
            | Command::Poke => none,
            Command::Reserve(c) => Addressed { reservation: Some(c.id.clone()), ..none },
            Command::Start(c) => Addressed { reservation: Some(c.id.clone()), ..none },
            Command::Extend(c) => Addressed { reservation: Some(c.id.clone()), ..none },
            Command::Settle(c) => Addressed { reservation: Some(c.id.clone()), ..none },
            Command::Cancel(c) => Addressed { reservation: Some(c.id.clone()), ..none },
            Command::TopUp(c) => Addressed {
                grants: Some(GrantKey::new(Origin::TopUp, c.id.clone(), 0)),
                payment: c.external_ref.clone(),
                ..none
            },
            Command::Grant(c) => {
                Addressed { grants: Some(GrantKey::new(Origin::Grant, c.id.clone(), 0)), ..none }
            }
            Command::RevokeGrant(c) => Addressed { grants: Some(c.grant.clone()), ..none },
            Command::RefundTopUp(c) => Addressed { purchase: Some(c.purchase.clone()), ..none },
            Command::RecordChargeback(c) => Addressed { purchase: Some(c.purchase.clone()), ..none },
            Command::ReverseCharge(c) => Addressed {
                reservation: Some(c.reservation.clone()),
                receipt: true,
                grants: Some(GrantKey::new(Origin::Grace, c.reservation.clone().into(), 0)),
                ..none
            },
            Command::RefundSubscription(_) => Addressed { period: true, ..none },
        }
    }

    /// The catalog version, besides the current one, that a price is asked of: of a quote that is new, or of a job that
    /// is settled by what was used.
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

    /// Whether it sells a plan of the current catalog.
    pub const fn sells(&self) -> bool {
        matches!(self, Command::Subscribe(_) | Command::ChangePlan(_))
    }

    /// The idempotency key of a command that makes no row of its own.
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
            | Command::Poke => None,
        }
    }
}

/// What a command leads to: a decision, or none if it was made before, and what to answer about.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What to do; nothing for a replay.
    pub decision: Option<Decision>,
    /// What the answer shows.
    pub subject: Subject,
    /// Whether an equal command was carried out before.
    pub replayed: bool,
}

/// What an answer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The wallet.
    Wallet,
    /// A reservation.
    Reservation(ReservationId),
    /// Grants.
    Grants(Vec<GrantKey>),
}

impl Verdict {
    /// Do this, then show the subject.
    pub(crate) fn new(decision: Decision, subject: Subject) -> Self {
        Self { decision: Some(decision), subject, replayed: false }
    }

    /// Store this reservation, then show it.
    pub(crate) fn reservation(mut decision: Decision, reservation: Reservation) -> Self {
        let subject = Subject::Reservation(reservation.id.clone());
        decision.reservation = Some(reservation);
        Self::new(decision, subject)
    }

    /// Done before: show it as it is now.
    pub(crate) const fn replay(subject: Subject) -> Self {
        Self { decision: None, subject, replayed: true }
    }

    /// Nothing to do, without its having been done before.
    pub(crate) const fn unchanged(subject: Subject) -> Self {
        Self { decision: None, subject, replayed: false }
    }
}

/// What a decision is made with, besides the wallet.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The instant it is made.
    pub now: Timestamp,
    /// The catalogs at hand.
    pub catalogs: &'a Catalogs,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What was done, or why not.
    pub result: Result<Answer, Rejection>,
    /// The wallet's last entry afterwards.
    pub revision: i64,
    /// The wallet's last write afterwards.
    pub version: i64,
    /// When it was decided.
    pub decided_at: Timestamp,
}

/// What a command that was not rejected shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The thing itself.
    pub shown: Shown,
    /// What the wallet has afterwards of the units concerned.
    pub balances: Vec<UnitBalance>,
    /// What the wallet's plan promises to whoever does the job; for a [`Reserve`] alone.
    pub plan: Option<PlanView>,
    /// What the command moved when it was carried out; for one that makes no row of its own.
    pub moved: Vec<Posting>,
    /// What is low afterwards of the units that the job takes; for a [`Reserve`] alone.
    pub warnings: Vec<Warning>,
    /// Whether an equal command was carried out before.
    pub replayed: bool,
}

/// The thing an answer shows, as it is after the command.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// The wallet's own properties.
    Wallet(Box<WalletView>),
    /// A reservation.
    Reservation(Box<Reservation>),
    /// Grants.
    Grants(Vec<Grant>),
}

/// Builds the answer to a command that was not rejected, after its decision was carried out.
pub(crate) fn answer(
    wallet: &Wallet,
    context: &Context<'_>,
    command: &Command,
    subject: Subject,
    replayed: bool,
) -> Answer {
    let (shown, balances) = show(wallet, context, subject);
    let reserves = matches!(command, Command::Reserve(_));
    // A replay is answered even if the plan cannot be looked up: the answer then shows no plan.
    let plan = if reserves { PlanView::of(wallet, context.catalogs).ok() } else { None };
    let warnings = if reserves { warnings(wallet, &shown) } else { Vec::new() };
    let record = command.request().and_then(|request| wallet.requests.get(request));
    let moved = record.map(|record| record.postings.clone()).unwrap_or_default();
    Answer { shown, balances, plan, moved, warnings, replayed }
}

/// What is low of the units that a shown reservation takes.
fn warnings(wallet: &Wallet, shown: &Shown) -> Vec<Warning> {
    match shown {
        Shown::Reservation(reservation) => event::warnings(wallet, reservation.terms.amounts.units()),
        Shown::Wallet(_) | Shown::Grants(_) => Vec::new(),
    }
}

/// What a command does to a wallet that has been advanced to `context.now`. Changes nothing.
pub fn decide(wallet: &Wallet, context: &Context<'_>, command: &Command) -> Result<Verdict, Rejection> {
    if let Command::CreateWallet(create) = command {
        return decide::create_wallet(wallet, context, create);
    }
    if !wallet.exists() {
        return Err(Rejection::WalletNotFound);
    }
    if wallet.frozen {
        return Err(Rejection::WalletFrozen);
    }
    match command {
        Command::CreateWallet(create) => decide::create_wallet(wallet, context, create),
        Command::UpdateWallet(update) => decide::update_wallet(wallet, context, update),
        Command::Reserve(reserve) => decide::reserve(wallet, context, reserve),
        Command::Start(start) => decide::start(wallet, context, start),
        Command::Extend(extend) => decide::extend(wallet, context, extend),
        Command::Settle(settle) => decide::settle(wallet, context, settle),
        Command::Cancel(cancel) => decide::cancel(wallet, context, cancel),
        Command::TopUp(top_up) => decide::top_up(wallet, context, top_up),
        Command::Grant(grant) => decide::grant(wallet, context, grant),
        Command::RevokeGrant(revoke) => decide::revoke_grant(wallet, context, revoke),
        Command::RefundTopUp(refund) => decide::refund_top_up(wallet, context, refund),
        Command::RecordChargeback(chargeback) => decide::record_chargeback(wallet, context, chargeback),
        Command::ReverseCharge(reverse) => decide::reverse_charge(wallet, context, reverse),
        Command::RefundSubscription(refund) => decide::refund_subscription(wallet, context, refund),
        Command::Subscribe(subscribe) => decide::subscribe(wallet, context, subscribe),
        Command::ChangePlan(change) => decide::change_plan(wallet, context, change),
        Command::CancelSubscription(cancel) => decide::cancel_subscription(wallet, context, cancel),
        Command::ResumeSubscription(resume) => decide::resume_subscription(wallet, context, resume),
        Command::RecordPayment(payment) => decide::record_payment(wallet, context, payment),
        Command::Poke => Ok(Verdict::unchanged(Subject::Wallet)),
    }
}

fn show(wallet: &Wallet, context: &Context<'_>, subject: Subject) -> (Shown, Vec<UnitBalance>) {
    let catalog = &context.catalogs.current;
    let balances = |units: BTreeSet<&UnitId>| -> Vec<UnitBalance> {
        units.into_iter().map(|unit| unit_balance(wallet, catalog, unit)).collect()
    };
    match subject {
        Subject::Reservation(id) => match wallet.reservations.get(&id) {
            Some(reservation) if reservation.state.is_open() => {
                (Shown::Reservation(Box::new(reservation.clone())), Vec::new())
            }
            Some(reservation) => {
                let units = reservation.terms.amounts.units().collect();
                (Shown::Reservation(Box::new(reservation.clone())), balances(units))
            }
            None => (Shown::Wallet(Box::new(WalletView::of(wallet, catalog))), Vec::new()),
        },
        Subject::Grants(keys) => {
            let grants: Vec<&Grant> = keys.iter().filter_map(|key| wallet.grants.get(key)).collect();
            let units = grants.iter().map(|grant| &grant.unit).collect();
            (Shown::Grants(grants.into_iter().cloned().collect()), balances(units))
        }
        Subject::Wallet => (
            Shown::Wallet(Box::new(WalletView::of(wallet, catalog))),
            balances(wallet.balances.keys().collect()),
        ),
    }
}
