//! Rejections: the reasons why a command changes nothing. The list is closed. It follows the order of
//! Reserve's checks; each other command checks in the order of its own file.
//!
//! [`Rejection::reason`] and [`Rejection::metadata`] are the wire contract. The texts are for people.

use thiserror::Error;

use crate::catalog::{PricingError, Unusable};
use crate::value::field_violation::FieldViolation;
use crate::value::ids::{OriginId, UnitId};
use crate::value::time::Timestamp;
use crate::wallet::reservation::State;

/// The shortage of one unit, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    pub unit: UnitId,
    /// The amount that the command needs.
    pub required: i64,
    /// The amount that can be reserved.
    pub available: i64,
}

impl Shortfall {
    /// Returns the missing amount, in minor units.
    pub const fn missing(&self) -> i64 {
        self.required - self.available
    }
}

/// The reason why a purchase or a subscription is not refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unrefundable {
    #[error("the payment was charged back")]
    ChargedBack,
    #[error("the payment was already refunded")]
    AlreadyRefunded,
    /// The platform revoked credits of the purchase.
    #[error("credits of the purchase were revoked")]
    Revoked,
    #[error("the refund was requested too late: the time for refunds of this pack or plan has passed")]
    TooLate,
    #[error(
        "credits were spent, and this pack or plan is refunded only while all are unspent, or nothing is left"
    )]
    CreditsUsed,
    /// Open reservations hold credits of the purchase or the period and may still charge them.
    #[error(
        "open reservations hold credits that would be refunded; once they have ended, repeat the request with the same \
         requested_time"
    )]
    HoldsOutstanding,
    /// By its rule in the catalog, the pack or plan is never refunded.
    #[error("this pack or plan is not refunded, by its rule in the catalog")]
    NotOffered,
    #[error("no price is known: neither a paid amount nor a list price was recorded at the sale")]
    NoPrice,
    #[error("the period is not paid, so there is nothing to refund or to charge back")]
    Unpaid,
}

impl Unrefundable {
    /// Returns the stable name, for example `TOO_LATE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChargedBack => "CHARGED_BACK",
            Self::AlreadyRefunded => "ALREADY_REFUNDED",
            Self::Revoked => "REVOKED",
            Self::TooLate => "TOO_LATE",
            Self::CreditsUsed => "CREDITS_USED",
            Self::HoldsOutstanding => "HOLDS_OUTSTANDING",
            Self::NotOffered => "NOT_OFFERED",
            Self::NoPrice => "NO_PRICE",
            Self::Unpaid => "UNPAID",
        }
    }
}

