//! The checked document and the questions that it answers.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::entitlement::Entitlement;
use super::golden::Golden;
use super::kinds::{Dimensions, Kind};
use super::pack::Pack;
use super::plan::{CONCURRENCY, Plan};
use super::policies::Policies;
use super::price::Price;
use super::pricing_error::PricingError;
use super::problems::CatalogProblems;
use super::rule::Rule;
use super::text::Purpose;
use super::unit::Unit;
use super::{check, select, text};
use crate::value::ids::UnitId;
use crate::value::operation::Operation;
use crate::value::source::Source;

/// A document that has been read without problems. Immutable.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The number of the document among the tenant's published catalogs; 0 until the store assigns it.
    pub version: i64,
    pub(super) source: String,
    pub(super) digest: [u8; 32],
    pub(super) units: BTreeMap<UnitId, Unit>,
    pub(super) plans: Vec<Plan>,
    pub(super) default_plan: Option<String>,
    pub(super) packs: Vec<Pack>,
    pub(super) rules: Vec<Rule>,
    pub(super) policies: Policies,
    pub(super) spend_ranks: BTreeMap<Source, u8>,
    pub(super) ignored_attributes: BTreeSet<String>,
    pub(super) ignored_quantities: BTreeSet<String>,
    pub(super) limits: BTreeSet<String>,
    pub(super) dimensions: Dimensions,
    pub(super) kinds: BTreeMap<String, Kind>,
    pub(super) goldens: Vec<Golden>,
}

impl Catalog {
    /// Reads a TOML document for publishing and runs every check that needs only the document.
    ///
    /// # Errors
    ///
    /// Returns all problems of the text, or, if the text has none, all problems of the rules: unreachable rules,
    /// gaps and golden cases that disagree.
    pub fn parse(toml: &str) -> Result<Self, CatalogProblems> {
        let catalog = text::read(toml, Purpose::Publish)?;
        check::check(&catalog)?;
        Ok(catalog)
    }

    /// Reads the text of a published catalog. Checks less than [`Catalog::parse`]: a program with stricter checks
    /// must still be able to settle by a catalog that an older program published.
    pub fn read_published(toml: &str) -> Result<Self, CatalogProblems> {
        text::read(toml, Purpose::Use)
    }

    /// Returns the digest of a document: the SHA-256 of its text.
    pub fn digest_of(toml: &str) -> [u8; 32] {
        Sha256::digest(toml).into()
    }

    /// Checks that publishing this document after `previous` removes nothing that is in use: plans with subscribers
    /// and units. The scale of a published unit must not change.
    pub fn check_against_use(
        &self,
        previous: Option<&Catalog>,
        plans_in_use: &[String],
    ) -> Result<(), CatalogProblems> {
        check::check_against_use(self, previous, plans_in_use)
    }

    /// Returns the document with the number that it was published under.
    pub fn with_version(self, version: i64) -> Self {
        Self { version, ..self }
    }

    /// Returns the TOML text as published.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the SHA-256 of [`Catalog::source`].
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    pub fn unit(&self, id: &str) -> Option<&Unit> {
        self.units.get(id)
    }

    /// Returns the smallest amount of a unit that is charged, in minor units: 1 if the catalog does not have it.
    pub fn increment(&self, unit: &UnitId) -> i64 {
        self.unit(unit.as_str()).map_or(1, |unit| unit.increment)
    }

    /// Returns all units, ordered by id.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// Returns all plans in the order of the document.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// Returns the plan of wallets without a subscription.
    pub fn default_plan(&self) -> Option<&Plan> {
        self.default_plan.as_deref().and_then(|id| self.plan(id))
    }

    pub fn pack(&self, id: &str) -> Option<&Pack> {
        self.packs.iter().find(|pack| pack.id == id)
    }

    /// Returns all packs in the order of the document.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// Returns all price rules in the order in which they are tried.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub fn goldens(&self) -> &[Golden] {
        &self.goldens
    }

    /// Returns the policies of holds with an explicit price.
    pub const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Returns the rank of `source` in the spending order. Lower ranks are spent first; sources with equal ranks
    /// form a group.
    pub fn spend_rank(&self, source: Source) -> u8 {
        self.spend_ranks.get(&source).copied().unwrap_or(u8::MAX)
    }

    /// Prices an operation for a plan of `tier` by the first rule that matches.
    pub fn price(&self, operation: &Operation, tier: Option<&str>) -> Result<Price, PricingError> {
        select::price(self, operation, tier)
    }

    /// Returns the operation with the quantities by which the rule prices it: a missing quantity gets the rule's
    /// default.
    pub fn counted(&self, rule_id: &str, operation: &Operation) -> Operation {
        let rule = self.rules.iter().find(|rule| rule.id == rule_id);
        rule.map_or_else(|| operation.clone(), |rule| rule.counted(operation))
    }

    /// Returns the operation of an explicit price with the quantities by which the rules of its kind would price
    /// it. A missing quantity gets the highest of the rules' defaults.
    ///
    /// # Errors
    ///
    /// As in [`Catalog::price`], a quantity that the catalog does not mention for the kind is an error. It is most
    /// likely misspelt, and a plan's cap on the intended quantity would not hold.
    pub fn counted_unpriced(&self, operation: &Operation) -> Result<Operation, PricingError> {
        select::counted_unpriced(self, operation)
    }

    /// Returns the quantities that `entitlements` cap and that the operation could have but does not. The result is
    /// empty if an entitlement allows the operation without them. `operation` must have the quantities by which it
    /// is priced.
    pub fn uncounted(&self, entitlements: Option<&[Entitlement]>, operation: &Operation) -> Vec<String> {
        select::uncounted(self, entitlements.unwrap_or_default(), operation)
    }

    /// Returns the names in an entitlement that no rule of its kinds uses, that no dimension declares and that the
    /// document does not list as ignored. They are most likely misspelt, so that the cap would not hold.
    pub fn unknown_names<'a>(&self, entitlement: &'a Entitlement) -> Vec<&'a str> {
        let covered = |kind: &str| entitlement.kind.accepts(kind);
        let rules = || self.rules.iter().filter(|rule| covered(&rule.kind));
        let counted = |name: &str| rules().any(|rule| rule.quantities().any(|(of_rule, _)| of_rule == name));
        let declared = |name: &str| {
            self.dimensions.iter().any(|(kind, names)| covered(kind) && names.contains_key(name))
        };
        let tested = |name: &str| rules().any(|rule| rule.attributes().any(|of_rule| of_rule == name));
        let quantities = entitlement.max.keys().map(String::as_str);
        let quantities = quantities.filter(|name| !self.ignored_quantities.contains(*name) && !counted(name));
        let attributes = entitlement.conditions.iter().map(|(name, _)| name);
        let attributes = attributes
            .filter(|name| !self.ignored_attributes.contains(*name) && !declared(name) && !tested(name));
        quantities.chain(attributes).collect()
    }

    /// Returns whether a plan may set a limit of this name.
    pub fn declares_limit(&self, name: &str) -> bool {
        name == CONCURRENCY || self.limits.contains(name)
    }

    /// Prices an operation by the rule with this id, even if the rule does not match the operation. Settle prices
    /// the actual quantities with the pinned rule.
    pub fn price_with_rule(&self, rule_id: &str, operation: &Operation) -> Result<Price, PricingError> {
        select::price_with_rule(self, rule_id, operation)
    }
}
