//! The text that a platform shows its user after an error. The match is exhaustive, so no reason lacks one.

use crate::v1::ErrorReason::{self as R};

/// After faults of the platform or of its settings, which a user can neither cause nor correct.
const FAULT: &str = "A general message that something went wrong on the platform, without a way to retry. Report the error to the \
                     developers.";
/// After failures of calls that the platform repeats.
const BUSY: &str = "Nothing while calls are repeated. After that, that the platform is busy, with a way to try again that \
                    repeats the same ids.";
/// After jobs that have ended.
const ENDED: &str =
    "The state in which the job ended, read with GetReservation, and no output that was not delivered.";
/// After mistakes of an operator or a program of the platform.
const OPERATOR: &str =
    "The text of the error, to the operator who made the call. Customers do not make such calls.";

/// Returns what the user of a platform should see.
pub(super) const fn shown(reason: R) -> &'static str {
    match reason {
        R::Unspecified => "",
        R::InvalidField => {
            "The faults of BadRequest next to the inputs that the user filled in, if a field is one of them. Otherwise a general \
             message: the platform sent a wrong request."
        }
        R::NoPriceRule => {
            "That this combination of options is not offered. Keep the choices, so that the user can change one."
        }
        R::UnitMismatch | R::QuoteInvalid | R::MalformedMessage | R::CatalogUnusable => FAULT,
        R::MessageTooLarge => {
            "That the input is too large, with the limit. Keep it, so that the user can shorten it."
        }
        R::InsufficientCredits => {
            "The price, the available credits and the shortfall, each with its unit, and the packs and plans that the error names as \
             buttons. If there is a next renewal, its date."
        }
        R::NotEntitled => "That the plan does not include this, and the plans of the error that do.",
        R::LimitExceeded => "The limit and the requested number, and the plans of the error that allow more.",
        R::WalletSuspended => {
            "That the account is on hold, and how to reach support. Give no cause: it may be a disputed payment."
        }
        R::WalletClosed => "That the account is closed, and how to reach support.",
        R::WalletFrozen => {
            "That the account is being examined and no credits are lost, and how to reach support."
        }
        R::InDebt => {
            "The amount that is owed, its cause (a payment was withdrawn), and a way to top up at least that amount."
        }
        R::ReservationSettled | R::ReservationFailed | R::ReservationCancelled => ENDED,
        R::ReservationExpired => {
            "That the job took too long and cost nothing, with a way to start it again. If a Settle with `accept_late` succeeds, the \
             output instead."
        }
        R::NotRefundable => {
            "The cause in the words of the platform's terms, such as that the credits were used or the time is over. After \
             HOLDS_OUTSTANDING, that the refund follows when the running jobs have ended."
        }
        R::FeeAboveLimit => {
            "The fee of the cancellation, with the choice to accept it or to let the job go on."
        }
        R::AlreadySubscribed => "The current plan, with a way to change it.",
        R::PackNotAvailable => {
            "That the pack is not sold on this plan, with other packs and the plans of the error."
        }
        R::ReversalExceedsCharge => {
            "The amount that can still be given back, to the operator or the agent of the support."
        }
        R::CatalogInvalid | R::CatalogSuperseded | R::CatalogNotFound => OPERATOR,
        R::PeriodPaid => {
            "Nothing, if the payment provider reported the payment twice. Otherwise that this period is paid already."
        }
        R::SubscriptionEnds => {
            "That the subscription ends before this period, that the payment is returned, and a way to resume."
        }
        R::PlanChangePaid => {
            "That the next plan is paid already, with its first day, and a way to have that payment returned."
        }
        R::QuoteExpired | R::PriceAboveLimit => "The new price, with the question whether to go on.",
        R::StaleAttempt => "Nothing: another worker runs the job, and its result is shown.",
        R::PlanUsed => "That the trial was used before, and the plans that can be bought.",
        R::NotChargedBack => OPERATOR,
        R::OpenReservations => {
            "The jobs that are still running, with a way to cancel them before the account is closed."
        }
        R::SubscriptionPaused => "That the subscription is paused, with a way to resume it.",
        R::IdempotencyMismatch => FAULT,
        R::AutoTopUpNotUnderWay => OPERATOR,
        R::WalletNotFound => {
            "To a new user, the way to begin. Otherwise a general message; do not show whether other accounts exist."
        }
        R::ReservationNotFound => {
            "That the job does not exist or was never begun. Do not charge for it by other means."
        }
        R::GrantNotFound | R::TopUpNotFound => {
            "That this purchase is not found in the account, to the agent who looks for it."
        }
        R::PackNotFound | R::PlanNotFound => {
            "That the offer has ended, and the offers of ListPacks or ListPlans."
        }
        R::SubscriptionNotFound => "That there is no subscription, and the plans that can be bought.",
        R::ConcurrencyLimit => {
            "That the plan runs this many jobs at a time, the jobs that are running, and plans with more. Keep the request, so that \
             it can begin when one of them has ended."
        }
        R::RateLimited
        | R::Overloaded
        | R::ReplicaBehind
        | R::StoreUnavailable
        | R::ClockInDoubt
        | R::DeadlinePassed => BUSY,
        R::OutcomeUnknown => {
            "That the outcome is being checked, until a repeated call knows it. Never that the call failed: the user would pay again."
        }
        R::KeyMissing | R::KeyMalformed | R::KeyInvalid | R::ScopeMissing | R::KeysOff => FAULT,
        R::TenantSuspended => "That the platform is closed for the time being.",
        R::KeyNotFound | R::PositionOutOfRange | R::WebhookEndpointNotFound | R::WebhookEndpointExists => {
            OPERATOR
        }
        R::WalletTokenExpired => "Nothing: the page gets another token and repeats the call.",
        R::NotForWalletToken => FAULT,
        R::TooManyWatchers => "The balance as of the last read, with a way to refresh it.",
        R::TenantLive | R::TenantExists | R::TenantNotFound => OPERATOR,
    }
}
