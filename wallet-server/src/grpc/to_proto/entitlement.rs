//! Renders entitlements and matchers.

use std::collections::HashMap;

use wallet_core::catalog::{Conditions, Entitlement, Matcher};
use wallet_proto::v1::{self, matcher::Accepts};

pub(crate) fn entitlement(entitlement: &Entitlement) -> v1::Entitlement {
    v1::Entitlement {
        kind: Some(matcher(&entitlement.kind)),
        attributes: conditions(&entitlement.conditions),
        max: entitlement.max.iter().map(|(name, most)| (name.clone(), most.to_string())).collect(),
    }
}

/// Renders the accepted values by attribute.
pub(super) fn conditions(conditions: &Conditions) -> HashMap<String, v1::Matcher> {
    conditions.iter().map(|(name, accepted)| (name.to_owned(), matcher(accepted))).collect()
}

fn matcher(matcher: &Matcher) -> v1::Matcher {
    let accepts = match matcher {
        Matcher::AnyOf(values) => Accepts::AnyOf(v1::AnyOf { values: values.iter().cloned().collect() }),
        Matcher::Prefix(prefix) => Accepts::Prefix(prefix.clone()),
        Matcher::Range { min, max } => Accepts::WholeNumbers(v1::WholeNumbers { min: *min, max: *max }),
    };
    v1::Matcher { accepts: Some(accepts) }
}
