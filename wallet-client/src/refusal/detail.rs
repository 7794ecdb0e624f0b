//! The figures of a refusal, parsed by reason.

use prost_types::Timestamp;

use super::Refusal;
use crate::v1::{Amount, ErrorReason, ReservationState};

/// The figures of a refusal, typed by its reason. Made by [`Refusal::detail`].
///
/// All amounts are in minor units.
///
/// # Examples
///
/// ```no_run
/// # use wallet_client::{Error, RefusalDetail, WalletClient, v1};
/// # async fn example(client: &WalletClient, request: v1::ReserveRequest) -> Result<(), Error> {
/// let Err(error) = client.reserve(request).await else { return Ok(()) };
/// match error.refusal().map(|refusal| refusal.detail()) {
///     Some(RefusalDetail::InsufficientCredits { shortfalls, packs, next_renewal_time, .. }) => {
///         for short in shortfalls {
///             println!("{} {} are missing", short.missing(), short.unit);
///         }
///         println!("buy one of {packs:?}, or wait until {next_renewal_time:?}");
///     }
///     Some(RefusalDetail::ConcurrencyLimit { limit, .. }) => println!("only {limit} jobs at once"),
///     Some(RefusalDetail::NotEntitled { plans, .. }) => println!("change to one of {plans:?}"),
///     _ => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RefusalDetail {
    /// INSUFFICIENT_CREDITS: the wallet cannot pay for the job.
    InsufficientCredits {
        /// The units of which credits are missing, at least one.
        shortfalls: Vec<Shortfall>,
        /// The ids of packs that would cover the shortfall.
        packs: Vec<String>,
        /// The ids of plans that would give the missing credits at once.
        plans: Vec<String>,
        /// The instant at which the wallet's plan gives credits again.
        next_renewal_time: Option<Timestamp>,
    },
    /// NOT_ENTITLED: the wallet's plan does not include the operation.
    NotEntitled {
        /// The kind of the operation.
        kind: String,
        /// The id of the wallet's plan.
        plan: String,
        /// The ids of plans that include the operation.
        plans: Vec<String>,
    },
    /// LIMIT_EXCEEDED: a quantity or a count is above a limit of the plan or of the server.
    LimitExceeded {
        /// The name of the limit or of the quantity.
        limit: String,
        /// The allowed maximum, a decimal.
        maximum: String,
        /// The requested value, a decimal.
        requested: String,
        /// The ids of plans that allow it.
        plans: Vec<String>,
    },
    /// CONCURRENCY_LIMIT: as many jobs are open as the plan allows at once.
    ConcurrencyLimit {
        /// The number of jobs that may be open.
        limit: u64,
        /// The number of jobs that are open.
        open: i64,
    },
    /// IN_DEBT: the wallet owes credits.
    InDebt {
        /// The debt of one unit.
        debt: Amount,
    },
    /// PRICE_ABOVE_LIMIT: the price is above the limit of the request.
    PriceAboveLimit {
        /// The price of the job.
        price: Amount,
        /// The limit of the request.
        limit: Amount,
    },
    /// FEE_ABOVE_LIMIT: the cancel fee is above the limit of the request.
    FeeAboveLimit {
        /// The cancel fee of the job's phase.
        fee: Amount,
        /// The limit of the request.
        max_fee: Amount,
    },
    /// QUOTE_EXPIRED: the quote is too old. Estimate again.
    QuoteExpired {
        /// The instant at which the quote expired.
        expire_time: Timestamp,
    },
    /// RESERVATION_SETTLED, _FAILED, _CANCELLED or _EXPIRED: the job has ended.
    ReservationEnded {
        /// The final state.
        state: ReservationState,
    },
    /// STALE_ATTEMPT: another attempt or worker has the job.
    StaleAttempt {
        /// The attempt that has the job.
        attempt: i32,
        /// The worker that has the job.
        worker: String,
    },
    /// IDEMPOTENCY_MISMATCH: the id was used before with other content.
    IdempotencyMismatch {
        /// The paths of the fields that differ.
        fields: Vec<String>,
    },
    /// PACK_NOT_AVAILABLE: the pack is not for sale on the wallet's plan.
    PackNotAvailable {
        /// The id of the pack.
        pack: String,
        /// The ids of plans on which it is for sale.
        plans: Vec<String>,
    },
    /// ALREADY_SUBSCRIBED: the wallet has a subscription. ChangePlan changes it.
    AlreadySubscribed {
        /// The id of the present plan.
        plan: String,
    },
    /// NOT_REFUNDABLE: the purchase or the subscription cannot be refunded.
    NotRefundable {
        /// The stable name of the cause: `CHARGED_BACK`, `ALREADY_REFUNDED`, `REVOKED`, `TOO_LATE`, `CREDITS_USED`,
        /// `HOLDS_OUTSTANDING`, `TERM` or `NO_PRICE`.
        cause: String,
    },
    /// REVERSAL_EXCEEDS_CHARGE: more was requested than is left of the charge.
    ReversalExceedsCharge {
        /// The requested amount.
        requested: Amount,
        /// The amount that the job was charged.
        charged: Amount,
        /// The amount that was reversed before.
        reversed: Amount,
    },
    /// CATALOG_SUPERSEDED: another catalog is current than the caller expects.
    CatalogSuperseded {
        /// The current version.
        current_version: i64,
    },
    /// A reason without figures, one that this version of the client does not know, or one whose figures it cannot parse.
    Other,
}

