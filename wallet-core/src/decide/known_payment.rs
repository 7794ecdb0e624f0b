//! Payments of commands that the wallet knows by their references.

use crate::wallet::Wallet;
use crate::wallet::payment::{Paid, Payment, counts};
use crate::wallet::rejection::Rejection;

/// Returns whether the payment counts for a period already. Refuses one that was refunded before its period began: it pays nothing.
/// If that refund failed and the payment is free, it counts like a new one.
pub(crate) fn is_known(wallet: &Wallet, paid: &Paid) -> Result<bool, Rejection> {
    let Some(reference) = &paid.reference else { return Ok(false) };
    let payments = &wallet.profile.payments;
    if counts(payments, reference) {
        return Ok(true);
    }
    if payments.iter().filter(|payment| payment.has_reference(reference)).all(Payment::is_free) {
        return Ok(false);
    }
    let text = format!(
        "{reference} was refunded before its period began; use the reference of another payment, or, if the refund failed, call \
         RecordRefund by this payment_ref with a refunded_total of 0"
    );
    Err(Rejection::field("paid.payment_ref", text))
}
