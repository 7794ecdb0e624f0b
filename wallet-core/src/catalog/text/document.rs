//! The whole document: its size, its sections and the names by which they refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::control;
use super::golden::GoldenText;
use super::pack::PackText;
use super::plan::PlanText;
use super::policies::{self, PoliciesText};
use super::reader::Reader;
use super::rule::RuleText;
use super::unit::{self, UnitText};
use crate::catalog::document::Catalog;
use crate::catalog::kinds::{Dimensions, kinds};
use crate::catalog::plan::Plan;
use crate::catalog::problems::{CatalogProblems, Report};
use crate::value::source::Source;

/// The maximum size of a document, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// The maximum number of units.
const MAX_UNITS: usize = 20;
/// The maximum number of plans, and of packs.
const MAX_PLANS: usize = 200;
/// The maximum number of declared limits.
const MAX_LIMITS: usize = 200;
/// The maximum number of rules, of golden cases, and of kinds with dimensions: each kind needs a rule.
const MAX_RULES: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogText {
    default_plan: Option<String>,
    #[serde(default)]
    spend_order: Vec<SourcesText>,
    #[serde(default)]
    ignored_attributes: BTreeSet<String>,
    #[serde(default)]
    ignored_quantities: BTreeSet<String>,
    #[serde(default)]
    limits: BTreeSet<String>,
    units: BTreeMap<String, UnitText>,
    #[serde(default)]
    policies: PoliciesText,
    #[serde(default)]
    plans: Vec<PlanText>,
    #[serde(default)]
    packs: Vec<PackText>,
    #[serde(default)]
    dimensions: Dimensions,
    #[serde(default)]
    rules: Vec<RuleText>,
    #[serde(default)]
    golden: Vec<GoldenText>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a source such as \"PURCHASED\", or a list of sources")]
enum SourcesText {
    One(Source),
    Group(Vec<Source>),
}

/// The purpose of reading a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Purpose {
    /// To publish it. All names must exist, and the size is bounded.
    Publish,
    /// To use a published document.
    Use,
}

/// Reads a document. For publishing, also checks its size and that all names exist.
pub(in crate::catalog) fn read(toml: &str, purpose: Purpose) -> Result<Catalog, CatalogProblems> {
    let is_new = purpose == Purpose::Publish;
    let mut reader = Reader::default();
    if is_new && toml.len() > MAX_BYTES {
        reader.problem("document", format!("has {} bytes, at most {MAX_BYTES} are allowed", toml.len()));
        reader.report.verdict()?;
    }
    let text: CatalogText = toml::from_str(toml).map_err(|error| syntax_problem(toml, &error))?;
    if is_new {
        // The text was read as a catalog, so it is a table.
        if let Ok(table) = toml.parse::<toml::Table>() {
            control::check(&table, &mut reader);
        }
        text.check_size(&mut reader);
        reader.report.verdict()?;
    }
    let catalog = text.read(toml, &mut reader);
    if is_new {
        check_names(&catalog, &mut reader);
    }
    reader.report.verdict()?;
    Ok(catalog)
}

/// Returns the problem of invalid TOML with its line and column.
fn syntax_problem(toml: &str, error: &toml::de::Error) -> CatalogProblems {
    let before = error.span().and_then(|span| toml.get(..span.start)).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let mut report = Report::default();
    report.add(format!("line {line}, column {column}"), error.message());
    report.verdict().err().unwrap_or(CatalogProblems(Vec::new()))
}

impl CatalogText {
    fn check_size(&self, reader: &mut Reader) {
        for (path, count, most) in [
            ("units", self.units.len(), MAX_UNITS),
            ("plans", self.plans.len(), MAX_PLANS),
            ("packs", self.packs.len(), MAX_PLANS),
            ("rules", self.rules.len(), MAX_RULES),
            ("golden", self.golden.len(), MAX_RULES),
            ("limits", self.limits.len(), MAX_LIMITS),
            ("dimensions", self.dimensions.len(), MAX_RULES),
        ] {
            if count > most {
                reader.problem(path, format!("has {count} entries, at most {most} are allowed"));
            }
        }
    }

    fn read(self, toml: &str, reader: &mut Reader) -> Catalog {
        unit::read(self.units, reader);
        let policies = self.policies.read(&policies::defaults(reader), "policies", reader);
        let most = self.policies.read_most(&policies::default_most(), "policies", reader);
        let plans: Vec<_> =
            numbered("plans", self.plans).map(|(path, text)| text.read(&path, reader)).collect();
        let packs = numbered("packs", self.packs).map(|(path, text)| text.read(&path, reader)).collect();
        let rules: Vec<_> = numbered("rules", self.rules)
            .map(|(path, text)| text.read(&path, (&policies, &most), reader))
            .collect();
        let goldens =
            numbered("golden", self.golden).filter_map(|(path, text)| text.read(&path, reader)).collect();
        let kinds = kinds(&rules, &plans, &self.dimensions);
        Catalog {
            version: 0,
            source: toml.to_owned(),
            digest: Catalog::digest_of(toml),
            units: reader.units.clone(),
            plans,
            default_plan: self.default_plan,
            packs,
            rules,
            policies,
            spend_ranks: spend_ranks(&self.spend_order, reader),
            ignored_attributes: self.ignored_attributes,
            ignored_quantities: self.ignored_quantities,
            limits: self.limits,
            dimensions: self.dimensions,
            kinds,
            goldens,
        }
    }
}

