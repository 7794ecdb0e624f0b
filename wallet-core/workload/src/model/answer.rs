//! The expected results of commands, and the comparison of two commands field by field.

use std::collections::BTreeMap;
use std::fmt::Debug;

use wallet_core::decide::{Cost, Outcome, PaymentName, PriceSource, ProcessDue, Purchase, PurchaseName};
use wallet_core::entry::EntryKind;
use wallet_core::event::Event;
use wallet_core::grant::GrantKey;
use wallet_core::sold::Overrides;
use wallet_core::{Command, ReservationId, Timestamp};

/// The expected result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The reply: carried out or repeated, or the refusal.
    pub result: Result<Answered, Refusal>,
    /// The number of entries afterwards.
    pub revision: i64,
    /// The number of writes afterwards.
    pub version: i64,
    /// The wallet's time of the decision.
    pub decided_at: Timestamp,
    /// The new entries, those of due events included.
    pub written: Vec<WrittenEntry>,
}

/// The expected content of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenEntry {
    /// The kind of the entry.
    pub kind: EntryKind,
    /// The instant at which the change takes effect.
    pub effective_time: Timestamp,
    /// The notifications of the entry.
    pub events: Vec<Event>,
}

/// An expected reply that is not a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The subject of the reply.
    pub seen: Seen,
    /// True if the command had been carried out before.
    pub replayed: bool,
}

/// The subject of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Wallet,
    Job(ReservationId),
    Lots(Vec<GrantKey>),
}

/// An expected refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable reason.
    pub reason: &'static str,
    /// The metadata by key.
    pub says: Vec<(String, String)>,
}

impl Answered {
    pub(super) fn done(seen: Seen) -> Self {
        Self { seen, replayed: false }
    }

    pub(super) fn again(seen: Seen) -> Self {
        Self { seen, replayed: true }
    }
}

impl Refusal {
    pub(super) fn new(reason: &'static str) -> Self {
        Self { reason, says: Vec::new() }
    }

    pub(super) fn field() -> Self {
        Self::new("INVALID_FIELD")
    }

    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.says.push((name.to_owned(), value.to_string()));
        self
    }
}

/// Compares two commands with one id. The error has the fields that differ.
pub(super) fn same(before: &Command, now: &Command) -> Result<(), Refusal> {
    let (before, now) = (fields(before), fields(now));
    let names = before.keys().chain(now.keys());
    let mut differ: Vec<&str> = names.filter(|name| before.get(*name) != now.get(*name)).copied().collect();
    differ.sort_unstable();
    differ.dedup();
    if differ.is_empty() { Ok(()) } else { Err(mismatch(&differ)) }
}

/// Returns the refusal of an id that was used with other content.
pub(super) fn mismatch(fields: &[&str]) -> Refusal {
    Refusal::new("IDEMPOTENCY_MISMATCH").with("fields", fields.join(","))
}

type Fields = BTreeMap<&'static str, String>;

