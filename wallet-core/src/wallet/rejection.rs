//! Rejections: why a command changes nothing. A closed list, in the order in which the checks are made.
//!
//! [`Rejection::reason`] and [`Rejection::metadata`] are the wire contract; the texts are for people.

use thiserror::Error;

use crate::catalog::{PricingError, Unusable};
use crate::value::field_violation::FieldViolation;
use crate::value::ids::UnitId;
use crate::value::time::Timestamp;
use crate::wallet::reservation::State;

/// What a wallet lacks of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The unit.
    pub unit: UnitId,
    /// What is needed.
    pub required: i64,
    /// What can be reserved.
    pub available: i64,
}

impl Shortfall {
    /// What is missing.
    pub const fn missing(&self) -> i64 {
        self.required - self.available
    }
}

/// Why there is no money back, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unrefundable {
    /// The payment was charged back.
    #[error("the payment was charged back")]
    ChargedBack,
    /// It was refunded.
    #[error("the purchase was refunded before")]
    AlreadyRefunded,
    /// The platform took credits back.
    #[error("credits of the purchase were revoked")]
    Revoked,
    /// It was asked for too late.
    #[error("it was asked for 24 hours after the payment or later")]
    TooLate,
    /// Something was charged.
    #[error("credits of the purchase were used")]
    CreditsUsed,
    /// Jobs may still use it.
    #[error(
        "jobs hold credits of the purchase; once they have ended, ask again with the same requested_time"
    )]
    HoldsOutstanding,
    /// Only years are given back.
    #[error("the subscription is not one of a year")]
    Term,
    /// The plan had no list price when it was sold.
    #[error("the plan had no list price when it was sold")]
    NoPrice,
}

impl Unrefundable {
    /// The stable name: `TOO_LATE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChargedBack => "CHARGED_BACK",
            Self::AlreadyRefunded => "ALREADY_REFUNDED",
            Self::Revoked => "REVOKED",
            Self::TooLate => "TOO_LATE",
            Self::CreditsUsed => "CREDITS_USED",
            Self::HoldsOutstanding => "HOLDS_OUTSTANDING",
            Self::Term => "TERM",
            Self::NoPrice => "NO_PRICE",
        }
    }
}

