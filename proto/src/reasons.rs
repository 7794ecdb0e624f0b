//! The contract of each error as data. The server takes its codes from here, the client its classification, and
//! `docs/errors.md` is generated.

mod shown;
mod table;

use tonic::Code;

pub use self::table::REASONS;
use crate::v1::ErrorReason;

/// The domain of the reasons in `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "wallet.v1";

/// The metadata that errors of any reason can have: the wallet of the call, and its state at the decision.
pub const COMMON_METADATA: [&str; 4] = ["wallet_id", "revision", "version", "decided_at"];

/// The prefix of the names of `ErrorReason`, which `google.rpc.ErrorInfo` leaves out.
const PREFIX: &str = "ERROR_REASON_";

/// The contract of one reason.
#[derive(Debug, Clone, Copy)]
pub struct ReasonSpec {
    pub reason: ErrorReason,
    /// The gRPC codes with which the reason is sent, the usual one first.
    pub codes: &'static [Code],
    /// The metadata keys of the reason besides [`COMMON_METADATA`]. A key `<name>.<unit>` stands for one per unit.
    pub metadata: &'static [&'static str],
    /// The field of `ErrorDetail` with the figures.
    pub detail: Option<&'static str>,
    pub effect: Effect,
    /// True if `google.rpc.RetryInfo` has a delay before the next attempt.
    pub retry_info: bool,
    /// The cause and the next step, for people.
    pub description: &'static str,
}

/// The effect of a call that ended with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The server decided against the call. Nothing changed, and an equal call is refused while the cause remains.
    Refused,
    /// The server did not execute the call. Nothing changed, and the same call may succeed later.
    NotExecuted,
    /// The call may have been executed. The same call with the same ids returns the outcome.
    Unknown,
}

impl ReasonSpec {
    /// Returns the usual gRPC code.
    pub const fn code(&self) -> Code {
        self.codes[0]
    }

    /// Returns what a platform shows its user after an error of this reason, for the people who build the platform.
    pub const fn shown_to_user(&self) -> &'static str {
        shown::shown(self.reason)
    }

    /// Returns whether errors of the reason can have this metadata key.
    pub fn has_metadata(&self, key: &str) -> bool {
        let per_unit = key.split_once('.').map(|(name, _)| format!("{name}.<unit>"));
        let key = per_unit.as_deref().unwrap_or(key);
        self.metadata.contains(&key) || COMMON_METADATA.contains(&key)
    }
}

impl ErrorReason {
    /// Returns the contract of the reason; `None` for `Unspecified`.
    pub fn spec(self) -> Option<&'static ReasonSpec> {
        REASONS.iter().find(|spec| spec.reason == self)
    }

    /// Returns the name in `google.rpc.ErrorInfo`, for example `IN_DEBT`.
    pub fn short_name(self) -> &'static str {
        self.as_str_name().trim_start_matches(PREFIX)
    }

    /// Returns the reason with this name in `google.rpc.ErrorInfo`.
    pub fn from_short_name(name: &str) -> Option<Self> {
        Self::from_str_name(&format!("{PREFIX}{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_row_in_the_order_of_numbers() {
        let listed: Vec<i32> = REASONS.iter().map(|spec| spec.reason.into()).collect();
        let all: Vec<i32> = (1..200).filter(|number| ErrorReason::try_from(*number).is_ok()).collect();
        assert_eq!(listed, all);
        assert!(ErrorReason::Unspecified.spec().is_none());
    }

    #[test]
    fn every_reason_says_what_the_user_sees() {
        for spec in REASONS {
            assert!(spec.shown_to_user().ends_with('.'), "{:?}", spec.reason);
        }
    }

    #[test]
    fn short_names_lead_back_to_their_reasons() {
        for spec in REASONS {
            assert_eq!(ErrorReason::from_short_name(spec.reason.short_name()), Some(spec.reason));
        }
        assert_eq!(ErrorReason::InDebt.short_name(), "IN_DEBT");
        assert_eq!(ErrorReason::from_short_name("OF_A_LATER_VERSION"), None);
    }

    #[test]
    fn keys_of_a_unit_belong_to_their_pattern() {
        let spec = ErrorReason::InsufficientCredits.spec().unwrap();
        for key in ["unit", "required", "required.credits", "missing.a.b", "wallet_id"] {
            assert_eq!(spec.has_metadata(key), !key.starts_with("missing"), "{key}");
        }
    }
}
