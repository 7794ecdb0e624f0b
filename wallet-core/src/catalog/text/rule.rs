//! Parses `[[rules]]` tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::component::{self, ComponentText, FactorText};
use super::conditions::{self, ConditionsText};
use super::literal::Literal;
use super::policies::{FACTORS, PoliciesText};
use super::reader::Reader;
use crate::catalog::component::Component;
use crate::catalog::policies::Policies;
use crate::catalog::rule::{Most, Rule};
use crate::catalog::unit::Unit;
use crate::value::amount::Amounts;
use crate::value::decimal::Rounding;

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
    pub(super) fn read(self, path: &str, (base, most): (&Policies, &Most), reader: &mut Reader) -> Rule {
        reader.id(&format!("{path}.id"), &self.id);
        reader.id(&format!("{path}.kind"), &self.kind);
        if self.tiers.as_ref().is_some_and(Vec::is_empty) {
            reader.problem(&format!("{path}.tiers"), "must not be empty: the rule would apply to no plan");
        }
        let most = self.most(path, most, reader);
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
            most,
            policies: self.policies.read(base, &format!("{path}.policies"), reader),
        };
        check_bounds(&rule, path, reader);
        rule
    }

    /// Returns the most that Settle may charge. The rule's `max_percent` comes before the factor of the policies.
    fn most(&self, path: &str, base: &Most, reader: &mut Reader) -> Most {
        let policies = self.policies.read_most(base, &format!("{path}.policies"), reader);
        let path = format!("{path}.max_percent");
        if !self.output_priced {
            if self.max_percent.is_some() {
                reader.problem(&path, "needs output_priced = true");
            }
            return Most::fixed();
        }
        let Some(percent) = self.max_percent else { return policies };
        let in_bounds = u16::try_from(percent).ok().filter(|_| FACTORS.contains(&percent));
        if in_bounds.is_none() {
            let (lowest, highest) = (FACTORS.start(), FACTORS.end());
            reader.problem(&path, format!("must be from {lowest} to {highest}, is {percent}"));
        }
        Most { percent: in_bounds, ..policies }
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
pub(super) fn bound(reader: &mut Reader, path: &str, unit: &Unit, literal: &Literal) -> i64 {
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