/// Why a command changes nothing, in order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejection {
    /// Fields that no wallet and no catalog would accept.
    #[error("{}", violations(.0))]
    InvalidFields(Vec<FieldViolation>),
    /// No such wallet.
    #[error("the wallet does not exist")]
    WalletNotFound,
    /// An invariant failed earlier.
    #[error("the wallet is frozen: an invariant failed and a person has to look")]
    WalletFrozen,
    /// No such reservation.
    #[error("the reservation does not exist")]
    ReservationNotFound,
    /// No such grant.
    #[error("the grant does not exist")]
    GrantNotFound,
    /// No such purchase.
    #[error(
        "nothing was bought under this top_up_id or with this payment; a TopUp that was answered by its payment counts under \
         the top_up_id of that answer: name that, or the payment (external_ref)"
    )]
    TopUpNotFound,
    /// The id was used for something else.
    #[error("the id was used before with other content: {} differ", .fields.join(", "))]
    IdempotencyMismatch {
        /// The fields that differ.
        fields: Vec<String>,
        /// The reservation's state, if it is one.
        state: Option<State>,
    },
    /// The reservation ended another way.
    #[error("the reservation is {}", .0.as_str())]
    ReservationFinished(State),
    /// Another attempt has the job.
    #[error("attempt {attempt} of worker {worker} has the job")]
    StaleAttempt {
        /// The running attempt.
        attempt: i32,
        /// Who runs it.
        worker: String,
    },
    /// No such pack.
    #[error("the catalog has no pack {0}")]
    PackNotFound(String),
    /// No such plan.
    #[error("the catalog has no plan {0}")]
    PlanNotFound(String),
    /// The wallet has no subscription.
    #[error("the wallet has no subscription")]
    SubscriptionNotFound,
    /// The wallet has a subscription.
    #[error("the wallet is subscribed to {0}")]
    AlreadySubscribed(String),
    /// The pack is not for sale to this wallet.
    #[error("pack {pack} is not for sale on the wallet's plan{}", would_do(.plans))]
    PackNotAvailable {
        /// The pack.
        pack: String,
        /// The plans it can be bought on.
        plans: Vec<String>,
    },
    /// No such catalog version.
    #[error("catalog version {0} does not exist")]
    CatalogNotFound(i64),
    /// A stored catalog that must not be used: restoring its text is a matter for the operator.
    #[error("catalog version {version} cannot be used: {why}; restore the text that was published")]
    CatalogUnusable {
        /// Its version.
        version: i64,
        /// Why.
        why: Unusable,
    },
    /// Not a quote for this wallet.
    #[error("not a quote: {0}")]
    QuoteInvalid(&'static str),
    /// Too late for the quote.
    #[error("the quote expired at {0}")]
    QuoteExpired(Timestamp),
    /// The operation has no price.
    #[error("{0}")]
    Unpriced(PricingError),
    /// A unit that does not belong here.
    #[error("{unit} is not a unit of this reservation")]
    UnitMismatch {
        /// The unit.
        unit: UnitId,
    },
    /// More than the caller wants to pay.
    #[error("the price is {price} {unit}, the limit {limit}")]
    PriceAboveLimit {
        /// The unit.
        unit: UnitId,
        /// What it would cost.
        price: i64,
        /// What the caller would pay.
        limit: i64,
    },
    /// No money back.
    #[error("{0}")]
    NotRefundable(Unrefundable),
    /// Nothing of the job's charge is left to give back.
    #[error("nothing was charged, or all of it was reversed before")]
    NothingToReverse,
    /// More than is left of the job's charge.
    #[error("{requested} {unit} are to be reversed, {charged} were charged and {reversed} reversed before")]
    ReversalExceedsCharge {
        /// The unit.
        unit: UnitId,
        /// What is to be given back.
        requested: i64,
        /// What the job was charged.
        charged: i64,
        /// What of it was given back before.
        reversed: i64,
    },
    /// The wallet is suspended.
    #[error("the wallet is suspended")]
    WalletSuspended,
    /// The wallet is closed.
    #[error("the wallet is closed")]
    WalletClosed,
    /// The wallet owes credits.
    #[error("the wallet owes {debt} {unit}")]
    InDebt {
        /// The unit.
        unit: UnitId,
        /// How much.
        debt: i64,
    },
    /// The wallet's plan does not include it.
    #[error("plan {plan} does not include this {kind}{}", would_do(.plans))]
    NotEntitled {
        /// What was asked for.
        kind: String,
        /// The wallet's plan.
        plan: String,
        /// The plans that include it.
        plans: Vec<String>,
    },
    /// Over a number that the wallet or its plan has.
    #[error("{limit} is limited to {maximum}, this would be {requested}{}", would_do(.plans))]
    LimitExceeded {
        /// The limit's name, or the quantity's.
        limit: String,
        /// Its value, a decimal.
        maximum: String,
        /// What was asked for, a decimal.
        requested: String,
        /// The plans that allow it.
        plans: Vec<String>,
    },
    /// As many jobs are open as the wallet's plan allows at once.
    #[error("{open} jobs are open, the plan allows {limit} at once")]
    ConcurrencyLimit {
        /// How many may be open.
        limit: u64,
        /// How many are.
        open: i64,
    },
    /// Not enough credits.
    #[error("{}", shortfall_text(.shortfalls))]
    InsufficientCredits {
        /// What is missing, per unit that is short.
        shortfalls: Vec<Shortfall>,
        /// Packs that would cover it.
        packs: Vec<String>,
        /// Plans that would give it at once.
        plans: Vec<String>,
        /// When the plan gives credits again.
        next_renewal: Option<Timestamp>,
    },
    /// The cancel fee is more than the caller wants to pay.
    #[error("the fee is {fee} {unit}, the limit {max_fee}")]
    FeeAboveLimit {
        /// The unit.
        unit: UnitId,
        /// What it would cost.
        fee: i64,
        /// What the caller would pay.
        max_fee: i64,
    },
}

fn violations(violations: &[FieldViolation]) -> String {
    let texts: Vec<String> = violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
    texts.join("; ")
}

fn would_do(plans: &[String]) -> String {
    if plans.is_empty() { String::new() } else { format!("; {} would do", plans.join(", ")) }
}

fn shortfall_text(shortfalls: &[Shortfall]) -> String {
    let texts: Vec<String> = shortfalls
        .iter()
        .map(|s| {
            format!("{} {} needed, {} available, {} missing", s.required, s.unit, s.available, s.missing())
        })
        .collect();
    texts.join("; ")
}