/// The credits of one unit that a job needs and the wallet lacks, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shortfall {
    /// The id of the unit.
    pub unit: String,
    /// The amount that the job needs.
    pub required: i64,
    /// The amount that can be reserved now.
    pub available: i64,
}

impl Shortfall {
    /// Returns the missing amount.
    pub fn missing(&self) -> i64 {
        self.required.saturating_sub(self.available)
    }

    /// Parses all short units: `required.<unit>` if there are several, otherwise `unit` and `required`.
    pub(super) fn all(refusal: &Refusal) -> Vec<Self> {
        let figure = |name: &str, unit: &str| refusal.number(&format!("{name}.{unit}"));
        let units = refusal.metadata.keys().filter_map(|name| name.strip_prefix("required."));
        let several = units.filter_map(|unit| {
            let (required, available) = (figure("required", unit)?, figure("available", unit)?);
            Some(Self { unit: unit.to_owned(), required, available })
        });
        let mut all: Vec<Self> = several.collect();
        if all.is_empty() {
            let single = || {
                let unit = refusal.text("unit")?;
                Some(Self {
                    unit,
                    required: refusal.number("required")?,
                    available: refusal.number("available")?,
                })
            };
            all.extend(single());
        }
        all.sort_by(|a, b| a.unit.cmp(&b.unit));
        all
    }
}

impl RefusalDetail {
    pub(super) fn of(refusal: &Refusal) -> Self {
        Self::parse(refusal).unwrap_or(Self::Other)
    }

