//! Why an operation has no price.

use thiserror::Error;

use crate::value::amount::MAX_AMOUNT;

/// Why an operation has no price. The texts are sent to callers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PricingError {
    /// No rule fits: the kind, or the attributes named here, are the reason.
    #[error("{}", no_rule(kind, tier.as_deref(), attributes, missing_attributes, unknown_attributes))]
    NoRule {
        /// The operation's kind.
        kind: String,
        /// The plan's tier, if prices of that kind depend on it.
        tier: Option<String>,
        /// The values that no rule of this kind accepts; if each is accepted somewhere, the whole combination.
        attributes: Vec<(String, String)>,
        /// Attributes without which no rule of this kind gives a price.
        missing_attributes: Vec<String>,
        /// Attributes that nothing in the catalog mentions for this kind: most likely misspelt.
        unknown_attributes: Vec<String>,
    },
    /// The rule needs a quantity that the operation does not name.
    #[error("quantity {quantity:?} is needed to price {kind:?}")]
    MissingQuantity {
        /// The operation's kind.
        kind: String,
        /// The quantity that is missing.
        quantity: String,
    },
    /// Quantities that nothing in the catalog mentions for this kind: most likely misspelt.
    #[error("no price of {kind:?} depends on quantity {}", quoted(quantities))]
    UnknownQuantities {
        /// The operation's kind.
        kind: String,
        /// The quantities that nothing mentions.
        quantities: Vec<String>,
    },
    /// Quantities that the plan caps and that the operation leaves out.
    #[error("the plan caps quantity {} of {kind:?}: say how much", quoted(quantities))]
    UncountedQuantities {
        /// The operation's kind.
        kind: String,
        /// The quantities that are missing.
        quantities: Vec<String>,
    },
    /// The price is above what the ledger takes, or too long a number to be exact.
    #[error("the price is above {MAX_AMOUNT} minor units or needs too many digits (rule {rule_id:?})")]
    TooLarge {
        /// The rule whose price it is.
        rule_id: String,
    },
    /// This catalog has no rule of that id.
    #[error("the catalog has no rule {rule_id:?}")]
    UnknownRule {
        /// The id that was asked for.
        rule_id: String,
    },
}

/// Why no rule fits, as far as it is known.
#[derive(Default)]
pub(super) struct Blame {
    pub(super) tier: Option<String>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) missing_attributes: Vec<String>,
    pub(super) unknown_attributes: Vec<String>,
}

impl PricingError {
    pub(super) fn no_rule(kind: &str, blame: Blame) -> Self {
        let Blame { tier, attributes, missing_attributes, unknown_attributes } = blame;
        Self::NoRule { kind: kind.to_owned(), tier, attributes, missing_attributes, unknown_attributes }
    }

    /// The stable name that callers may branch on.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoRule { .. } | Self::UnknownRule { .. } => "NO_PRICE_RULE",
            Self::MissingQuantity { .. }
            | Self::UnknownQuantities { .. }
            | Self::UncountedQuantities { .. }
            | Self::TooLarge { .. } => "INVALID_FIELD",
        }
    }
}

fn no_rule(
    kind: &str,
    tier: Option<&str>,
    attributes: &[(String, String)],
    missing: &[String],
    unknown: &[String],
) -> String {
    let mut text = format!("no price rule for kind {kind:?}");
    if !attributes.is_empty() {
        let values: Vec<_> = attributes.iter().map(|(name, value)| format!("{name} {value:?}")).collect();
        text += &format!(" with {}", values.join(", "));
    }
    if let Some(tier) = tier {
        text += &format!(" on tier {tier:?}");
    }
    if !missing.is_empty() {
        text += &format!("; attribute {} is needed", quoted(missing));
    }
    if !unknown.is_empty() {
        text += &format!("; no rule knows attribute {}", quoted(unknown));
    }
    text
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    names.join(", ")
}