impl Rejection {
    /// A single bad field.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::InvalidFields(vec![FieldViolation::new(field, description)])
    }

    /// The stable reason: the name in `wallet.v1.ErrorReason` without its prefix.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::InvalidFields(_) => "INVALID_FIELD",
            Self::WalletNotFound => "WALLET_NOT_FOUND",
            Self::WalletFrozen => "WALLET_FROZEN",
            Self::ReservationNotFound => "RESERVATION_NOT_FOUND",
            Self::GrantNotFound => "GRANT_NOT_FOUND",
            Self::TopUpNotFound => "TOP_UP_NOT_FOUND",
            Self::IdempotencyMismatch { .. } => "IDEMPOTENCY_MISMATCH",
            Self::ReservationFinished(State::Settled) => "RESERVATION_SETTLED",
            Self::ReservationFinished(State::Failed) => "RESERVATION_FAILED",
            Self::ReservationFinished(State::Cancelled) => "RESERVATION_CANCELLED",
            Self::ReservationFinished(State::Expired | State::Held | State::Processing) => {
                "RESERVATION_EXPIRED"
            }
            Self::StaleAttempt { .. } => "STALE_ATTEMPT",
            Self::PackNotFound(_) => "PACK_NOT_FOUND",
            Self::PlanNotFound(_) => "PLAN_NOT_FOUND",
            Self::SubscriptionNotFound => "SUBSCRIPTION_NOT_FOUND",
            Self::AlreadySubscribed(_) => "ALREADY_SUBSCRIBED",
            Self::PackNotAvailable { .. } => "PACK_NOT_AVAILABLE",
            Self::CatalogNotFound(_) => "CATALOG_NOT_FOUND",
            Self::CatalogUnusable { .. } => "CATALOG_UNUSABLE",
            Self::QuoteInvalid(_) => "QUOTE_INVALID",
            Self::QuoteExpired(_) => "QUOTE_EXPIRED",
            Self::Unpriced(error) => error.reason(),
            Self::UnitMismatch { .. } => "UNIT_MISMATCH",
            Self::PriceAboveLimit { .. } => "PRICE_ABOVE_LIMIT",
            Self::NotRefundable(_) => "NOT_REFUNDABLE",
            Self::NothingToReverse | Self::ReversalExceedsCharge { .. } => "REVERSAL_EXCEEDS_CHARGE",
            Self::WalletSuspended => "WALLET_SUSPENDED",
            Self::WalletClosed => "WALLET_CLOSED",
            Self::InDebt { .. } => "IN_DEBT",
            Self::NotEntitled { .. } => "NOT_ENTITLED",
            Self::LimitExceeded { .. } => "LIMIT_EXCEEDED",
            Self::ConcurrencyLimit { .. } => "CONCURRENCY_LIMIT",
            Self::InsufficientCredits { .. } => "INSUFFICIENT_CREDITS",
            Self::FeeAboveLimit { .. } => "FEE_ABOVE_LIMIT",
        }
    }

    /// The figures behind the reason, as name and value. With several short units the plain names tell of the
    /// first, and names with the unit behind a dot of each.
    pub fn metadata(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: &dyn ToString| (name.to_owned(), value.to_string());
        match self {
            Self::IdempotencyMismatch { fields, state } => {
                let mut pairs = vec![pair("fields", &fields.join(","))];
                pairs.extend(state.map(|state| pair("state", &state.as_str())));
                pairs
            }
            Self::StaleAttempt { attempt, worker } => vec![pair("attempt", attempt), pair("worker", worker)],
            Self::PackNotFound(pack) => vec![pair("pack_id", pack)],
            Self::PlanNotFound(plan) | Self::AlreadySubscribed(plan) => vec![pair("plan_id", plan)],
            Self::PackNotAvailable { pack, plans } => {
                vec![pair("pack_id", pack), pair("plans", &plans.join(","))]
            }
            Self::CatalogNotFound(version) => vec![pair("catalog_version", version)],
            Self::CatalogUnusable { version, why } => {
                let digest = match why {
                    Unusable::Changed { found, .. } => found,
                    Unusable::Unreadable { digest, .. } => digest,
                };
                vec![pair("catalog_version", version), pair("digest", digest)]
            }
            Self::QuoteExpired(at) => vec![pair("expire_time", at)],
            Self::UnitMismatch { unit } => vec![pair("unit", unit)],
            Self::PriceAboveLimit { unit, price, limit } => {
                vec![pair("unit", unit), pair("price", price), pair("limit", limit)]
            }
            Self::InDebt { unit, debt } => vec![pair("unit", unit), pair("debt", debt)],
            Self::NotEntitled { kind, plan, plans } => {
                vec![pair("kind", kind), pair("plan", plan), pair("plans", &plans.join(","))]
            }
            Self::LimitExceeded { limit, maximum, requested, plans } => {
                let figures =
                    vec![pair("limit", limit), pair("maximum", maximum), pair("requested", requested)];
                let plans = (!plans.is_empty()).then(|| pair("plans", &plans.join(",")));
                figures.into_iter().chain(plans).collect()
            }
            Self::ConcurrencyLimit { limit, open } => vec![pair("limit", limit), pair("open", open)],
            Self::InsufficientCredits { shortfalls, packs, plans, next_renewal } => {
                shortfall_metadata(shortfalls, packs, plans, *next_renewal)
            }
            Self::FeeAboveLimit { unit, fee, max_fee } => {
                vec![pair("unit", unit), pair("fee", fee), pair("max_fee", max_fee)]
            }
            Self::ReservationFinished(state) => vec![pair("state", &state.as_str())],
            Self::NotRefundable(cause) => vec![pair("cause", &cause.as_str())],
            Self::ReversalExceedsCharge { unit, requested, charged, reversed } => vec![
                pair("unit", unit),
                pair("requested", requested),
                pair("charged", charged),
                pair("reversed", reversed),
            ],
            Self::Unpriced(error) => unpriced_metadata(error),
            Self::InvalidFields(_)
            | Self::WalletNotFound
            | Self::WalletFrozen
            | Self::ReservationNotFound
            | Self::GrantNotFound
            | Self::TopUpNotFound
            | Self::SubscriptionNotFound
            | Self::QuoteInvalid(_)
            | Self::NothingToReverse
            | Self::WalletSuspended
            | Self::WalletClosed => Vec::new(),
        }
    }
}

