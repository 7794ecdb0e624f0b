//! Parses `[[packs]]` tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::literal::Literal;
use super::plan::check_list_price;
use super::reader::Reader;
use super::refund::RefundText;
use crate::catalog::pack::{Pack, PackExpiry, Span};
use crate::catalog::plan::ListPrice;

/// The maximum lifetime of bought credits that can be stated. Credits that live longer never expire.
const LONGEST_DAYS: u32 = 36_600;
const LONGEST_MONTHS: u32 = 1_200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackText {
    id: String,
    name: Option<String>,
    amounts: BTreeMap<String, Literal>,
    #[serde(default)]
    expiry: ExpiryText,
    list_price: Option<ListPrice>,
    plans: Option<Vec<String>>,
    refund: Option<RefundText>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpiryText {
    days: Option<u32>,
    months: Option<u32>,
    #[serde(default)]
    with_subscription: bool,
}

impl PackText {
    pub(super) fn read(self, path: &str, reader: &mut Reader) -> Pack {
        reader.id(&format!("{path}.id"), &self.id);
        if self.amounts.is_empty() {
            reader.problem(&format!("{path}.amounts"), "needs at least one unit");
        }
        if let Some(list_price) = &self.list_price {
            check_list_price(list_price, path, reader);
        }
        Pack {
            name: self.name.unwrap_or_else(|| self.id.clone()),
            id: self.id,
            amounts: reader.amounts(&format!("{path}.amounts"), &self.amounts, Reader::positive_amount),
            expiry: self.expiry.read(&format!("{path}.expiry"), reader),
            list_price: self.list_price,
            plans: self.plans,
            refund: self.refund.map(|text| text.read(&format!("{path}.refund"), reader)),
        }
    }
}

impl ExpiryText {
    fn read(&self, path: &str, reader: &mut Reader) -> PackExpiry {
        let after = match (self.days, self.months) {
            (Some(_), Some(_)) => {
                reader.problem(path, "must not have both days and months");
                None
            }
            (Some(days), None) => Some((Span::Days(days), days, LONGEST_DAYS)),
            (None, Some(months)) => Some((Span::Months(months), months, LONGEST_MONTHS)),
            (None, None) => None,
        };
        if let Some((_, number, longest)) = after
            && !(1..=longest).contains(&number)
        {
            reader.problem(path, format!("must be from 1 to {longest}, is {number}"));
        }
        PackExpiry { after: after.map(|(span, ..)| span), with_subscription: self.with_subscription }
    }
}
