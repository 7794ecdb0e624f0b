//! Entitlements: the operations that a plan allows, and the maximum of their quantities.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::conditions::{Conditions, Matcher};
use crate::value::decimal::Decimal;
use crate::value::operation::Operation;

/// A set of allowed operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    pub kind: Matcher,
    /// The conditions on the attributes.
    #[serde(rename = "when", default)]
    pub conditions: Conditions,
    /// The maximum of a quantity in one operation, by name.
    #[serde(default)]
    pub max: BTreeMap<String, Decimal>,
}

/// The result of checking an operation against entitlements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// An entitlement allows the operation.
    Yes,
    /// No entitlement covers the operation.
    No,
    /// An entitlement covers the operation, but one quantity is above its maximum.
    Over {
        /// The name of the quantity.
        quantity: String,
        maximum: Decimal,
        /// The quantity of the operation.
        requested: Decimal,
    },
}

impl Entitlement {
    /// Returns whether the entitlement matches the kind and the attributes of `operation`.
    pub fn covers(&self, operation: &Operation) -> bool {
        self.kind.accepts(&operation.kind) && self.conditions.accept(&operation.attributes)
    }

    /// Returns the first quantity that is above its maximum.
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

/// Checks whether entitlements allow an operation: `None` allows all, an empty list none. If several cover it, one
/// that allows it is enough.
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
