//! Renders catalogs, units and packs.

use std::time::Duration;

use wallet_core::Timestamp;
use wallet_core::catalog::{Catalog, ListPrice, Pack, PackExpiry, PartialRefund, RefundRule, Span, Unit};
use wallet_proto::v1;

use super::amount::amounts;
use super::time::{duration, instant};

/// Renders a catalog. `publish_time` is `None` if it was only validated.
pub(crate) fn catalog(catalog: &Catalog, publish_time: Option<Timestamp>) -> v1::Catalog {
    v1::Catalog {
        version: catalog.version,
        toml: catalog.source().to_owned(),
        publish_time: publish_time.and_then(instant),
        units: catalog.units().map(unit).collect(),
        default_plan: catalog.default_plan().map(|plan| plan.id.clone()).unwrap_or_default(),
    }
}

pub(crate) fn pack(catalog: &Catalog, pack: &Pack) -> v1::Pack {
    v1::Pack {
        pack_id: pack.id.clone(),
        name: pack.name.clone(),
        amounts: amounts(catalog, &pack.amounts),
        expiry: expiry(pack.expiry),
        list_price: pack.list_price.as_ref().map(list_price),
        plan_ids: pack.plans.clone().unwrap_or_default(),
        refund: Some(refund(pack.refund.unwrap_or(RefundRule::PACK))),
    }
}

pub(super) fn list_price(price: &ListPrice) -> v1::Money {
    v1::Money { currency: price.currency.clone(), minor_units: price.minor_units }
}

pub(super) fn refund(rule: RefundRule) -> v1::RefundRule {
    v1::RefundRule {
        window: rule.window_seconds.map(|window| duration(Duration::from_secs(window))),
        only_unused: rule.only_unused,
        unused_share: rule.partial == PartialRefund::Unused,
    }
}

pub(crate) fn unit(unit: &Unit) -> v1::Unit {
    v1::Unit { unit: unit.id.to_string(), scale: unit.scale.into(), increment: unit.increment }
}

/// Renders an expiry: "never", "after 12 months", "end of subscription" or "12 months or end of subscription".
fn expiry(expiry: PackExpiry) -> String {
    match (expiry.after.map(span), expiry.with_subscription) {
        (None, false) => "never".to_owned(),
        (Some(span), false) => format!("after {span}"),
        (None, true) => "end of subscription".to_owned(),
        (Some(span), true) => format!("{span} or end of subscription"),
    }
}

fn span(span: Span) -> String {
    let (number, word) = match span {
        Span::Days(days) => (days, "day"),
        Span::Months(months) => (months, "month"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiries_are_rendered_in_words() {
        for (after, with_subscription, words) in [
            (None, false, "never"),
            (Some(Span::Months(12)), false, "after 12 months"),
            (Some(Span::Days(1)), false, "after 1 day"),
            (None, true, "end of subscription"),
            (Some(Span::Months(12)), true, "12 months or end of subscription"),
        ] {
            assert_eq!(expiry(PackExpiry { after, with_subscription }), words);
        }
    }
}
