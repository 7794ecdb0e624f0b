//! RefundTopUp: pays out a purchase of which nothing was charged, within 24 hours of its payment.

use std::time::Duration;

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::{Subject, Verdict};
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{OriginId, RequestId};
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, ExternalRef, Grant};
use crate::wallet::rejection::{Rejection, Unrefundable};

/// The time after the payment in which a purchase can be refunded. The end is exclusive.
const REFUND_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// The command that refunds a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundTopUp {
    /// The idempotency key.
    pub request: RequestId,
    pub purchase: PurchaseName,
    /// The instant at which the customer requested the refund, as stated by the caller. Now by default.
    pub requested_time: Option<Timestamp>,
    /// Recorded in the entry.
    pub reason: String,
}

/// A caller's reference to a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PurchaseName {
    /// By its `top_up_id`.
    TopUp(OriginId),
    /// By its payment, under any `top_up_id`.
    Payment(ExternalRef),
}

impl PurchaseName {
    /// Returns the `top_up_id` of the purchase. That of a payment is known only if `grants` contain the grants that
    /// it bought.
    pub fn top_up<'a>(&'a self, mut grants: impl Iterator<Item = &'a Grant>) -> Option<&'a OriginId> {
        match self {
            Self::TopUp(id) => Some(id),
            Self::Payment(payment) => {
                grants.find(|grant| grant.details.external_ref.as_ref() == Some(payment))?.purchase()
            }
        }
    }

    /// Returns the fingerprint of a command about the purchase. It does not depend on the kind of reference if the
    /// purchase exists.
    pub(crate) fn fingerprint(&self, wallet: &Wallet) -> Fingerprint {
        let said = Fingerprint::default();
        match (self.top_up(wallet.grants.values()), self) {
            (Some(id), _) | (None, Self::TopUp(id)) => said.with("top_up_id", Some(id)),
            (None, Self::Payment(payment)) => said.with("external_ref", Some(payment)),
        }
    }
}

/// Decides a [`RefundTopUp`].
pub fn refund_top_up(
    wallet: &Wallet,
    context: &Context<'_>,
    refund: &RefundTopUp,
) -> Result<Verdict, Rejection> {
    let fingerprint =
        refund.purchase.fingerprint(wallet).with("requested_time", refund.requested_time.as_ref());
    let grants = of_purchase(wallet, &refund.purchase);
    let subject = Subject::Grants(grants.iter().map(|grant| grant.key.clone()).collect());
    if replay_of_request(wallet, &refund.request, EntryKind::TopUpRefunded, &fingerprint)? {
        return Ok(Verdict::replay(subject));
    }
    let first = grants.first().ok_or(Rejection::TopUpNotFound)?;
    let paid = first.details.paid_time.unwrap_or(first.create_time);
    let requested_time = refund.requested_time.unwrap_or(context.now);
    if requested_time > context.now {
        return Err(Rejection::field("requested_time", format!("must not be after now, {}", context.now)));
    }
    if requested_time < paid {
        return Err(Rejection::field("requested_time", format!("must not be before the payment, {paid}")));
    }
    if let Some(cause) = why_not(&grants, requested_time >= paid.plus(REFUND_WINDOW)) {
        return Err(Rejection::NotRefundable(cause));
    }
    let mut decision = Decision::of(EntryKind::TopUpRefunded, context.now).because(&refund.reason);
    for grant in grants {
        for (part, amount) in [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)]
        {
            decision.move_in_grant(&grant.key, &grant.unit, part, Part::PaidOut, amount);
        }
        decision.clawback.push((grant.key.clone(), Clawback::Refunded));
    }
    Ok(Verdict::new(with_request(decision, &refund.request, fingerprint), subject))
}

/// Returns the grants of a purchase: its own first, then the grace credits that stem from them.
pub(crate) fn of_purchase<'a>(wallet: &'a Wallet, purchase: &PurchaseName) -> Vec<&'a Grant> {
    let top_up = purchase.top_up(wallet.grants.values());
    wallet.grants.values().filter(|grant| top_up.is_some() && grant.purchase() == top_up).collect()
}

/// Returns the reason against a refund, if there is one. Reasons that are final come first.
fn why_not(grants: &[&Grant], too_late: bool) -> Option<Unrefundable> {
    let clawback = grants.iter().filter_map(|grant| grant.clawback).max();
    let any = |part: fn(&Grant) -> i64| grants.iter().any(|grant| part(grant) > 0);
    match clawback {
        Some(Clawback::ChargedBack) => Some(Unrefundable::ChargedBack),
        Some(Clawback::Refunded) => Some(Unrefundable::AlreadyRefunded),
        Some(Clawback::Revoked) => Some(Unrefundable::Revoked),
        None if too_late => Some(Unrefundable::TooLate),
        None if any(|grant| grant.parts.consumed) => Some(Unrefundable::CreditsUsed),
        None if any(|grant| grant.parts.held) => Some(Unrefundable::HoldsOutstanding),
        None => None,
    }
}
