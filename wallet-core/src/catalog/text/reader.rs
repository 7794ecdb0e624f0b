//! The reader of all sections: the units that are known so far, and the report of problems.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use super::literal::{self, Literal};
use crate::catalog::problems::Report;
use crate::catalog::unit::Unit;
use crate::value::amount::{Amounts, MAX_AMOUNT};
use crate::value::decimal::Decimal;
use crate::value::ids::UnitId;

/// A converter of scalars to values. It reports a wrong scalar and returns zero in its place.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) units: BTreeMap<UnitId, Unit>,
    pub(super) report: Report,
}

impl Reader {
    pub(super) fn problem(&mut self, path: &str, message: impl Display) {
        self.report.add(path, message);
    }

    /// Checks that `text` is an id of the alphabet that all ids share.
    pub(super) fn id(&mut self, path: &str, text: &str) {
        if let Err(error) = UnitId::parse(text) {
            self.problem(path, error);
        }
    }

    /// Reports every id that occurs again in `list`.
    pub(super) fn unique<'a>(&mut self, list: &str, ids: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for (n, id) in ids.enumerate() {
            if !seen.insert(id) {
                self.problem(&format!("{list}[{n}]"), format!("{id:?} is already used"));
            }
        }
    }

    /// Returns the unit of this id, or reports that it does not exist.
    pub(super) fn unit(&mut self, path: &str, id: &str) -> Option<Unit> {
        let unit = self.units.get(id).cloned();
        if unit.is_none() {
            self.problem(path, format!("there is no unit {id:?}"));
        }
        unit
    }

    /// Reads a number, zero or more.
    pub(super) fn decimal(&mut self, path: &str, literal: &Literal) -> Decimal {
        literal.decimal().unwrap_or_else(|message| {
            self.problem(path, message);
            Decimal::ZERO
        })
    }

    /// Reads an optional number, zero or more.
    pub(super) fn optional(&mut self, path: &str, literal: Option<&Literal>) -> Option<Decimal> {
        literal.map(|literal| self.decimal(path, literal))
    }

    /// Reads an amount of whole units and returns it in minor units, at most [`MAX_AMOUNT`].
    pub(super) fn amount(&mut self, path: &str, unit: &Unit, literal: &Literal) -> i64 {
        let number = self.decimal(path, literal);
        if number > unit.whole(MAX_AMOUNT) {
            self.problem(path, format!("must be at most {}", unit.display(MAX_AMOUNT)));
            return 0;
        }
        number.to_minor(unit.scale).unwrap_or_else(|| {
            let text = format!("must have at most {} decimals ({}), is {number}", unit.scale, unit.id);
            self.problem(path, text);
            0
        })
    }

    /// Reads an amount of whole units above zero and returns it in minor units.
    pub(super) fn positive_amount(&mut self, path: &str, unit: &Unit, literal: &Literal) -> i64 {
        let amount = self.amount(path, unit, literal);
        if amount == 0 && literal.decimal().is_ok_and(Decimal::is_zero) {
            self.problem(path, "must be above zero");
        }
        amount
    }

    /// Reads amounts by unit. `one` reads each of them.
    pub(super) fn amounts(
        &mut self,
        path: &str,
        literals: &BTreeMap<String, Literal>,
        one: fn(&mut Self, &str, &Unit, &Literal) -> i64,
    ) -> Amounts {
        let mut amounts = Amounts::none();
        for (id, literal) in literals {
            let path = format!("{path}.{id}");
            if let Some(unit) = self.unit(&path, id) {
                let amount = one(self, &path, &unit, literal);
                amounts.set(&unit.id, amount);
            }
        }
        amounts
    }

    /// Reads a percentage from 0 to 100.
    pub(super) fn percent(&mut self, path: &str, number: i64) -> u8 {
        u8::try_from(number).ok().filter(|percent| *percent <= 100).unwrap_or_else(|| {
            self.problem(path, format!("must be a percentage from 0 to 100, is {number}"));
            0
        })
    }

    /// Reads a duration from one second to `longest`.
    pub(super) fn duration(&mut self, path: &str, text: &str, longest: Duration) -> Duration {
        match literal::duration(text) {
            None => self
                .problem(path, format!("must be a duration such as \"90s\", \"30m\" or \"7d\", is {text:?}")),
            Some(duration) if duration.is_zero() || duration > longest => {
                let longest = literal::written(longest);
                self.problem(path, format!("must be from 1s to {longest}, is {text:?}"));
            }
            Some(duration) => return duration,
        }
        Duration::ZERO
    }
}
