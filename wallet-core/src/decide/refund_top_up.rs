//! RefundTopUp: pays out a purchase of which nothing was charged, within 24 hours of its payment.

use std::time::Duration;

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::purchase::{PurchaseName, of_purchase};
use crate::decide::read_set::ReadSet;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::ids::RequestId;
use crate::value::time::Timestamp;
use crate::view::views::{PurchaseSubject, RefundedPurchaseView};
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, Grant};
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

impl WalletCommand for RefundTopUp {
    type View = RefundedPurchaseView;

    fn read_set(&self) -> ReadSet {
        ReadSet { purchase: Some(self.purchase.clone()), ..ReadSet::default() }
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<PurchaseSubject>, Rejection> {
        let fingerprint =
            self.purchase.fingerprint(wallet).with("requested_time", self.requested_time.as_ref());
        let grants = of_purchase(wallet, &self.purchase);
        let keys = grants.iter().map(|grant| grant.key.clone()).collect();
        let subject = PurchaseSubject { request: self.request.clone(), grants: keys };
        if replay_of_request(wallet, &self.request, EntryKind::TopUpRefunded, &fingerprint)? {
            return Ok(Verdict::replay(subject));
        }
        let first = grants.first().ok_or(Rejection::TopUpNotFound)?;
        let paid = first.details.paid_time.unwrap_or(first.create_time);
        let requested_time = self.requested_time.unwrap_or(context.now);
        if requested_time > context.now {
            return Err(Rejection::field(
                "requested_time",
                format!("must not be after now, {}", context.now),
            ));
        }
        if requested_time < paid {
            return Err(Rejection::field(
                "requested_time",
                format!("must not be before the payment, {paid}"),
            ));
        }
        if let Some(cause) = why_not(&grants, requested_time >= paid.plus(REFUND_WINDOW)) {
            return Err(Rejection::NotRefundable(cause));
        }
        let mut decision = Decision::of(EntryKind::TopUpRefunded, context.now).because(&self.reason);
        for grant in grants {
            for (part, amount) in
                [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)]
            {
                decision.move_in_grant(&grant.key, &grant.unit, part, Part::PaidOut, amount);
            }
            decision.clawback.push((grant.key.clone(), Clawback::Refunded));
        }
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), subject))
    }
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
