//! Parses purchases, payments, money and sources.

use prost_types::Timestamp;
use wallet_core::catalog::MAX_PACKS;
use wallet_core::decide::{PackSale, PaymentName, Purchase, PurchaseName};
use wallet_core::grant::{ExternalRef, Money};
use wallet_core::refund::UsedCredits;
use wallet_core::{OriginId, Source};
use wallet_proto::v1::{self, top_up_request};

use super::FieldReader;

pub(super) const MAX_PACK_BYTES: usize = 128;

impl FieldReader {
    /// Parses the content of a purchase, which is required.
    pub(crate) fn purchase(
        &mut self,
        what: Option<top_up_request::What>,
        quantity: Option<i32>,
        catalog_version: Option<i64>,
    ) -> Option<Purchase> {
        match what {
            Some(top_up_request::What::PackId(pack)) => {
                let id = self.required_name("pack_id", pack, MAX_PACK_BYTES);
                let quantity = self.quantity("quantity", quantity);
                Some(Purchase::Pack(PackSale { id, quantity, catalog_version }))
            }
            Some(top_up_request::What::Amount(amount)) => {
                for (field, is_given) in
                    [("quantity", quantity.is_some()), ("catalog_version", catalog_version.is_some())]
                {
                    if is_given {
                        self.add(field, "must be absent for an amount: only packs have it");
                    }
                }
                let (unit, amount) = self.positive_amount("amount", Some(amount))?;
                Some(Purchase::Amount(unit, amount))
            }
            None => {
                self.add("what", "is required: pack_id or amount");
                None
            }
        }
    }

    /// Parses a number of packs. Default: 1.
    fn quantity(&mut self, path: &str, quantity: Option<i32>) -> u32 {
        let quantity = quantity.unwrap_or(1);
        let read = u32::try_from(quantity).ok().filter(|quantity| (1..=MAX_PACKS).contains(quantity));
        read.unwrap_or_else(|| {
            self.add(path, format!("must be from 1 to {MAX_PACKS}, is {quantity}"));
            1
        })
    }

    /// Parses the line of a payment. Empty: none.
    pub(crate) fn line(&mut self, line: &str, has_payment: bool) -> Option<OriginId> {
        if line.is_empty() {
            return None;
        }
        if !has_payment {
            self.add("line", "needs external_ref, the payment that it is a line of");
        }
        self.id("line", line)
    }

    /// Parses an optional payment.
    pub(crate) fn external_ref(
        &mut self,
        path: &str,
        payment: Option<v1::ExternalRef>,
    ) -> Option<ExternalRef> {
        let v1::ExternalRef { provider, id } = payment?;
        let provider = self.id(&format!("{path}.provider"), &provider);
        let id = self.id(&format!("{path}.id"), &id);
        Some(ExternalRef { provider: provider?, id: id? })
    }

    /// Parses the payment that names a purchase.
    pub(crate) fn payment(&mut self, path: &str, payment: v1::ExternalRef) -> Option<PurchaseName> {
        self.external_ref(path, Some(payment)).map(PurchaseName::Payment)
    }

    /// Parses the name of a payment by the purchase that it paid.
    pub(crate) fn payment_of_top_up(&mut self, top_up_id: &str) -> Option<PaymentName> {
        self.id("top_up_id", top_up_id).map(PurchaseName::TopUp).map(PaymentName::Purchase)
    }

    /// Parses the name of a payment by the reference of the payment provider.
    pub(crate) fn payment_with_ref(&mut self, external_ref: v1::ExternalRef) -> Option<PaymentName> {
        self.payment("external_ref", external_ref).map(PaymentName::Purchase)
    }

    /// Parses the name of a payment by the start of the period that it paid.
    pub(crate) fn payment_of_period(&mut self, start: Timestamp) -> Option<PaymentName> {
        self.instant("period_start_time", Some(start)).map(PaymentName::Period)
    }

    /// Parses the name of a payment by its reference as the payment for a period.
    pub(crate) fn payment_for_period(&mut self, reference: &str) -> Option<PaymentName> {
        self.id("payment_ref", reference).map(PaymentName::PaidPeriod)
    }

