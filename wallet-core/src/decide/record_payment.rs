//! RecordPayment: records the payment of a period: the one that has begun unpaid, or one of the next 12. The payment of
//! a later period lets that begin at its boundary; one that is late begins the anchored period that contains now.
//!
//! A plan that renews by the clock needs no payments, and a payment that names no period is that of the present one, whose
//! amount refunds then use. Only another payment, with a reference of its own, is for the next period.

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::known_payment::is_known;
use crate::decide::periods::{begin_late, pay_provisional, with_payment, with_subscription};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::value::time::Timestamp;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::payment::{Paid, Payment, is_refunded_ahead};
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Standing, Subscription};

/// The number of later periods that can be paid.
const MOST_PAID_AHEAD: u32 = 12;

/// The command that records the payment of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPayment {
    /// The idempotency key, for example the id of the payment.
    pub request: RequestId,
    /// The start of the period that was paid. The unpaid period that has begun, or else the next unpaid one, by default.
    pub period_start: Option<Timestamp>,
    /// The amount and the reference of the payment.
    pub paid: Paid,
    /// Recorded in the entry.
    pub reason: String,
}

/// A period that can be paid.
pub(crate) enum Period {
    /// The one that contains now and began without a payment.
    Begun,
    /// A later one, by its number.
    Later(u32),
    /// The present one, which began by the clock.
    Present,
}

impl WalletCommand for RecordPayment {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let paid = (self.paid != Paid::default()).then_some(&self.paid);
        let fingerprint =
            Fingerprint::default().with("period_start_time", self.period_start.as_ref()).with("paid", paid);
        if replay_of_request(wallet, &self.request, EntryKind::PaymentRecorded, &fingerprint)?
            || is_known(wallet, &self.paid)?
        {
            return Ok(Verdict::replay(WalletSubject));
        }
        let present = wallet.profile.subscription.as_deref().ok_or(Rejection::SubscriptionNotFound)?;
        let at = context.now;
        if present.is_paused() {
            return Err(Rejection::SubscriptionPaused);
        }
        let decision = match self.period(wallet, present, at)? {
            Period::Present => {
                let decision = Decision::of(EntryKind::PaymentRecorded, at);
                let decision = with_subscription(wallet, decision, Some(present.clone()));
                with_payment(decision, &self.paid, present.period_id())
            }
            Period::Begun => {
                let kind = EntryKind::PaymentRecorded;
                let start = present.unpaid_start(at).unwrap_or(at);
                let decision = match present.standing {
                    Standing::Provisional => {
                        let paid = present.clone().with_terms(present.sold.clone());
                        pay_provisional(wallet, present, paid, kind, at)
                    }
                    Standing::Active | Standing::PastDue | Standing::Paused => {
                        begin_late(wallet, present.clone(), kind, at)
                    }
                };
                with_payment(decision, &self.paid, present.period_id_at(start))
            }
            Period::Later(period) => {
                let next = present.clone().with_payment_of(period);
                let decision = Decision::of(EntryKind::PaymentRecorded, at);
                with_payment(
                    with_subscription(wallet, decision, Some(next)),
                    &self.paid,
                    present.period_id_at(present.start_of(period)),
                )
            }
        };
        let decision = decision.because(&self.reason);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}

impl RecordPayment {
    /// Returns the period to pay.
    fn period(&self, wallet: &Wallet, present: &Subscription, now: Timestamp) -> Result<Period, Rejection> {
        let start = present.period_start();
        let is_of_period = |payment: &Payment| payment.is_for(present.period_id());
        let is_known = || wallet.profile.payments.iter().any(is_of_period);
        if !present.renews_by_the_clock() || self.period_start.is_some_and(|named| named != start) {
            return period_in_question(present, self.period_start, now);
        }
        let is_first = || is_refunded_ahead(&wallet.profile.payments, present.period_id());
        if (self.paid != Paid::default() || is_first()) && !is_known() {
            return Ok(Period::Present);
        }
        // Without a reference it may be the same payment again.
        let is_last = present.end == Some(present.period + 1);
        let is_another = self.period_start.is_none() && (self.paid.reference.is_some() || is_last);
        period_in_question(present, if is_another { None } else { Some(start) }, now)
    }
}

/// Returns the period to pay: the one that starts at this instant, or the first unpaid one.
pub(crate) fn period_in_question(
    present: &Subscription,
    start: Option<Timestamp>,
    now: Timestamp,
) -> Result<Period, Rejection> {
    let begun = present.unpaid_start(now);
    let latest = present.period + MOST_PAID_AHEAD + u32::from(begun.is_some());
    let next = (present.period + 1..).find(|period| {
        !present.paid.contains(period) && begun.is_none_or(|begun| present.start_of(*period) > begun)
    });
    let next = next.unwrap_or(present.period + 1);
    let next_start = begun.unwrap_or_else(|| present.start_of(next));
    if present.sold.term.is_once() {
        let text = "a plan of term ONCE has one period, which is paid";
        return Err(Rejection::field("period_start_time", text));
    }
    if begun.is_some() && (start.is_none() || start == begun) {
        return match present.end {
            Some(_) if present.standing == Standing::PastDue => {
                Err(Rejection::SubscriptionEnds(present.period_end()))
            }
            Some(_) => Err(Rejection::SubscriptionEnds(present.period_start())),
            None => Ok(Period::Begun),
        };
    }
    let period = match start {
        None => next,
        Some(start) => present.number_of(start).filter(|period| *period <= latest).ok_or_else(|| {
            let text = format!("must be the start of a period at most {MOST_PAID_AHEAD} periods ahead; the next unpaid one starts at {next_start}");
            Rejection::field("period_start_time", text)
        })?,
    };
    if period <= present.period || present.paid.contains(&period) {
        let period_start = present.start_of(period);
        return Err(Rejection::PeriodPaid { period_start, next_start });
    }
    let end = present.end.filter(|end| period >= *end);
    let change = present.change.as_ref().filter(|change| change.sold.term != present.sold.term);
    let change = change.map(|change| change.period).filter(|last| period > *last);
    if let Some(end) = end.or(change) {
        return Err(Rejection::SubscriptionEnds(present.start_of(end)));
    }
    // A provisional period is paid before later ones.
    let waits = present.standing == Standing::Provisional;
    if waits || begun.is_some_and(|begun| present.start_of(period) < begun) || period > latest {
        let text = format!("that period cannot be paid; the next unpaid one starts at {next_start}");
        return Err(Rejection::field("period_start_time", text));
    }
    Ok(Period::Later(period))
}