fn shortfall_metadata(
    shortfalls: &[Shortfall],
    packs: &[String],
    plans: &[String],
    next_renewal: Option<Timestamp>,
) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (i, short) in shortfalls.iter().enumerate() {
        let figures =
            [("required", short.required), ("available", short.available), ("shortfall", short.missing())];
        if i == 0 {
            pairs.push(("unit".to_owned(), short.unit.to_string()));
            pairs.extend(figures.map(|(name, value)| (name.to_owned(), value.to_string())));
        }
        if shortfalls.len() > 1 {
            pairs.extend(figures.map(|(name, value)| (format!("{name}.{}", short.unit), value.to_string())));
        }
    }
    for (name, ids) in [("packs", packs), ("plans", plans)] {
        if !ids.is_empty() {
            pairs.push((name.to_owned(), ids.join(",")));
        }
    }
    pairs.extend(next_renewal.map(|at| ("next_renewal_time".to_owned(), at.to_string())));
    pairs
}

fn unpriced_metadata(error: &PricingError) -> Vec<(String, String)> {
    match error {
        PricingError::NoRule { kind, attributes, missing_attributes, unknown_attributes, .. } => {
            let values: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
            let names = [("attributes", values.join(",")), ("missing", missing_attributes.join(","))];
            let mut pairs = vec![("kind".to_owned(), kind.clone())];
            pairs.extend(names.map(|(name, value)| (name.to_owned(), value)));
            pairs.push(("unknown".to_owned(), unknown_attributes.join(",")));
            pairs.retain(|(_, value)| !value.is_empty());
            pairs
        }
        PricingError::UnknownRule { rule_id } | PricingError::TooLarge { rule_id } => {
            vec![("rule_id".to_owned(), rule_id.clone())]
        }
        PricingError::MissingQuantity { kind, quantity } => {
            vec![("kind".to_owned(), kind.clone()), ("quantity".to_owned(), quantity.clone())]
        }
        PricingError::UnknownQuantities { kind, quantities }
        | PricingError::UncountedQuantities { kind, quantities } => {
            vec![("kind".to_owned(), kind.clone()), ("quantities".to_owned(), quantities.join(","))]
        }
    }
}