    /// Reports that the request names no payment.
    pub(crate) fn no_payment(&mut self) -> Option<PaymentName> {
        self.add("payment", "is required: top_up_id, external_ref, period_start_time or payment_ref");
        None
    }

    /// Reports that the request names no purchase.
    pub(crate) fn no_purchase(&mut self) -> Option<PurchaseName> {
        self.add("purchase", "is required: top_up_id or external_ref");
        None
    }

    /// Parses an optional price.
    pub(crate) fn money(&mut self, path: &str, money: Option<v1::Money>) -> Option<Money> {
        let v1::Money { currency, minor_units } = money?;
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            self.add(format!("{path}.currency"), "must be three upper-case letters such as EUR");
        }
        self.not_negative(&format!("{path}.minor_units"), minor_units);
        Some(Money { currency, minor_units })
    }

    /// Parses a required sum of money.
    pub(crate) fn required_money(&mut self, path: &str, money: Option<v1::Money>) -> Option<Money> {
        if money.is_none() {
            self.add(path, "is required");
        }
        self.money(path, money)
    }

    /// Parses the required treatment of used credits.
    pub(crate) fn used_credits(&mut self, path: &str, used: i32) -> Option<UsedCredits> {
        match v1::UsedCredits::try_from(used) {
            Ok(v1::UsedCredits::Forgive) => Some(UsedCredits::Forgive),
            Ok(v1::UsedCredits::Owe) => Some(UsedCredits::Owe),
            Ok(v1::UsedCredits::Unspecified) => {
                self.add(path, "is required: FORGIVE or OWE");
                None
            }
            Err(_) => {
                self.add(path, format!("is {used}, FORGIVE or OWE is allowed"));
                None
            }
        }
    }

    /// Parses the source of a Grant. Default: ADJUSTMENT.
    pub(crate) fn granted_source(&mut self, path: &str, source: i32) -> Option<Source> {
        match v1::Source::try_from(source) {
            Ok(v1::Source::Unspecified | v1::Source::Adjustment) => Some(Source::Adjustment),
            Ok(v1::Source::Subscription) => Some(Source::Subscription),
            Ok(v1::Source::Free) => Some(Source::Free),
            Ok(v1::Source::Purchased) => Some(Source::Purchased),
            Ok(v1::Source::Promotional) => Some(Source::Promotional),
            Ok(v1::Source::Referral) => Some(Source::Referral),
            Ok(v1::Source::Grace) => {
                self.add(path, "must not be GRACE, which only the wallet issues");
                None
            }
            Err(_) => {
                self.add(path, format!("{source} is not a source"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_source_but_grace_can_be_granted() {
        for source in 0..=7 {
            let mut fields = FieldReader::default();
            let read = fields.granted_source("source", source);
            assert_eq!(read.is_some(), source != v1::Source::Grace as i32);
        }
        let mut fields = FieldReader::default();
        assert_eq!(fields.granted_source("source", 0), Some(Source::Adjustment));
        fields.granted_source("source", 1);
        fields.granted_source("source", 8);
        assert_eq!(
            fields.lines(),
            ["source: must not be GRACE, which only the wallet issues", "source: 8 is not a source"]
        );
    }

    #[test]
    fn every_invalid_part_of_a_purchase_is_reported() {
        let mut fields = FieldReader::default();
        fields.purchase(None, None, None);
        fields.purchase(Some(top_up_request::What::PackId(String::new())), None, None);
        fields.purchase(Some(top_up_request::What::Amount(v1::Amount::default())), None, None);
        fields.external_ref("external_ref", Some(v1::ExternalRef::default()));
        fields.money("paid_amount", Some(v1::Money { currency: "eur".to_owned(), minor_units: -1 }));
        assert_eq!(
            fields.lines(),
            [
                "what: is required: pack_id or amount",
                "pack_id: must not be empty",
                "amount.unit: must not be empty",
                "amount.amount: is 0, 1 to 1000000000000000 is allowed",
                "external_ref.provider: must not be empty",
                "external_ref.id: must not be empty",
                "paid_amount.currency: must be three upper-case letters such as EUR",
                "paid_amount.minor_units: is -1, must not be negative",
            ]
        );
    }
}
