//! The state of the model, and simple questions about it.

use std::collections::{BTreeMap, BTreeSet};

use wallet_core::catalog::Threshold;
use wallet_core::decide::{CreateWallet, ProcessDue, Reserve};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{Clawback, GrantKey};
use wallet_core::reservation::State;
use wallet_core::wallet::WalletStatus;
use wallet_core::{
    Amounts, Command, OriginId, PaymentSubject, PeriodId, RequestId, ReservationId, Source, TenantId,
    Timestamp, UnitId, WalletId, WalletKey,
};

use super::answer::{Answered, Expected, Refusal, Seen, WrittenEntry};
use super::auto_top_up::Auto;
use super::calendar::Every;
use super::catalog::{self, Allowance, Beyond, Unit};
use super::following::is_other_edition;
use super::payment::Payment;
use super::prices::PeriodPrice;
use super::refunded_credits::RefundedCredits;
use super::refunded_periods::{Dispute, PeriodRefund};

/// A lot of credits: a grant in the core.
#[derive(Debug, Clone)]
pub(crate) struct Lot {
    pub(crate) key: GrantKey,
    pub(crate) unit: Unit,
    pub(crate) source: Source,
    pub(crate) priority: i32,
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// The instant of the expiry warning.
    pub(crate) warn: i64,
    pub(crate) made: i64,
    pub(crate) amount: i64,
    pub(crate) waiting: i64,
    pub(crate) free: i64,
    pub(crate) used: i64,
    pub(crate) expired: i64,
    pub(crate) taken: i64,
    pub(crate) paid_out: i64,
    /// The clawback of the lot, if there was one.
    pub(crate) clawback: Option<Clawback>,
    /// True if the lot was given in a period that had begun without its payment and ended unpaid.
    pub(crate) unpaid: bool,
    /// True if the platform revoked the lot, which outlasts a chargeback.
    pub(crate) revoked: bool,
    pub(crate) with_subscription: bool,
    /// The number of times that the credits have rolled over.
    pub(crate) rolled: u32,
    /// For grace credits: the lot they stem from.
    pub(crate) first: Option<GrantKey>,
    /// For grace credits: the source of that lot.
    pub(crate) first_source: Option<Source>,
    /// For grace credits: the latest end of these and of all that stem from them.
    pub(crate) bound: Option<i64>,
    /// The period that was paid for these credits.
    pub(crate) period: Option<PeriodId>,
    /// The command that made the lot, if one did.
    pub(crate) command: Option<Command>,
}

/// The credits that a job took from one lot, or from the debt (no lot).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) lot: Option<GrantKey>,
    pub(crate) unit: Unit,
    pub(crate) held: i64,
    pub(crate) charged: i64,
    pub(crate) returned: i64,
    pub(crate) forfeited: i64,
    pub(crate) reversed: i64,
    pub(crate) grace: Option<GrantKey>,
}

/// The terms of a job.
#[derive(Debug, Clone)]
pub(crate) struct Price {
    pub(crate) amounts: Vec<(Unit, i64)>,
    pub(crate) most: Vec<(Unit, i64)>,
    /// True if units that `most` does not name have no bound.
    pub(crate) unbounded: bool,
    pub(crate) max_hold: i64,
    pub(crate) beyond: Beyond,
    pub(crate) kind: Option<&'static catalog::Kind>,
    pub(crate) ttl: i64,
    pub(crate) lease: Option<i64>,
    pub(crate) grace: i64,
    pub(crate) goodwill: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: ReservationId,
    pub(crate) state: State,
    /// `None` for a tombstone.
    pub(crate) reserve: Option<Reserve>,
    pub(crate) price: Price,
    pub(crate) made: i64,
    pub(crate) deadline: i64,
    pub(crate) attempt: i32,
    pub(crate) worker: String,
    pub(crate) lease: Option<i64>,
    pub(crate) parts: Vec<Part>,
    pub(crate) ended: i64,
    /// The command that ended the job; `None` for an expiry.
    pub(crate) finalizer: Option<Command>,
    pub(crate) fees: Vec<(Unit, i64)>,
    pub(crate) uncollected: Vec<(Unit, i64)>,
}

/// The terms of a sold plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sold {
    pub(crate) plan: &'static str,
    pub(crate) seats: u32,
    pub(crate) rank: u32,
    pub(crate) every: Every,
    pub(crate) on_payment: bool,
    pub(crate) provisional: Option<i64>,
    pub(crate) once: bool,
    pub(crate) then: Option<&'static str>,
    pub(crate) dunning: i64,
    /// The price of a period in money.
    pub(crate) money: Option<i64>,
    pub(crate) refund: catalog::Refund,
    pub(crate) allowances: Vec<Allowance>,
    pub(crate) limits: BTreeMap<String, u64>,
    /// The negotiated allowances.
    pub(crate) negotiated: Amounts,
}