/// Returns the fields of a command that a replay must repeat.
fn fields(command: &Command) -> Fields {
    let mut fields = Fields::new();
    let mut say = |name: &'static str, value: Option<&dyn Debug>| {
        if let Some(value) = value {
            fields.insert(name, format!("{value:?}"));
        }
    };
    match command {
        Command::CreateWallet(c) => {
            say("display_name", (!c.display_name.is_empty()).then_some(&c.display_name));
            say("debt_limits", (!c.debt_limits.is_empty()).then_some(&c.debt_limits));
        }
        Command::UpdateWallet(c) => {
            say("status", c.status.as_ref().map(|status| status as _));
            say("display_name", c.display_name.as_ref().map(|name| name as _));
            say("debt_limits", (!c.debt_limits.is_empty()).then_some(&c.debt_limits));
            say("low_balance", (!c.low_balance.is_empty()).then_some(&c.low_balance));
        }
        Command::Reserve(c) => {
            say("actor", c.actor.as_ref().map(|actor| actor as _));
            match &c.price {
                PriceSource::Quote(quote) => say("operation", Some(&quote.operation)),
                PriceSource::Operation(operation) => say("operation", Some(operation)),
                PriceSource::Explicit(price) => {
                    say("amounts", Some(&price.amounts));
                    say("max_amounts", (!price.max_amounts.is_empty()).then_some(&price.max_amounts));
                    say("operation", price.operation.as_ref().map(|operation| operation as _));
                }
            }
        }
        Command::Settle(c) => match &c.outcome {
            Outcome::Succeeded(cost) => {
                say("outcome", Some(&"succeeded"));
                match cost {
                    Cost::AsReserved => {}
                    Cost::Usage(usage) => say("usage", Some(usage)),
                    Cost::Amounts(amounts) => say("amounts", Some(amounts)),
                }
            }
            Outcome::Failed(failure) => {
                say("outcome", Some(&"failed"));
                say("code", Some(&failure.code));
            }
        },
        Command::Cancel(c) => say("reason", Some(&c.reason)),
        Command::TopUp(c) => {
            match &c.purchase {
                Purchase::Pack(sale) => {
                    say("pack_id", Some(&sale.id));
                    say("quantity", (sale.quantity > 1).then_some(&sale.quantity as _));
                    say("catalog_version", sale.catalog_version.as_ref().map(|version| version as _));
                }
                Purchase::Amount(unit, amount) => say("amount", Some(&(unit, amount))),
            }
            say("external_ref", c.external_ref.as_ref().map(|payment| payment as _));
            say("line", c.line.as_ref().map(|line| line as _));
            say("paid_amount", c.paid_amount.as_ref().map(|amount| amount as _));
            say("paid_time", c.paid_time.as_ref().map(|time| time as _));
        }
        Command::Grant(c) => {
            say("amount", Some(&(&c.unit, c.amount)));
            say("source", Some(&c.source));
            say("priority", Some(&c.priority));
            say("effective_time", c.effective_time.as_ref().map(|time| time as _));
            say("expire_time", c.expire_time.as_ref().map(|time| time as _));
        }
        Command::RevokeGrant(c) => say("grant_id", Some(&c.grant)),
        Command::Subscribe(c) => {
            say("plan_id", Some(&c.plan));
            say("overrides", negotiated(&c.overrides));
            say("anchor_time", c.anchor.as_ref().map(|anchor| anchor as _));
        }
        Command::ChangePlan(c) => {
            say("plan_id", Some(&c.plan));
            say("overrides", negotiated(&c.overrides));
        }
        Command::CancelSubscription(c) => say("when", c.now.then_some(&"now")),
        Command::RefundTopUp(c) => {
            let (name, value) = named(&c.purchase);
            say(name, Some(value));
            say("requested_time", c.requested_time.as_ref().map(|time| time as _));
        }
        Command::RefundSubscription(c) => {
            say("requested_time", c.requested_time.as_ref().map(|time| time as _))
        }
        Command::RecordChargeback(c) => {
            let (name, value) = named_payment(&c.payment);
            say(name, Some(value));
        }
        Command::RecordRefund(c) => {
            let (name, value) = named_payment(&c.payment);
            say(name, Some(value));
            say("refunded_total", Some(&c.total));
            say("used", Some(&c.used));
        }
        Command::ReverseChargeback(c) => {
            let (name, value) = named_payment(&c.payment);
            say(name, Some(value));
        }
        Command::ReverseCharge(c) => {
            say("reservation_id", Some(&c.reservation));
            say("amounts", (!c.amounts.is_empty()).then_some(&c.amounts));
        }
        Command::SetAutoTopUp(c) => say("auto_top_up", c.setting.as_ref().map(|setting| setting as _)),
        Command::RecordAutoTopUpFailure(c) => say("top_up_id", Some(&c.top_up)),
        Command::Start(_)
        | Command::Extend(_)
        | Command::PauseSubscription(_)
        | Command::ResumeSubscription(_)
        | Command::CloseWallet(_)
        | Command::RecordPayment(_)
        | Command::ProcessDue(ProcessDue) => {}
    }
    fields
}

/// Returns the field by which a payment is identified, and its value.
fn named_payment(payment: &PaymentName) -> (&'static str, &dyn Debug) {
    match payment {
        PaymentName::Purchase(purchase) => named(purchase),
        PaymentName::Period(start) => ("period_start_time", start),
        PaymentName::PaidPeriod(reference) => ("payment_ref", reference),
    }
}

/// Returns the field by which a purchase is identified, and its value.
fn named(purchase: &PurchaseName) -> (&'static str, &dyn Debug) {
    match purchase {
        PurchaseName::TopUp(id) => ("top_up_id", id),
        PurchaseName::Payment(payment) => ("external_ref", payment),
    }
}

fn negotiated(overrides: &Overrides) -> Option<&dyn Debug> {
    (*overrides != Overrides::default()).then_some(overrides)
}