/// The reason why a command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("{}", violations(.0))]
    InvalidFields(Vec<FieldViolation>),
    #[error("the wallet does not exist; check the wallet_id, or create it with CreateWallet")]
    WalletNotFound,
    /// An invariant of the wallet failed earlier.
    #[error(
        "the wallet is frozen: an invariant failed; it accepts no command until an operator unfreezes it"
    )]
    WalletFrozen,
    #[error("the reservation does not exist; check the reservation_id")]
    ReservationNotFound,
    #[error("the grant does not exist; ListGrants shows the ids of the wallet's grants")]
    GrantNotFound,
    #[error(
        "the wallet has no purchase with this top_up_id or external_ref; if TopUp answered with the purchase of an \
         earlier top_up_id, use that id or the external_ref"
    )]
    TopUpNotFound,
    /// The id was already used with different content.
    #[error(
        "the id was already used with different content ({} differ); repeat the first request, or use a new id",
        .fields.join(", ")
    )]
    IdempotencyMismatch {
        /// The names of the fields that differ.
        fields: Vec<String>,
        /// The state of the reservation, if the id is that of a reservation.
        state: Option<State>,
    },
    /// The reservation has already ended in this state.
    #[error("the reservation has already ended; its state is {}", .0.as_str())]
    ReservationFinished(State),
    /// Another attempt runs the job.
    #[error("attempt {attempt} of worker {worker} runs the job; stop, or call Start with a higher attempt")]
    StaleAttempt {
        /// The attempt that runs the job.
        attempt: i32,
        /// The worker of that attempt.
        worker: String,
    },
    #[error("the catalog has no pack {0}; ListPacks shows the packs")]
    PackNotFound(String),
    #[error("the catalog has no plan {0}; ListPlans shows the plans")]
    PlanNotFound(String),
    #[error("the wallet has no subscription; Subscribe starts one")]
    SubscriptionNotFound,
    #[error("the wallet is already subscribed to plan {0}; ChangePlan changes it")]
    AlreadySubscribed(String),
    /// The wallet has had this trial.
    #[error("the wallet has had plan {0}, which is sold once per wallet; choose another plan")]
    PlanUsed(String),
    #[error(
        "the period from {period_start} is paid already; the next unpaid one starts at {next_start}, so check \
         period_start_time"
    )]
    PeriodPaid {
        /// The start of the period that was to be paid.
        period_start: Timestamp,
        /// The start of the next period that is not paid.
        next_start: Timestamp,
    },
    #[error(
        "the change to plan {plan} stays, because the period from {period_start} is paid{}; if that payment goes back, \
         call RecordRefund before this",
        paid_with(.reference)
    )]
    PlanChangePaid {
        /// The plan of the change to come.
        plan: String,
        /// The start of the first period that is paid for it.
        period_start: Timestamp,
        /// The reference of the payment, if it is known.
        reference: Option<OriginId>,
    },
    #[error(
        "the subscription ends at {0}, before that period; ResumeSubscription or ChangePlan continues it, or pay the \
         customer back"
    )]
    SubscriptionEnds(Timestamp),
    #[error(
        "the subscription is paused, so no period is to be paid or refunded; ResumeSubscription begins one"
    )]
    SubscriptionPaused,
    #[error("pack {pack} is not for sale on the wallet's plan{}", plans_hint(.plans))]
    PackNotAvailable {
        pack: String,
        /// The plans that may buy the pack.
        plans: Vec<String>,
    },
    #[error("catalog version {0} does not exist")]
    CatalogNotFound(i64),
    /// The text of a stored catalog is not the published one, or is unreadable; the operator has to restore it.
    #[error("catalog version {version} cannot be used: {why}; restore the text that was published")]
    CatalogUnusable { version: i64, why: Unusable },
    /// The token is not a quote for this wallet.
    #[error("the quote is invalid: {0}; get a new one with Estimate")]
    QuoteInvalid(&'static str),
    #[error("the quote expired at {0}; get a new one with Estimate")]
    QuoteExpired(Timestamp),
    #[error("{0}")]
    Unpriced(PricingError),
    /// An amount is in a unit that the reservation does not have.
    #[error("{unit} is not a unit of this reservation")]
    UnitMismatch { unit: UnitId },
    /// The price is above the caller's limit.
    #[error("the price of {price} {unit} is above the limit of {limit} (minor units)")]
    PriceAboveLimit {
        unit: UnitId,
        /// The price, in minor units.
        price: i64,
        /// The caller's limit, in minor units.
        limit: i64,
    },
    #[error("{0}")]
    NotRefundable(Unrefundable),
    /// The payment was not charged back, or the chargeback was withdrawn.
    #[error("the payment is not charged back; RecordChargeback comes first")]
    NotChargedBack,
    /// No purchase of the auto top-up with this id is under way: it was bought, or it was never due.
    #[error("no auto top-up with this top_up_id is under way{}", under_way_hint(.under_way))]
    AutoTopUpNotUnderWay {
        /// The `top_up_id` of the one under way.
        under_way: Option<OriginId>,
    },
    /// Jobs run, so the wallet cannot be closed.
    #[error("{0} reservations are open; settle or cancel them first")]
    OpenReservations(i64),
    /// Nothing of the job's charge is left to reverse.
    #[error("there is nothing to reverse: the job was not charged, or its whole charge was reversed")]
    NothingToReverse,
    /// The amount to reverse is above what is left of the job's charge.
    #[error(
        "cannot reverse {requested} {unit}: {charged} were charged and {reversed} already reversed (minor units)"
    )]
    ReversalExceedsCharge {
        unit: UnitId,
        /// The amount to reverse, in minor units.
        requested: i64,
        /// The amount that the job was charged, in minor units.
        charged: i64,
        /// The part of the charge that was reversed earlier, in minor units.
        reversed: i64,
    },
    #[error("the wallet is suspended; UpdateWallet reactivates it")]
    WalletSuspended,
    #[error("the wallet is closed")]
    WalletClosed,
    #[error("the wallet owes {debt} {unit} (minor units); new credits repay the debt first")]
    InDebt {
        unit: UnitId,
        /// The debt, in minor units.
        debt: i64,
    },
    /// The wallet's plan does not include the operation.
    #[error("plan {plan} does not include this {kind} operation{}", plans_hint(.plans))]
    NotEntitled {
        /// The kind of the operation.
        kind: String,
        /// The id of the wallet's plan.
        plan: String,
        /// The plans that include the operation.
        plans: Vec<String>,
    },
    /// A number is above a limit of the wallet or of its plan.
    #[error("{limit} is limited to {maximum}, but the request would make it {requested}{}", plans_hint(.plans))]
    LimitExceeded {
        /// The name of the limit, or of the quantity.
        limit: String,
        /// The limit, a decimal number.
        maximum: String,
        /// The number that the request would lead to, a decimal number.
        requested: String,
        /// The plans that allow the number.
        plans: Vec<String>,
    },
    /// The number of open reservations has reached the limit of the wallet's plan.
    #[error("{open} reservations are open and the limit is {limit}; try again when one has ended")]
    ConcurrencyLimit {
        /// The most reservations that may be open at once.
        limit: u64,
        /// The number of open reservations.
        open: i64,
    },
    #[error("{}", shortfall_text(.shortfalls))]
    InsufficientCredits {
        /// The units that are short.
        shortfalls: Vec<Shortfall>,
        /// Packs for sale, each of which covers all shortfalls.
        packs: Vec<String>,
        /// Plans, each of which gives the missing credits at once.
        plans: Vec<String>,
        /// The time at which the wallet's plan gives credits again.
        next_renewal: Option<Timestamp>,
    },
    /// The cancel fee is above the caller's limit.
    #[error("the cancel fee of {fee} {unit} is above the limit of {max_fee} (minor units)")]
    FeeAboveLimit {
        unit: UnitId,
        /// The fee, in minor units.
        fee: i64,
        /// The caller's limit, in minor units.
        max_fee: i64,
    },
}