#[derive(Debug, Clone)]
pub(crate) struct Sub {
    pub(crate) number: u32,
    /// The number of the sale with which it began.
    pub(crate) id: u32,
    /// The number of the first sale with this anchor.
    pub(crate) first: u32,
    pub(crate) sold: Sold,
    pub(crate) anchor: i64,
    pub(crate) period: u32,
    /// The later periods that are paid.
    pub(crate) paid: Vec<u32>,
    /// The prices of periods that were paid ahead, and of the present one after a change of plan.
    pub(crate) prices: BTreeMap<u32, Option<PeriodPrice>>,
    /// The list price of the last plan in this period that had one.
    pub(crate) last_list: Option<i64>,
    /// The list prices of the last periods, by the terms at their end.
    pub(crate) lists: BTreeMap<u32, Option<i64>>,
    pub(crate) given: Vec<u32>,
    pub(crate) past_due: bool,
    /// The instant of a late payment for the present period.
    pub(crate) paid_late: Option<i64>,
    /// The dunning time of the missed payment, if another plan would begin with it.
    pub(crate) dunning: Option<i64>,
    /// True in a period that has begun without its payment.
    pub(crate) provisional: bool,
    /// Another plan, and the period with which it begins.
    pub(crate) change: Option<(Sold, u32)>,
    /// The terms of the next period, if the catalog has changed.
    pub(crate) following: Option<Sold>,
    /// A pause that is planned or under way, and the instant at which it ends automatically.
    pub(crate) pause: Option<Option<i64>>,
    /// True while it is paused.
    pub(crate) paused: bool,
    /// The period at whose start the subscription ends.
    pub(crate) ends: Option<u32>,
    /// While the next period is unpaid: its start, and the lots as they were then, which roll over with a late payment.
    pub(crate) unpaid: Option<(i64, Vec<Lot>)>,
    /// The credits given in advance, which windows to come in this period give less.
    pub(crate) advance: BTreeMap<Unit, i64>,
}

/// A chargeback that stands: the payment, whether it suspends the wallet, and the lots that were clawed back before.
pub(crate) type Standing = (PaymentSubject, bool, Vec<(GrantKey, Clawback)>);

/// The debt of a unit and its limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) debt: i64,
    pub(crate) limit: i64,
}

/// A wallet of the naive model.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) key: WalletKey,
    pub(crate) created: Option<CreateWallet>,
    pub(crate) status: WalletStatus,
    pub(crate) name: String,
    /// The instant of the current command.
    pub(crate) now: i64,
    pub(crate) last_write: i64,
    pub(crate) entries: i64,
    pub(crate) writes: i64,
    pub(crate) lots: Vec<Lot>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) owed: BTreeMap<Unit, Owed>,
    /// The commands without a row of their own.
    pub(crate) requests: Vec<Command>,
    /// The money refunded for subscriptions, by request, and their periods.
    pub(crate) refunds: Vec<(RequestId, i64, PeriodId)>,
    /// The periods that refunds and chargebacks named, by request.
    pub(crate) named_periods: Vec<(RequestId, PeriodId)>,
    /// The references of payments for periods whose money went back or returned.
    pub(crate) references_back: Vec<(OriginId, PeriodId)>,
    /// The money refunded for shares of purchases, by request; none if the price is unknown.
    pub(crate) part_refunds: Vec<(RequestId, Option<i64>)>,
    /// The chargebacks that stand.
    pub(crate) chargebacks: Vec<Standing>,
    /// The refunds that the payment provider has made: the purchase, the cents so far, and whether use is owed.
    pub(crate) recorded: Vec<(OriginId, i64, bool)>,
    /// Their refunded credits.
    pub(crate) refunded_credits: BTreeMap<(OriginId, Unit), RefundedCredits>,
    /// Those of periods.
    pub(crate) period_refunds: Vec<PeriodRefund>,
    /// The periods that began and ended without a payment.
    pub(crate) never_paid: BTreeSet<PeriodId>,
    /// The periods that have begun with a payment or by the clock.
    pub(crate) begun: BTreeSet<PeriodId>,
    /// Of periods that are charged back: the share that had been refunded before, and whether use was owed.
    pub(crate) disputes: Vec<Dispute>,
    pub(crate) sub: Option<Sub>,
    /// The plan of a wallet without a subscription.
    pub(crate) default: &'static str,
    /// If the default plan has a term: its calendar, and for each allowance the instant from which windows give
    /// credits.
    pub(crate) free: Option<(Sub, Vec<i64>)>,
    /// True for a wallet with two catalogs in turn, and if the second one is current.
    pub(crate) changing: bool,
    pub(crate) other_edition: bool,
    /// The last payments for periods.
    pub(crate) payments: Vec<Payment>,
    pub(crate) sales: u32,
    /// The trials that the wallet has had.
    pub(crate) trials: BTreeSet<&'static str>,
    pub(crate) once_allowance_granted: bool,
    /// The wallet's own thresholds.
    pub(crate) low: BTreeMap<UnitId, Vec<Threshold>>,
    /// The thresholds below which the balance fell and that were notified.
    pub(crate) notified: BTreeMap<Unit, BTreeSet<i64>>,
    /// The available credits at the last check.
    pub(crate) checked_balances: BTreeMap<Unit, i64>,
    /// The units whose available credits changed since then.
    pub(crate) changed_units: BTreeSet<Unit>,
    pub(crate) auto: Option<Auto>,
    /// The number of entries at the last check of the auto top-up.
    pub(crate) checked_entries: i64,
    pub(crate) written: Vec<WrittenEntry>,
}

