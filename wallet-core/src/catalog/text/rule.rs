//! Parses `[[rules]]` tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::component::{self, ComponentText, FactorText};
use super::conditions::{self, ConditionsText};
use super::literal::Literal;
use super::policies::PoliciesText;
use super::reader::Reader;
use crate::catalog::component::Component;
use crate::catalog::policies::Policies;
use crate::catalog::rule::Rule;
use crate::catalog::unit::Unit;
use crate::value::amount::Amounts;
use crate::value::decimal::Rounding;

/// The default of `max_percent` for output-priced rules.
const OUTPUT_PRICED_PERCENT: i64 = 120;
/// The maximum of `max_percent`.
const HIGHEST_PERCENT: u16 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    id: String,
    kind: String,
    #[serde(default)]
    when: ConditionsText,
    tiers: Option<Vec<String>>,
    components: Vec<ComponentText>,
    #[serde(default)]
    factors: Vec<FactorText>,
    #[serde(default)]
    min: BTreeMap<String, Literal>,
    #[serde(default)]
    max: BTreeMap<String, Literal>,
    #[serde(default)]
    rounding: Rounding,
    #[serde(default)]
    output_priced: bool,
    max_percent: Option<i64>,
    #[serde(default)]
    policies: PoliciesText,
}

impl RuleText {
    pub(super) fn read(self, path: &str, base: &Policies, reader: &mut Reader) -> Rule {
        reader.id(&format!("{path}.id"), &self.id);
        reader.id(&format!("{path}.kind"), &self.kind);
        if self.tiers.as_ref().is_some_and(Vec::is_empty) {
            reader.problem(&format!("{path}.tiers"), "must not be empty: the rule would apply to no plan");
        }
        let max_percent = self.max_percent(path, reader);
        let components = read_components(self.components, path, reader);
        let rule = Rule {
            id: self.id,
            kind: self.kind,
            conditions: conditions::read(self.when, &format!("{path}.when"), reader),
            tiers: self.tiers.into_iter().flatten().collect(),
            components,
            factors: component::factors(&self.factors, path, reader),
            min: reader.amounts(&format!("{path}.min"), &self.min, bound),
            max: reader.amounts(&format!("{path}.max"), &self.max, bound),
            rounding: self.rounding,
            max_percent,
            policies: self.policies.read(base, &format!("{path}.policies"), reader),
        };
        check_bounds(&rule, path, reader);
        rule
    }

    fn max_percent(&self, path: &str, reader: &mut Reader) -> u16 {
        let path = format!("{path}.max_percent");
        if !self.output_priced {
            if self.max_percent.is_some() {
                reader.problem(&path, "needs output_priced = true");
            }
            return 100;
        }
        let percent = self.max_percent.unwrap_or(OUTPUT_PRICED_PERCENT);
        let allowed = 100..=HIGHEST_PERCENT;
        u16::try_from(percent).ok().filter(|percent| allowed.contains(percent)).unwrap_or_else(|| {
            reader.problem(&path, format!("must be from 100 to {HIGHEST_PERCENT}, is {percent}"));
            100
        })
    }
}

fn read_components(texts: Vec<ComponentText>, path: &str, reader: &mut Reader) -> Vec<Component> {
    if texts.is_empty() {
        reader
            .problem(&format!("{path}.components"), "needs at least one; for a free operation, use flat = 0");
    }
    let read = |(n, text): (usize, ComponentText)| text.read(&format!("{path}.components[{n}]"), reader);
    texts.into_iter().enumerate().filter_map(read).collect()
}

/// Reads a minimum or maximum, which must be a multiple of the unit's increment.
fn bound(reader: &mut Reader, path: &str, unit: &Unit, literal: &Literal) -> i64 {
    let amount = reader.amount(path, unit, literal);
    if !unit.is_multiple(amount) {
        reader.problem(path, format!("must be a multiple of {}", unit.display(unit.increment)));
    }
    amount
}

fn check_bounds(rule: &Rule, path: &str, reader: &mut Reader) {
    let uncharged = |bounds: &Amounts| bounds.units().find(|unit| !rule.charges(unit)).cloned();
    for (name, bounds) in [("min", &rule.min), ("max", &rule.max)] {
        if let Some(unit) = uncharged(bounds) {
            reader.problem(&format!("{path}.{name}.{unit}"), "no component is charged in this unit");
        }
    }
    for (unit, min) in rule.min.iter() {
        if rule.max.names(unit.as_str()) && rule.max.get(unit.as_str()) < min {
            reader.problem(&format!("{path}.min.{unit}"), "is above max");
        }
    }
}
