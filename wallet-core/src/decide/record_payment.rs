//! RecordPayment: the next period is paid. Early, it begins at its boundary; late, at once: the period
//! of the anchor that the payment lies in.

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::{begin_period, with_subscription};
use crate::decide::replay::{made_before, requested};
use crate::decide::verdict::{Subject, Verdict};
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Standing, Subscription};

/// A period was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPayment {
    /// The idempotency key: the payment's id, for example.
    pub request: RequestId,
    /// Kept with the entry.
    pub reason: String,
}

/// Decides a [`RecordPayment`].
pub fn record_payment(
    wallet: &Wallet,
    context: &Context<'_>,
    payment: &RecordPayment,
) -> Result<Verdict, Rejection> {
    let fingerprint = Fingerprint::default();
    if made_before(wallet, &payment.request, EntryKind::PaymentRecorded, &fingerprint)? {
        return Ok(Verdict::replay(Subject::Wallet));
    }
    let present = wallet.profile.subscription.as_ref().ok_or(Rejection::SubscriptionNotFound)?;
    if present.paid_periods > present.period + 1 {
        return Err(Rejection::field("request_id", "the next period is paid already, by another payment"));
    }
    let at = context.now;
    let decision = match present.standing {
        Standing::Active => {
            let decision = Decision::of(EntryKind::PaymentRecorded, at);
            let paid_periods = present.period + 2;
            with_subscription(wallet, decision, Some(Subscription { paid_periods, ..present.clone() }))
        }
        Standing::PastDue => {
            begin_period(wallet, present.clone().continued(at), EntryKind::PaymentRecorded, at)
        }
    };
    let decision = decision.because(&payment.reason);
    Ok(Verdict::new(requested(decision, &payment.request, fingerprint), Subject::Wallet))
}