impl Default for Model {
    fn default() -> Self {
        Self::of(&"ann".parse().expect("an id"))
    }
}

impl Model {
    /// Returns the model of this wallet of the default tenant.
    pub fn of(wallet: &WalletId) -> Self {
        Self {
            key: WalletKey::new(TenantId::DEFAULT, wallet),
            created: None,
            status: WalletStatus::Active,
            name: String::new(),
            now: 0,
            last_write: 0,
            entries: 0,
            writes: 0,
            lots: Vec::new(),
            jobs: Vec::new(),
            owed: BTreeMap::new(),
            requests: Vec::new(),
            refunds: Vec::new(),
            named_periods: Vec::new(),
            references_back: Vec::new(),
            part_refunds: Vec::new(),
            chargebacks: Vec::new(),
            recorded: Vec::new(),
            refunded_credits: BTreeMap::new(),
            period_refunds: Vec::new(),
            never_paid: BTreeSet::new(),
            begun: BTreeSet::new(),
            disputes: Vec::new(),
            sub: None,
            default: catalog::DEFAULT,
            free: None,
            changing: false,
            other_edition: false,
            payments: Vec::new(),
            sales: 0,
            trials: BTreeSet::new(),
            once_allowance_granted: false,
            low: BTreeMap::new(),
            notified: BTreeMap::new(),
            checked_balances: BTreeMap::new(),
            changed_units: BTreeSet::new(),
            auto: None,
            checked_entries: 0,
            written: Vec::new(),
        }
    }

    /// Lets time pass and processes what is due. The clock may go back; the wallet's time does not.
    pub fn pass(&mut self, at: Timestamp) {
        self.now = at.as_micros().max(self.last_write);
        self.catch_up();
    }

    /// Runs a command at `at` and returns its expected result.
    pub fn run(&mut self, at: Timestamp, command: &Command) -> Expected {
        self.pass(at);
        self.other_edition = self.changing && is_other_edition(at);
        let before = self.entries;
        let result = self.obey(command);
        if self.entries > before {
            self.adopt_catalog();
        }
        self.check_balances();
        Expected {
            result,
            revision: self.entries,
            version: self.writes,
            decided_at: Timestamp::from_micros(self.now),
            written: std::mem::take(&mut self.written),
        }
    }

    fn obey(&mut self, command: &Command) -> Result<Answered, Refusal> {
        if self.created.is_none() && !matches!(command, Command::CreateWallet(_)) {
            return Err(Refusal::new("WALLET_NOT_FOUND"));
        }
        match command {
            Command::CreateWallet(c) => self.create(c),
            Command::UpdateWallet(c) => self.update(c, command),
            Command::Reserve(c) => self.reserve(c),
            Command::Start(c) => self.start(c),
            Command::Extend(c) => self.extend(c),
            Command::Settle(c) => self.settle(c, command),
            Command::Cancel(c) => self.cancel(c, command),
            Command::TopUp(c) => self.top_up(c, command),
            Command::Grant(c) => self.grant(c, command),
            Command::RevokeGrant(c) => self.revoke(c, command),
            Command::Subscribe(c) => self.subscribe(c, command),
            Command::ChangePlan(c) => self.change_plan(c, command),
            Command::CancelSubscription(c) => self.cancel_subscription(c, command),
            Command::PauseSubscription(pause) => self.pause(pause, command),
            Command::ResumeSubscription(_) => self.resume(command),
            Command::RecordPayment(c) => self.record_payment(c, command),
            Command::RefundTopUp(c) => self.refund(c),
            Command::RecordChargeback(c) => self.charge_back(c),
            Command::RecordRefund(c) => self.record_refund(c),
            Command::ReverseCharge(c) => self.reverse(c, command),
            Command::ReverseChargeback(c) => self.reverse_chargeback(c),
            Command::CloseWallet(c) => self.close(c, command),
            Command::RefundSubscription(c) => self.refund_plan(c, command),
            Command::SetAutoTopUp(c) => self.set_auto_top_up(c, command),
            Command::RecordAutoTopUpFailure(c) => self.fail_auto_top_up(c, command),
            Command::ProcessDue(ProcessDue) => Ok(Answered::done(Seen::Wallet)),
        }
    }

