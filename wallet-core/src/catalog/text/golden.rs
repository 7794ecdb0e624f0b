//! Parses `[[golden]]` tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::literal::Literal;
use super::reader::Reader;
use crate::catalog::golden::{Expectation, Golden};
use crate::value::operation::Operation;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GoldenText {
    name: Option<String>,
    kind: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    quantities: BTreeMap<String, Literal>,
    tier: Option<String>,
    plan: Option<String>,
    expect: Option<BTreeMap<String, Literal>>,
    expect_max: Option<BTreeMap<String, Literal>>,
    expect_error: Option<String>,
}

impl GoldenText {
    pub(super) fn read(self, path: &str, reader: &mut Reader) -> Option<Golden> {
        let one = |(name, literal): (&String, &Literal)| {
            (name.clone(), reader.decimal(&format!("{path}.quantities.{name}"), literal))
        };
        let quantities = self.quantities.iter().map(one).collect();
        let expectation = self.expectation(path, reader)?;
        if self.tier.is_some() && self.plan.is_some() {
            reader.problem(&format!("{path}.tier"), "must be absent: the plan has a tier of its own");
        }
        Some(Golden {
            name: self.name.unwrap_or_else(|| self.kind.clone()),
            operation: Operation { kind: self.kind, attributes: self.attributes, quantities },
            tier: self.tier,
            plan: self.plan,
            expectation,
        })
    }

    fn expectation(&self, path: &str, reader: &mut Reader) -> Option<Expectation> {
        match (&self.expect, &self.expect_max, &self.expect_error) {
            (Some(amounts), max, None) => Some(Expectation::Price {
                amounts: reader.amounts(&format!("{path}.expect"), amounts, Reader::amount),
                max_amounts: max
                    .as_ref()
                    .map(|max| reader.amounts(&format!("{path}.expect_max"), max, Reader::amount)),
            }),
            (None, None, Some(reason)) => Some(Expectation::Error(reason.clone())),
            _ => {
                reader.problem(path, "needs expect, optionally with expect_max, or only expect_error");
                None
            }
        }
    }
}
