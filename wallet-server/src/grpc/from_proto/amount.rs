//! Parses amounts, alone and in lists. The core checks that the catalog has the unit.

use wallet_core::{Amounts, MAX_AMOUNT, UnitId};
use wallet_proto::v1;

use super::FieldReader;

/// The most amounts of a list, more than any catalog has units.
const MAX_UNITS: usize = 64;

impl FieldReader {
    /// Parses a list of amounts from 0 to `MAX_AMOUNT` minor units, each unit at most once.
    pub(crate) fn amounts(&mut self, path: &str, list: Vec<v1::Amount>) -> Amounts {
        let mut amounts = Amounts::none();
        if self.too_many(path, list.len(), MAX_UNITS) {
            return amounts;
        }
        for (i, amount) in list.into_iter().enumerate() {
            let path = format!("{path}[{i}]");
            let Some((unit, amount)) = self.one(&path, &amount, 0) else { continue };
            if !amounts.set(&unit, amount) {
                self.add(format!("{path}.unit"), format!("{unit} is named twice"));
            }
        }
        amounts
    }

    /// Parses a required amount of at least 1 minor unit.
    pub(crate) fn positive_amount(
        &mut self,
        path: &str,
        amount: Option<v1::Amount>,
    ) -> Option<(UnitId, i64)> {
        match amount {
            Some(amount) => self.one(path, &amount, 1),
            None => {
                self.missing(path);
                None
            }
        }
    }

    fn one(&mut self, path: &str, amount: &v1::Amount, min: i64) -> Option<(UnitId, i64)> {
        let unit = self.id(&format!("{path}.unit"), &amount.unit);
        let amount = amount.amount;
        if !(min..=MAX_AMOUNT).contains(&amount) {
            self.add(format!("{path}.amount"), format!("is {amount}, {min} to {MAX_AMOUNT} is allowed"));
            return None;
        }
        Some((unit?, amount))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(unit: &str, amount: i64) -> v1::Amount {
        v1::Amount { unit: unit.to_owned(), amount, display: "ignored".to_owned() }
    }

    #[test]
    fn every_invalid_amount_of_a_list_is_reported() {
        let mut fields = FieldReader::default();
        let read = fields.amounts("limits", vec![amount("credits", 0), amount("trainings", MAX_AMOUNT)]);
        assert_eq!((read.get("credits"), read.get("trainings")), (0, MAX_AMOUNT));
        assert!(fields.lines().is_empty());

        fields.amounts(
            "explicit.amounts",
            vec![
                amount("credits", -1),
                amount("", 5),
                amount("a", 1),
                amount("a", MAX_AMOUNT + 1),
                amount("a", 1),
            ],
        );
        assert_eq!(
            fields.lines(),
            [
                "explicit.amounts[0].amount: is -1, 0 to 1000000000000000 is allowed",
                "explicit.amounts[1].unit: must not be empty",
                "explicit.amounts[3].amount: is 1000000000000001, 0 to 1000000000000000 is allowed",
                "explicit.amounts[4].unit: a is named twice",
            ]
        );
        let mut fields = FieldReader::default();
        fields.amounts("limits", vec![amount("", -1); 65]);
        assert_eq!(fields.lines(), ["limits: has 65 entries, at most 64 are allowed"]);
    }

    #[test]
    fn a_single_amount_is_required_and_above_zero() {
        let mut fields = FieldReader::default();
        assert!(fields.positive_amount("amount", Some(amount("credits", 1))).is_some());
        fields.positive_amount("amount", None);
        fields.positive_amount("amount", Some(amount("a b", 0)));
        assert_eq!(
            fields.lines(),
            [
                "amount: is required",
                "amount.unit: contains ' '; letters, digits and - _ . : @ / | + = ~ are allowed",
                "amount.amount: is 0, 1 to 1000000000000000 is allowed",
            ]
        );
    }
}