    /// Adds an entry.
    pub(super) fn write(&mut self, kind: EntryKind, effective: i64) {
        self.entries += 1;
        let effective_time = Timestamp::from_micros(effective);
        self.written.push(WrittenEntry { kind, effective_time, events: Vec::new() });
        self.forget_warnings();
        self.write_silently();
    }

    /// Counts a write without an entry.
    pub(super) fn write_silently(&mut self) {
        self.writes += 1;
        self.last_write = self.last_write.max(self.now);
    }

    /// Returns the index of the job with this id.
    pub(crate) fn find_job(&self, id: &ReservationId) -> Option<usize> {
        self.jobs.iter().position(|job| job.id == *id)
    }

    /// Returns the index of the lot with this key.
    pub(crate) fn find_lot(&self, key: &GrantKey) -> Option<usize> {
        self.lots.iter().position(|lot| lot.key == *key)
    }

    /// Returns the jobs that hold credits.
    pub(crate) fn open_jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.is_open())
    }

    /// Returns the credits of a unit that can be reserved.
    pub(crate) fn available(&self, unit: Unit) -> i64 {
        self.lots.iter().filter(|lot| lot.unit == unit).map(|lot| lot.free).sum()
    }

    /// Returns the held credits of a unit.
    pub(crate) fn held(&self, unit: Unit) -> i64 {
        self.open_jobs()
            .flat_map(|job| &job.parts)
            .filter(|part| part.unit == unit)
            .map(|part| part.held)
            .sum()
    }

    /// Returns the held credits of a lot.
    pub(crate) fn held_of(&self, key: &GrantKey) -> i64 {
        let parts = self.open_jobs().flat_map(|job| &job.parts);
        parts.filter(|part| part.lot.as_ref() == Some(key)).map(|part| part.held).sum()
    }

    /// Returns the open jobs whose overage may become debt.
    pub(crate) fn owing_jobs(&self) -> impl Iterator<Item = &Job> {
        self.open_jobs().filter(|job| job.price.beyond == Beyond::Owe)
    }

    /// Returns whether a job that may owe holds credits of a lot.
    pub(crate) fn is_held_by_owing_job(&self, key: &GrantKey) -> bool {
        self.owing_jobs()
            .flat_map(|job| &job.parts)
            .any(|part| part.held > 0 && part.lot.as_ref() == Some(key))
    }

    /// Returns whether a job holds credits of a purchase that was charged back.
    pub(crate) fn is_disputed(&self, job: &Job) -> bool {
        let is_charged_back = |key: &GrantKey| {
            self.lots.iter().any(|lot| lot.key == *key && lot.clawback == Some(Clawback::ChargedBack))
        };
        job.parts.iter().any(|part| part.held > 0 && part.lot.as_ref().is_some_and(is_charged_back))
    }

    /// Returns the debt of a unit and its limit.
    pub(crate) fn owed(&self, unit: Unit) -> Owed {
        self.owed.get(unit).copied().unwrap_or_default()
    }

    /// Returns the subscription unless it is paused.
    pub(crate) fn running(&self) -> Option<&Sub> {
        self.sub.as_ref().filter(|sub| !sub.paused)
    }

    /// Returns the plan of the wallet: that of its subscription, or the default plan.
    pub(crate) fn plan(&self) -> &'static catalog::Plan {
        let id = self.running().map_or(self.default, |sub| sub.sold.plan);
        catalog::find_plan(id).unwrap_or(&catalog::PLANS[0])
    }

    /// Returns the maximum number of open jobs.
    pub(crate) fn concurrency(&self) -> Option<u64> {
        let negotiated = self.running().and_then(|sub| sub.sold.limits.get("concurrency").copied());
        negotiated.or(self.plan().most_jobs(self.seats()))
    }

    /// Returns the number of seats.
    pub(crate) fn seats(&self) -> u32 {
        self.running().map_or(1, |sub| sub.sold.seats)
    }
}

impl Job {
    /// Returns whether the job holds credits.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Held | State::Processing)
    }

    /// Returns the reserved amount of a unit.
    pub(crate) fn reserved(&self, unit: Unit) -> i64 {
        let of_unit = self.price.amounts.iter().filter(|(named, _)| *named == unit);
        of_unit.map(|(_, amount)| *amount).sum()
    }
}
