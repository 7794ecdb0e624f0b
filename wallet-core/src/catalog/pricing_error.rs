//! The reasons why an operation has no price.

use thiserror::Error;

use crate::value::amount::MAX_AMOUNT;

/// The reason why an operation has no price. The texts are sent to callers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PricingError {
    /// No rule matches. The fields name the kind, or the attributes, at fault.
    #[error("{}", no_rule(kind, tier.as_deref(), attributes, missing_attributes, unknown_attributes))]
    NoRule {
        kind: String,
        /// The plan's tier, if prices of the kind depend on it.
        tier: Option<String>,
        /// The values that no rule of the kind accepts. If some rule accepts each of them, the whole combination.
        attributes: Vec<(String, String)>,
        /// The attributes that the rules of the kind need and the operation does not have.
        missing_attributes: Vec<String>,
        /// The attributes that the catalog does not mention for the kind. Most likely misspelt.
        unknown_attributes: Vec<String>,
    },
    /// The rule needs a quantity that the operation does not have.
    #[error("quantity {quantity:?} is needed to price {kind:?}")]
    MissingQuantity { kind: String, quantity: String },
    /// The catalog does not mention these quantities for the kind. Most likely misspelt.
    #[error(
        "no price of {kind:?} depends on quantity {}; correct the name, or leave it out",
        quoted(quantities)
    )]
    UnknownQuantities { kind: String, quantities: Vec<String> },
    /// The plan caps these quantities and the operation leaves them out.
    #[error("the plan caps quantity {} of {kind:?}; the request must state it", quoted(quantities))]
    UncountedQuantities { kind: String, quantities: Vec<String> },
    /// The price is above [`MAX_AMOUNT`], or has too many digits to be exact.
    #[error("the price is above {MAX_AMOUNT} minor units or needs too many digits (rule {rule_id:?})")]
    TooLarge { rule_id: String },
    #[error("the catalog has no rule {rule_id:?}")]
    UnknownRule { rule_id: String },
}

/// The known causes for the missing match.
#[derive(Default)]
pub(super) struct NoRuleCause {
    pub(super) tier: Option<String>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) missing_attributes: Vec<String>,
    pub(super) unknown_attributes: Vec<String>,
}

impl PricingError {
    pub(super) fn no_rule(kind: &str, cause: NoRuleCause) -> Self {
        let NoRuleCause { tier, attributes, missing_attributes, unknown_attributes } = cause;
        Self::NoRule { kind: kind.to_owned(), tier, attributes, missing_attributes, unknown_attributes }
    }

    /// Returns the stable name that callers may branch on.
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
        text += &format!("; attribute {} is missing", quoted(missing));
    }
    if !unknown.is_empty() {
        text += &format!("; no rule uses attribute {}, check its spelling", quoted(unknown));
    }
    text
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    names.join(", ")
}
