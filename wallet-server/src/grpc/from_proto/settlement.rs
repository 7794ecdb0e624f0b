//! Parses the outcome of a job: its cost or its failure.

use wallet_core::decide::{Cost, Outcome};
use wallet_core::reservation::Failure;
use wallet_core::{Amounts, OriginId};
use wallet_proto::v1::{self, settle_request, succeeded};

use super::FieldReader;

const MAX_MESSAGE_BYTES: usize = 1_024;

impl FieldReader {
    /// Parses a required outcome.
    pub(crate) fn outcome(&mut self, outcome: Option<settle_request::Outcome>) -> Option<Outcome> {
        match outcome {
            Some(settle_request::Outcome::Succeeded(succeeded)) => {
                Some(Outcome::Succeeded(self.cost(succeeded)))
            }
            Some(settle_request::Outcome::Failed(failure)) => Some(Outcome::Failed(self.failure(failure))),
            None => {
                self.add("outcome", "is required: succeeded or failed");
                None
            }
        }
    }

    fn cost(&mut self, succeeded: v1::Succeeded) -> Cost {
        match succeeded.cost {
            None | Some(succeeded::Cost::AsReserved(v1::AsReserved {})) => Cost::AsReserved,
            Some(succeeded::Cost::Usage(v1::Usage { quantities })) => {
                Cost::Usage(self.quantities("succeeded.usage.quantities", quantities))
            }
            Some(succeeded::Cost::Amounts(v1::ActualAmounts { amounts })) => {
                let amounts: Amounts = self.amounts("succeeded.amounts.amounts", amounts);
                Cost::Amounts(amounts)
            }
        }
    }

    fn failure(&mut self, failure: v1::Failure) -> Failure {
        let v1::Failure { code, message } = failure;
        // A failure code has the alphabet and the length of an id, in any case.
        let code = self.optional_id::<OriginId>("failed.code", &code).map(String::from).unwrap_or_default();
        Failure {
            code: code.to_ascii_uppercase(),
            message: self.text("failed.message", message, MAX_MESSAGE_BYTES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn succeeded(cost: Option<succeeded::Cost>) -> Option<settle_request::Outcome> {
        Some(settle_request::Outcome::Succeeded(v1::Succeeded { cost }))
    }

    #[test]
    fn a_success_without_a_cost_costs_the_reserved_amounts() {
        let mut fields = FieldReader::default();
        let as_reserved = Some(Outcome::Succeeded(Cost::AsReserved));
        assert_eq!(fields.outcome(succeeded(None)), as_reserved);
        assert_eq!(
            fields.outcome(succeeded(Some(succeeded::Cost::AsReserved(v1::AsReserved {})))),
            as_reserved
        );
        let failed = settle_request::Outcome::Failed(v1::Failure::default());
        assert_eq!(fields.outcome(Some(failed)), Some(Outcome::Failed(Failure::default())));
        let spelled = v1::Failure { code: "nsfw".to_owned(), message: String::new() };
        let read = fields.outcome(Some(settle_request::Outcome::Failed(spelled)));
        assert_eq!(read, Some(Outcome::Failed(Failure { code: "NSFW".to_owned(), message: String::new() })));
        assert!(fields.lines().is_empty());
    }

    #[test]
    fn every_invalid_figure_is_reported() {
        let mut fields = FieldReader::default();
        fields.outcome(None);
        let quantities = [("count".to_owned(), "-3".to_owned())].into();
        fields.outcome(succeeded(Some(succeeded::Cost::Usage(v1::Usage { quantities }))));
        let amounts = vec![v1::Amount { amount: -1, ..v1::Amount::default() }];
        fields.outcome(succeeded(Some(succeeded::Cost::Amounts(v1::ActualAmounts { amounts }))));
        fields.outcome(Some(settle_request::Outcome::Failed(v1::Failure {
            code: "out of memory".to_owned(),
            message: "x".repeat(1_025),
        })));
        assert_eq!(
            fields.lines(),
            [
                "outcome: is required: succeeded or failed",
                "succeeded.usage.quantities[\"count\"]: must not be negative",
                "succeeded.amounts.amounts[0].unit: must not be empty",
                "succeeded.amounts.amounts[0].amount: is -1, 0 to 1000000000000000 is allowed",
                "failed.code: contains ' '; letters, digits and - _ . : @ / | + = ~ are allowed",
                "failed.message: has 1025 bytes, at most 1024 are allowed",
            ]
        );
    }
}
