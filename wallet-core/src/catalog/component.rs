//! What a price is made of: components, each in its unit, and the factors that multiply them.

use std::collections::BTreeMap;

use crate::value::decimal::{Decimal, Rounding};
use crate::value::ids::UnitId;

/// One part of a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// What it is called on the price's line.
    pub label: String,
    /// The unit it is charged in.
    pub unit: UnitId,
    /// How much it is.
    pub charge: Charge,
    /// What multiplies it, before the factors of the whole rule do.
    pub factors: Vec<Factor>,
}

/// How much a component is, in whole units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charge {
    /// The same for every job.
    Flat(Decimal),
    /// The same for each block.
    PerUnit {
        /// What is counted.
        measure: Measure,
        /// The price of one block.
        rate: Decimal,
    },
    /// Each block at the price of the band it falls in.
    Graduated {
        /// What is counted.
        measure: Measure,
        /// The bands, ascending; the last is open.
        bands: Vec<Band>,
    },
    /// All blocks at the price of the band that the whole falls in.
    Volume {
        /// What is counted.
        measure: Measure,
        /// The bands, ascending; the last is open.
        bands: Vec<Band>,
    },
}

/// A quantity of the operation, counted in blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Its name: `duration_s`.
    pub quantity: String,
    /// What it is when the operation does not say; without it, the operation must.
    pub otherwise: Option<Decimal>,
    /// The block it is counted in; without one it is taken as it is.
    pub block: Option<Block>,
}

/// Counting in whole blocks: per started minute, per 1,000 tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// How much of the quantity is one block, above zero.
    pub size: Decimal,
    /// What a part of a block counts as.
    pub rounding: Rounding,
}

/// One band of a graduated or volume price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// The last block that belongs to it; the last band has no end.
    pub up_to: Option<Decimal>,
    /// Charged once, when the band is reached.
    pub flat: Decimal,
    /// Charged for each block.
    pub rate: Decimal,
}

/// What multiplies a component or a whole price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Factor {
    /// Depends on the value of an attribute.
    Attribute {
        /// Its name: `resolution`.
        attribute: String,
        /// The factor per value.
        values: BTreeMap<String, Decimal>,
        /// The factor for every other value and for none; without it such an operation has no price.
        otherwise: Option<Decimal>,
    },
    /// A quantity of the operation, such as the number of images.
    Quantity {
        /// Its name: `count`.
        quantity: String,
        /// What it is when the operation does not say.
        otherwise: Option<Decimal>,
    },
    /// Always the same.
    Constant(Decimal),
}

impl Charge {
    /// The quantity it counts, if it counts one.
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
    /// Whether it has no factor for an operation with these attributes.
    pub(super) fn is_gap(&self, attributes: &BTreeMap<String, String>) -> bool {
        match self {
            Factor::Attribute { attribute, values, otherwise: None } => {
                !attributes.get(attribute).is_some_and(|value| values.contains_key(value))
            }
            _ => false,
        }
    }
}