    fn parse(refusal: &Refusal) -> Option<Self> {
        Some(match refusal.reason {
            ErrorReason::InsufficientCredits => {
                let shortfalls = refusal.shortfalls();
                if shortfalls.is_empty() {
                    return None;
                }
                Self::InsufficientCredits {
                    shortfalls,
                    packs: refusal.owned_list("packs"),
                    plans: refusal.owned_list("plans"),
                    next_renewal_time: refusal.next_renewal_time(),
                }
            }
            ErrorReason::NotEntitled => Self::NotEntitled {
                kind: refusal.text("kind")?,
                plan: refusal.text("plan")?,
                plans: refusal.owned_list("plans"),
            },
            ErrorReason::LimitExceeded => Self::LimitExceeded {
                limit: refusal.text("limit")?,
                maximum: refusal.text("maximum")?,
                requested: refusal.text("requested")?,
                plans: refusal.owned_list("plans"),
            },
            ErrorReason::ConcurrencyLimit => Self::ConcurrencyLimit {
                limit: refusal.text("limit")?.parse().ok()?,
                open: refusal.number("open")?,
            },
            ErrorReason::InDebt => Self::InDebt { debt: refusal.amount("debt")? },
            ErrorReason::PriceAboveLimit => {
                Self::PriceAboveLimit { price: refusal.amount("price")?, limit: refusal.amount("limit")? }
            }
            ErrorReason::FeeAboveLimit => {
                Self::FeeAboveLimit { fee: refusal.amount("fee")?, max_fee: refusal.amount("max_fee")? }
            }
            ErrorReason::QuoteExpired => Self::QuoteExpired { expire_time: refusal.time("expire_time")? },
            ErrorReason::ReservationSettled => Self::ReservationEnded { state: ReservationState::Settled },
            ErrorReason::ReservationFailed => Self::ReservationEnded { state: ReservationState::Failed },
            ErrorReason::ReservationCancelled => {
                Self::ReservationEnded { state: ReservationState::Cancelled }
            }
            ErrorReason::ReservationExpired => Self::ReservationEnded { state: ReservationState::Expired },
            ErrorReason::StaleAttempt => Self::StaleAttempt {
                attempt: refusal.text("attempt")?.parse().ok()?,
                worker: refusal.text("worker")?,
            },
            ErrorReason::IdempotencyMismatch => {
                Self::IdempotencyMismatch { fields: refusal.owned_list("fields") }
            }
            ErrorReason::PackNotAvailable => {
                Self::PackNotAvailable { pack: refusal.text("pack_id")?, plans: refusal.owned_list("plans") }
            }
            ErrorReason::AlreadySubscribed => Self::AlreadySubscribed { plan: refusal.text("plan_id")? },
            ErrorReason::NotRefundable => Self::NotRefundable { cause: refusal.text("cause")? },
            ErrorReason::ReversalExceedsCharge => Self::ReversalExceedsCharge {
                requested: refusal.amount("requested")?,
                charged: refusal.amount("charged")?,
                reversed: refusal.amount("reversed")?,
            },
            ErrorReason::CatalogSuperseded => {
                Self::CatalogSuperseded { current_version: refusal.number("current_version")? }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::refused;
    use super::*;

    fn detail(reason: &str, metadata: &[(&str, &str)]) -> RefusalDetail {
        refused(reason, metadata, &[]).detail()
    }

    fn short(unit: &str, required: i64, available: i64) -> Shortfall {
        Shortfall { unit: unit.to_owned(), required, available }
    }

    #[test]
    fn every_short_unit_is_returned_in_the_order_of_units() {
        let single = [("unit", "credits"), ("required", "40"), ("available", "15"), ("shortfall", "25")];
        assert_eq!(refused("INSUFFICIENT_CREDITS", &single, &[]).shortfalls(), [short("credits", 40, 15)]);
        let several = [
            ("unit", "trainings"),
            ("required", "2"),
            ("available", "0"),
            ("required.trainings", "2"),
            ("available.trainings", "0"),
            ("required.credits", "40"),
            ("available.credits", "15"),
            ("packs", "starter,creator"),
            ("next_renewal_time", "2026-12-01T00:00:00Z"),
        ];
        let RefusalDetail::InsufficientCredits { shortfalls, packs, plans, next_renewal_time } =
            detail("INSUFFICIENT_CREDITS", &several)
        else {
            panic!("another detail");
        };
        assert_eq!(shortfalls, [short("credits", 40, 15), short("trainings", 2, 0)]);
        assert_eq!(shortfalls[0].missing(), 25);
        assert_eq!((packs, plans.is_empty()), (vec!["starter".to_owned(), "creator".to_owned()], true));
        assert_eq!(next_renewal_time.map(|time| time.seconds), Some(1_796_083_200));
    }

    #[test]
    fn figures_are_typed_by_the_reason() {
        let concurrency = detail("CONCURRENCY_LIMIT", &[("limit", "2"), ("open", "2")]);
        assert_eq!(concurrency, RefusalDetail::ConcurrencyLimit { limit: 2, open: 2 });
        let limit =
            detail("LIMIT_EXCEEDED", &[("limit", "duration_s"), ("maximum", "10"), ("requested", "7.5")]);
        assert!(matches!(limit, RefusalDetail::LimitExceeded { requested, .. } if requested == "7.5"));
        let price = detail("PRICE_ABOVE_LIMIT", &[("unit", "credits"), ("price", "40"), ("limit", "30")]);
        let (price_, limit) = (Amount::new("credits", 40), Amount::new("credits", 30));
        assert_eq!(price, RefusalDetail::PriceAboveLimit { price: price_, limit });
        let ended = detail("RESERVATION_CANCELLED", &[("state", "CANCELLED")]);
        assert_eq!(ended, RefusalDetail::ReservationEnded { state: ReservationState::Cancelled });
        let stale = detail("STALE_ATTEMPT", &[("attempt", "2"), ("worker", "gpu-8")]);
        assert_eq!(stale, RefusalDetail::StaleAttempt { attempt: 2, worker: "gpu-8".to_owned() });
    }

    #[test]
    fn missing_or_unknown_figures_are_no_detail() {
        assert_eq!(detail("INSUFFICIENT_CREDITS", &[]), RefusalDetail::Other);
        assert_eq!(detail("IN_DEBT", &[("unit", "credits"), ("debt", "a lot")]), RefusalDetail::Other);
        assert_eq!(detail("OF_A_LATER_VERSION", &[("unit", "credits")]), RefusalDetail::Other);
        assert_eq!(detail("WALLET_SUSPENDED", &[]), RefusalDetail::Other);
    }
}
