//! Payments of commands that the wallet knows by their references.

use crate::wallet::Wallet;
use crate::wallet::payment::{Paid, Payment, counts};
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::Subscription;

/// Returns whether the payment counts for a period of this subscription already.
pub(crate) fn pays(wallet: &Wallet, present: &Subscription, paid: &Paid) -> bool {
    let is_known = |payment: &&Payment| paid.reference.as_ref().is_some_and(|of| payment.has_reference(of));
    let mut known = wallet.profile.payments.iter().filter(is_known);
    known.any(|payment| payment.counts() && payment.period.subscription == present.id)
}

/// Returns whether the payment counts for a period already. Refuses one that was refunded before its period began: it
/// pays nothing. If that refund failed and the payment is free, it counts like a new one. So does one whose
/// subscription ended before its period.
pub(crate) fn is_known(wallet: &Wallet, paid: &Paid) -> Result<bool, Rejection> {
    let Some(reference) = &paid.reference else { return Ok(false) };
    let payments = &wallet.profile.payments;
    if counts(payments, reference) {
        return Ok(true);
    }
    if payments.iter().filter(|payment| payment.has_reference(reference)).all(Payment::pays_nothing) {
        return Ok(false);
    }
    let text = format!(
        "{reference} was refunded before its period began; use the reference of another payment, or, if the refund failed, call \
         RecordRefund by this payment_ref with a refunded_total of 0"
    );
    Err(Rejection::field("paid.payment_ref", text))
}