fn numbered<T>(list: &str, texts: Vec<T>) -> impl Iterator<Item = (String, T)> {
    texts.into_iter().enumerate().map(move |(n, text)| (format!("{list}[{n}]"), text))
}

/// Returns the ranks in the order of the document. Sources that it leaves out follow in their default order.
fn spend_ranks(order: &[SourcesText], reader: &mut Reader) -> BTreeMap<Source, u8> {
    let written = order.iter().map(|sources| match sources {
        SourcesText::One(source) => std::slice::from_ref(source),
        SourcesText::Group(group) => group,
    });
    let mut ranks = BTreeMap::new();
    for (rank, group) in (0..u8::MAX).zip(written) {
        for source in group {
            if ranks.insert(*source, rank).is_some() {
                reader
                    .problem(&format!("spend_order[{rank}]"), format!("{} is named twice", source.as_str()));
            }
        }
    }
    let after = ranks.values().max().map_or(0, |last| last + 1);
    let left_out: Vec<_> = Source::ALL.into_iter().filter(|source| !ranks.contains_key(source)).collect();
    ranks.extend(left_out.into_iter().zip(after..));
    ranks
}

/// Checks that ids are unique, and that plans and tiers exist.
fn check_names(catalog: &Catalog, reader: &mut Reader) {
    reader.unique("plans", catalog.plans.iter().map(|plan| plan.id.as_str()));
    reader.unique("packs", catalog.packs.iter().map(|pack| pack.id.as_str()));
    reader.unique("rules", catalog.rules.iter().map(|rule| rule.id.as_str()));
    if let Some(id) = &catalog.default_plan {
        check_plan(catalog, "default_plan", id, reader);
        check_lasting(catalog, "default_plan", id, reader);
    }
    for (n, plan) in catalog.plans.iter().enumerate() {
        if let Some(id) = &plan.then {
            check_plan(catalog, &format!("plans[{n}].then"), id, reader);
            check_lasting(catalog, &format!("plans[{n}].then"), id, reader);
        }
        check_limits_and_caps(catalog, &format!("plans[{n}]"), plan, reader);
    }
    for (n, pack) in catalog.packs.iter().enumerate() {
        for id in pack.plans.iter().flatten() {
            check_plan(catalog, &format!("packs[{n}].plans"), id, reader);
        }
    }
    for (n, rule) in catalog.rules.iter().enumerate() {
        for tier in &rule.tiers {
            check_tier(catalog, &format!("rules[{n}].tiers"), tier, reader);
        }
    }
    for (n, golden) in catalog.goldens.iter().enumerate() {
        if let Some(tier) = &golden.tier {
            check_tier(catalog, &format!("golden[{n}].tier"), tier, reader);
        }
        if let Some(plan) = &golden.plan {
            check_plan(catalog, &format!("golden[{n}].plan"), plan, reader);
        }
    }
}

/// Checks the names of limits and caps. Under a misspelt name, they would limit nothing.
fn check_limits_and_caps(catalog: &Catalog, path: &str, plan: &Plan, reader: &mut Reader) {
    for name in plan.limits.keys().filter(|name| !catalog.declares_limit(name)) {
        let text = "is not declared: list it in `limits` at the top of the document";
        reader.problem(&format!("{path}.limits.{name}"), text);
    }
    for (n, entitlement) in plan.entitlements.iter().flatten().enumerate() {
        for name in catalog.unknown_names(entitlement) {
            let (list, place) = match entitlement.max.contains_key(name) {
                true => ("ignored_quantities", "max"),
                false => ("ignored_attributes", "when"),
            };
            let text = format!("no rule of these kinds uses it: correct the name, or list it in `{list}`");
            reader.problem(&format!("{path}.entitlements[{n}].{place}.{name}"), text);
        }
    }
}

/// Checks that a plan is no trial.
fn check_lasting(catalog: &Catalog, path: &str, id: &str, reader: &mut Reader) {
    if catalog.plan(id).is_some_and(|plan| plan.once) {
        reader.problem(path, format!("{id:?} is a trial (once = true), which does not follow another plan"));
    }
}

fn check_plan(catalog: &Catalog, path: &str, id: &str, reader: &mut Reader) {
    if catalog.plan(id).is_none() {
        reader.problem(path, format!("there is no plan {id:?}"));
    }
}

fn check_tier(catalog: &Catalog, path: &str, tier: &str, reader: &mut Reader) {
    if !catalog.plans.iter().any(|plan| plan.tier == tier) {
        reader.problem(path, format!("no plan has tier {tier:?}"));
    }
}