fn violations(violations: &[FieldViolation]) -> String {
    let texts: Vec<String> = violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
    texts.join("; ")
}

fn plans_hint(plans: &[String]) -> String {
    if plans.is_empty() { String::new() } else { format!("; plans that allow it: {}", plans.join(", ")) }
}

fn paid_with(reference: &Option<OriginId>) -> String {
    reference.as_ref().map_or_else(String::new, |reference| format!(" with {reference}"))
}

fn under_way_hint(under_way: &Option<OriginId>) -> String {
    under_way.as_ref().map_or_else(String::new, |id| format!("; the one under way is {id}"))
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
    /// Returns a rejection of one invalid field.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::InvalidFields(vec![FieldViolation::new(field, description)])
    }

    /// Returns the stable reason: the name in `wallet.v1.ErrorReason` without its prefix.
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
            Self::PlanUsed(_) => "PLAN_USED",
            Self::PeriodPaid { .. } => "PERIOD_PAID",
            Self::PlanChangePaid { .. } => "PLAN_CHANGE_PAID",
            Self::SubscriptionEnds(_) => "SUBSCRIPTION_ENDS",
            Self::SubscriptionPaused => "SUBSCRIPTION_PAUSED",
            Self::PackNotAvailable { .. } => "PACK_NOT_AVAILABLE",
            Self::CatalogNotFound(_) => "CATALOG_NOT_FOUND",
            Self::CatalogUnusable { .. } => "CATALOG_UNUSABLE",
            Self::QuoteInvalid(_) => "QUOTE_INVALID",
            Self::QuoteExpired(_) => "QUOTE_EXPIRED",
            Self::Unpriced(error) => error.reason(),
            Self::UnitMismatch { .. } => "UNIT_MISMATCH",
            Self::PriceAboveLimit { .. } => "PRICE_ABOVE_LIMIT",
            Self::NotRefundable(_) => "NOT_REFUNDABLE",
            Self::NotChargedBack => "NOT_CHARGED_BACK",
            Self::AutoTopUpNotUnderWay { .. } => "AUTO_TOP_UP_NOT_UNDER_WAY",
            Self::OpenReservations(_) => "OPEN_RESERVATIONS",
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

    /// Returns the details for `ErrorInfo.metadata`. If several units are short, the plain keys describe the first
    /// and `<key>.<unit>` describes each.
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
            Self::PlanNotFound(plan) | Self::AlreadySubscribed(plan) | Self::PlanUsed(plan) => {
                vec![pair("plan_id", plan)]
            }
            Self::PackNotAvailable { pack, plans } => {
                vec![pair("pack_id", pack), pair("plans", &plans.join(","))]
            }
            Self::PeriodPaid { period_start, next_start } => {
                vec![pair("period_start_time", period_start), pair("next_start_time", next_start)]
            }
            Self::PlanChangePaid { plan, period_start, reference } => {
                let known = reference.as_ref().map(|reference| pair("payment_ref", reference));
                let figures = [pair("plan_id", plan), pair("period_start_time", period_start)];
                figures.into_iter().chain(known).collect()
            }
            Self::SubscriptionEnds(end) => vec![pair("end_time", end)],
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
            Self::AutoTopUpNotUnderWay { under_way } => {
                under_way.iter().map(|id| pair("under_way", id)).collect()
            }
            Self::NotRefundable(cause) => vec![pair("cause", &cause.as_str())],
            Self::OpenReservations(open) => vec![pair("open", open)],
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
            | Self::NotChargedBack
            | Self::GrantNotFound
            | Self::TopUpNotFound
            | Self::SubscriptionNotFound
            | Self::SubscriptionPaused
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
