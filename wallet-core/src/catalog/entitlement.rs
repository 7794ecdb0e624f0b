//! Entitlements: which operations are allowed, and how much of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::conditions::{Conditions, Matcher};
use crate::value::decimal::Decimal;
use crate::value::operation::Operation;

/// Operations that are allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// Of which kinds.
    pub kind: Matcher,
    /// With which attributes.
    #[serde(rename = "when", default)]
    pub conditions: Conditions,
    /// The most of a quantity that one operation may ask for.
    #[serde(default)]
    pub max: BTreeMap<String, Decimal>,
}

/// What entitlements say of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// It may be done.
    Yes,
    /// None covers it.
    No,
    /// Covered, but for one quantity.
    Over {
        /// The quantity's name.
        quantity: String,
        /// The most of it.
        maximum: Decimal,
        /// What the operation asks for.
        requested: Decimal,
    },
}

impl Entitlement {
    /// Whether it is about `operation`, whatever its quantities.
    pub fn covers(&self, operation: &Operation) -> bool {
        self.kind.accepts(&operation.kind) && self.conditions.accept(&operation.attributes)
    }

    /// The first quantity that is over its maximum.
    pub(super) fn excess(&self, operation: &Operation) -> Option<Allowed> {
        self.max.iter().find_map(|(quantity, maximum)| {
            let requested = operation.quantities.get(quantity)?;
            (requested > maximum).then(|| Allowed::Over {
                quantity: quantity.clone(),
                maximum: *maximum,
                requested: *requested,
            })
        })
    }
}

/// Whether the operation is allowed: `None` allows all, an empty list none. The most generous of the entitlements
/// that cover it decides.
pub fn allows(entitlements: Option<&[Entitlement]>, operation: &Operation) -> Allowed {
    let Some(entitlements) = entitlements else { return Allowed::Yes };
    let mut verdict = Allowed::No;
    for entitlement in entitlements.iter().filter(|entitlement| entitlement.covers(operation)) {
        match entitlement.excess(operation) {
            None => return Allowed::Yes,
            Some(over) => verdict = over,
        }
    }
    verdict
}
