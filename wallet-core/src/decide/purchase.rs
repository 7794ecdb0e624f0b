//! Purchases as callers refer to them, and the grants of a purchase.

use std::collections::BTreeSet;

use crate::value::fingerprint::Fingerprint;
use crate::value::ids::OriginId;
use crate::wallet::Wallet;
use crate::wallet::grant::{ExternalRef, Grant};
use crate::wallet::rejection::Rejection;

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

    /// Returns the ids of all purchases of a payment, or that of the one purchase that is named.
    pub fn top_ups<'a>(&'a self, grants: impl Iterator<Item = &'a Grant>) -> BTreeSet<&'a OriginId> {
        match self {
            Self::TopUp(id) => BTreeSet::from([id]),
            Self::Payment(payment) => {
                let paid = grants.filter(|grant| grant.details.external_ref.as_ref() == Some(payment));
                paid.filter_map(Grant::purchase).collect()
            }
        }
    }

    /// Refuses a payment that bought several purchases.
    pub(crate) fn check_one(&self, wallet: &Wallet) -> Result<(), Rejection> {
        let ids: Vec<_> = self.top_ups(wallet.grants.values()).into_iter().map(OriginId::as_str).collect();
        if ids.len() < 2 {
            return Ok(());
        }
        let text = format!(
            "this payment bought {} purchases; name one by its top_up_id: {}",
            ids.len(),
            ids.join(", ")
        );
        Err(Rejection::field("external_ref", text))
    }

    /// Returns the fingerprint of a command about the purchase. It does not depend on the kind of reference if the
    /// purchase exists.
    pub(crate) fn fingerprint(&self, wallet: &Wallet) -> Fingerprint {
        match self.top_up(wallet.grants.values()) {
            Some(id) => Fingerprint::default().with("top_up_id", Some(id)),
            None => self.fingerprint_of_unknown(),
        }
    }

    /// Returns the fingerprint of a command about a purchase that does not exist.
    pub(crate) fn fingerprint_of_unknown(&self) -> Fingerprint {
        match self {
            Self::TopUp(id) => Fingerprint::default().with("top_up_id", Some(id)),
            Self::Payment(payment) => Fingerprint::default().with("external_ref", Some(payment)),
        }
    }
}

/// Returns the grants of a purchase: its own first, then the grace credits that stem from them.
pub(crate) fn of_purchase<'a>(wallet: &'a Wallet, purchase: &PurchaseName) -> Vec<&'a Grant> {
    let top_up = purchase.top_up(wallet.grants.values());
    wallet.grants.values().filter(|grant| top_up.is_some() && grant.purchase() == top_up).collect()
}
