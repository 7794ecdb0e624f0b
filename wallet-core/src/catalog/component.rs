//! The components of a price, each in one unit, and the factors that multiply them.

use std::collections::BTreeMap;

use crate::value::decimal::{Decimal, Rounding};
use crate::value::ids::UnitId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The label of the price line.
    pub label: String,
    pub unit: UnitId,
    pub charge: Charge,
    /// The factors of this component, applied before those of the rule.
    pub factors: Vec<Factor>,
}

/// The calculation of a component's amount, in whole units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charge {
    /// The same amount for every job.
    Flat(Decimal),
    /// The same rate for every block.
    PerUnit {
        measure: Measure,
        /// The price of one block.
        rate: Decimal,
    },
    /// Each block at the rate of its band.
    Graduated {
        measure: Measure,
        /// The bands in ascending order; the last has no end.
        bands: Vec<Band>,
    },
    /// All blocks at the rate of the band that the total lies in.
    Volume {
        measure: Measure,
        /// The bands in ascending order; the last has no end.
        bands: Vec<Band>,
    },
}

/// A quantity of the operation, counted in blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// The name of the quantity: `duration_s`.
    pub quantity: String,
    /// The default of a quantity that the operation does not have. Without a default, the quantity is required.
    pub otherwise: Option<Decimal>,
    /// The block to count in. Without a block, the quantity itself counts.
    pub block: Option<Block>,
}

/// The block of a quantity: a started minute, 1,000 tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The size of a block in the quantity, above zero.
    pub size: Decimal,
    /// The rounding of a partial block.
    pub rounding: Rounding,
}

/// One band of a graduated or volume price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// The last block of the band; `None` in the last band.
    pub up_to: Option<Decimal>,
    /// The amount charged once when the band is reached.
    pub flat: Decimal,
    /// The amount charged for each block.
    pub rate: Decimal,
}

/// A factor of a component or of a whole price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Factor {
    /// Depends on the value of an attribute.
    Attribute {
        /// The name of the attribute: `resolution`.
        attribute: String,
        /// The factors by value.
        values: BTreeMap<String, Decimal>,
        /// The factor of all other values and of a missing attribute. Without it, such an operation has no price.
        otherwise: Option<Decimal>,
    },
    /// A quantity of the operation, such as the number of images.
    Quantity {
        /// The name of the quantity: `count`.
        quantity: String,
        /// The default of a quantity that the operation does not have.
        otherwise: Option<Decimal>,
    },
    Constant(Decimal),
}

impl Charge {
    /// Returns the quantity that the charge counts, if it counts one.
    pub fn measure(&self) -> Option<&Measure> {
        match self {
            Charge::Flat(_) => None,
            Charge::PerUnit { measure, .. }
            | Charge::Graduated { measure, .. }
            | Charge::Volume { measure, .. } => Some(measure),
        }
    }
}

impl Factor {
    /// Returns whether the factor has no value for an operation with these attributes.
    pub(super) fn is_gap(&self, attributes: &BTreeMap<String, String>) -> bool {
        match self {
            Factor::Attribute { attribute, values, otherwise: None } => {
                !attributes.get(attribute).is_some_and(|value| values.contains_key(value))
            }
            _ => false,
        }
    }
}
