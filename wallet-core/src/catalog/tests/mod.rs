//! Tests of whole documents: reading, prices, refusals, and the catalogs that come with the server.

mod pricing;
mod products;
mod properties;
mod reading;
mod refusals;

use super::{Catalog, CatalogProblems, PriceLine};
use crate::value::decimal::Decimal;
use crate::value::operation::Operation;

/// Parses a document of two units and these rules.
fn with_rules(rules: &str) -> Result<Catalog, CatalogProblems> {
    Catalog::parse(&format!("[units.credits]\n[units.money]\nscale = 2\nincrement = \"0.05\"\n{rules}"))
}

/// Returns a catalog of one rule of kind "x" with this body.
fn one_rule(body: &str) -> Catalog {
    match with_rules(&format!("[[rules]]\nid = \"r\"\nkind = \"x\"\n{body}")) {
        Ok(catalog) => catalog,
        Err(problems) => panic!("{problems}"),
    }
}

/// Returns an operation: `op("x", &[("model", "a")], &[("count", "4")])`.
fn op(kind: &str, attributes: &[(&str, &str)], quantities: &[(&str, &str)]) -> Operation {
    Operation {
        kind: kind.to_owned(),
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        quantities: quantities
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.parse().unwrap()))
            .collect(),
    }
}

/// Returns the exact sum of a unit's lines.
fn sum(lines: &[PriceLine], unit: &str) -> Decimal {
    let of_unit = lines.iter().filter(|line| line.unit.as_str() == unit);
    of_unit.map(|line| line.amount).fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount).unwrap())
}
