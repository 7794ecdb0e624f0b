//! Parameters of steps. Each fits some commands; on other commands, it panics.

use std::time::Duration;

use wallet_core::decide::{
    Cancel, Grant, PackSale, PriceSource, Purchase, Reserve, Settle, StartOptions, TopUp, UpdateWallet,
};
use wallet_core::grant::{ExternalRef, Money};
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, Operation, Source, Timestamp};

use super::steps::{Step, amounts, origin, worker};
use super::world::START;

/// Parameters of a grant.
impl Step {
    /// Sets the instant from which the credits can be spent.
    pub(crate) fn from(mut self, since_start: Duration) -> Self {
        self.grant().effective_time = Some(START.plus(since_start));
        self
    }

    /// Sets the expiry.
    pub(crate) fn until(mut self, since_start: Duration) -> Self {
        self.grant().expire_time = Some(START.plus(since_start));
        self
    }

    pub(crate) fn priority(mut self, priority: i32) -> Self {
        self.grant().priority = priority;
        self
    }

    pub(crate) fn source(mut self, source: Source) -> Self {
        self.grant().source = source;
        self
    }
}

/// Parameters of a reserve.
impl Step {
    pub(crate) fn limit(mut self, of: &str, n: i64) -> Self {
        self.reserve().limits = amounts(&[(of, n)]);
        self
    }

    /// Sets the operation of an explicit price.
    pub(crate) fn about(mut self, operation: Operation) -> Self {
        match &mut self.reserve().price {
            PriceSource::Explicit(price) => price.operation = Some(operation),
            other => panic!("not an explicit price: {other:?}"),
        }
        self
    }

    pub(crate) fn ttl(mut self, ttl: Duration) -> Self {
        self.reserve().ttl = Some(ttl);
        self
    }

    pub(crate) fn actor(mut self, actor: &str) -> Self {
        self.reserve().actor = Some(actor.parse().unwrap());
        self
    }

    pub(crate) fn label(mut self, name: &str, value: &str) -> Self {
        self.reserve().labels = [(name.to_owned(), value.to_owned())].into();
        self
    }

    /// Starts the job with the reserve.
    pub(crate) fn started(mut self) -> Self {
        self.reserve().start = Some(worker("w1", 1, None));
        self
    }
}

/// Parameters of a start, extend, settle or cancel.
impl Step {
    pub(crate) fn lease(mut self, time: Duration) -> Self {
        match &mut self {
            Step::Command(Command::Extend(extend)) => extend.lease = Some(time),
            _ => self.start().lease = Some(time),
        }
        self
    }

    pub(crate) fn worker(mut self, name: &str) -> Self {
        self.start().worker = name.parse().unwrap();
        self
    }

    pub(crate) fn attempt(mut self, attempt: i32) -> Self {
        match &mut self {
            Step::Command(Command::Extend(extend)) => extend.attempt = Some(attempt),
            _ => self.settle().attempt = Some(attempt),
        }
        self
    }

    /// Settles the job even if its hold has expired.
    pub(crate) fn late(mut self) -> Self {
        self.settle().accept_late = true;
        self
    }

    pub(crate) fn max_fee(mut self, of: &str, n: i64) -> Self {
        self.cancel().max_fees = amounts(&[(of, n)]);
        self
    }

    pub(crate) fn allow_missing(mut self) -> Self {
        self.cancel().allow_missing = true;
        self
    }
}

/// Parameters of a purchase and of an update of the wallet.
impl Step {
    /// Sets the payment.
    pub(crate) fn paid_by(mut self, payment: &str) -> Self {
        self.top_up().external_ref = Some(ExternalRef { provider: origin("stripe"), id: origin(payment) });
        self
    }

    /// Names the line of the payment.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.top_up().line = Some(origin(line));
        self
    }

    /// Buys several packs at once.
    pub(crate) fn times(mut self, quantity: u32) -> Self {
        self.sale().quantity = quantity;
        self
    }

    /// Names the catalog version of the checkout.
    pub(crate) fn sold_by(mut self, version: i64) -> Self {
        self.sale().catalog_version = Some(version);
        self
    }

    fn sale(&mut self) -> &mut PackSale {
        match &mut self.top_up().purchase {
            Purchase::Pack(sale) => sale,
            other => panic!("not a pack: {other:?}"),
        }
    }

    /// States the price of the purchase.
    pub(crate) fn for_cents(mut self, cents: i64) -> Self {
        self.top_up().paid_amount = Some(Money { currency: "EUR".to_owned(), minor_units: cents });
        self
    }

    pub(crate) fn paid_at(mut self, at: Timestamp) -> Self {
        self.top_up().paid_time = Some(at);
        self
    }

    pub(crate) fn status(mut self, status: WalletStatus) -> Self {
        self.update().status = Some(status);
        self
    }

    pub(crate) fn owing(mut self, n: i64) -> Self {
        self.update().debt_limits = amounts(&[("credits", n)]);
        self
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        self.update().display_name = Some(name.to_owned());
        self
    }
}

/// The command that a parameter belongs to.
impl Step {
    fn grant(&mut self) -> &mut Grant {
        match self {
            Step::Command(Command::Grant(grant)) => grant,
            other => panic!("not a grant: {other:?}"),
        }
    }

    fn reserve(&mut self) -> &mut Reserve {
        match self {
            Step::Command(Command::Reserve(reserve)) => reserve,
            other => panic!("not a reserve: {other:?}"),
        }
    }

    fn start(&mut self) -> &mut StartOptions {
        match self {
            Step::Command(Command::Start(start)) => &mut start.options,
            other => other.reserve().start.as_mut().expect("not started"),
        }
    }

    fn settle(&mut self) -> &mut Settle {
        match self {
            Step::Command(Command::Settle(settle)) => settle,
            other => panic!("not a settle: {other:?}"),
        }
    }

    fn cancel(&mut self) -> &mut Cancel {
        match self {
            Step::Command(Command::Cancel(cancel)) => cancel,
            other => panic!("not a cancel: {other:?}"),
        }
    }

    fn top_up(&mut self) -> &mut TopUp {
        match self {
            Step::Command(Command::TopUp(top_up)) => top_up,
            other => panic!("not a top-up: {other:?}"),
        }
    }

    pub(super) fn update(&mut self) -> &mut UpdateWallet {
        match self {
            Step::Command(Command::UpdateWallet(update)) => update,
            other => panic!("not an update: {other:?}"),
        }
    }
}
