//! The checked document and what can be asked of it.

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

/// A document that has passed every check; immutable.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Its number among the tenant's published catalogs; 0 until the store has numbered it.
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
    /// Reads a TOML document that is to be published, and makes every check that needs nothing else.
    ///
    /// Problems of the text come together, and so do problems of what it means (unreachable rules, gaps,
    /// golden cases); the latter are looked for only when the text is sound.
    pub fn parse(toml: &str) -> Result<Self, CatalogProblems> {
        let catalog = text::read(toml, Purpose::Publish)?;
        check::check(&catalog)?;
        Ok(catalog)
    }

    /// Reads the text of a catalog that was published. Says nothing about whether it would be published today: a
    /// program with stricter checks still settles by it.
    pub fn read_published(toml: &str) -> Result<Self, CatalogProblems> {
        text::read(toml, Purpose::Use)
    }

    /// The digest of a document: the SHA-256 of its text.
    pub fn digest_of(toml: &str) -> [u8; 32] {
        Sha256::digest(toml).into()
    }

    /// Checks that publishing this after `previous` takes nothing away that is in use: plans with
    /// subscribers, and units, which once published stay as they are.
    pub fn check_against_use(
        &self,
        previous: Option<&Catalog>,
        plans_in_use: &[String],
    ) -> Result<(), CatalogProblems> {
        check::check_against_use(self, previous, plans_in_use)
    }

    /// The same document with the number that it was published under.
    pub fn with_version(self, version: i64) -> Self {
        Self { version, ..self }
    }

    /// The TOML text as it was published.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The SHA-256 of [`Catalog::source`].
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The unit of this id.
    pub fn unit(&self, id: &str) -> Option<&Unit> {
        self.units.get(id)
    }

    /// All units, by id.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    /// The plan of this id.
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// All plans, as listed in the document.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// The plan of wallets without a subscription.
    pub fn default_plan(&self) -> Option<&Plan> {
        self.default_plan.as_deref().and_then(|id| self.plan(id))
    }

    /// The pack of this id.
    pub fn pack(&self, id: &str) -> Option<&Pack> {
        self.packs.iter().find(|pack| pack.id == id)
    }

    /// All packs, as listed in the document.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// All price rules, in the order in which they are tried.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The golden cases.
    pub fn goldens(&self) -> &[Golden] {
        &self.goldens
    }

    /// What is agreed about holds whose price is not from a rule.
    pub const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The place of `source` in the order of spending, lowest first; equal places are a group.
    pub fn spend_rank(&self, source: Source) -> u8 {
        self.spend_ranks.get(&source).copied().unwrap_or(u8::MAX)
    }

    /// Prices an operation for a plan of `tier` by the first rule that matches.
    pub fn price(&self, operation: &Operation, tier: Option<&str>) -> Result<Price, PricingError> {
        select::price(self, operation, tier)
    }

    /// The operation with every quantity as a rule prices it: what is left out is what the rule says it is then.
    pub fn counted(&self, rule_id: &str, operation: &Operation) -> Operation {
        let rule = self.rules.iter().find(|rule| rule.id == rule_id);
        rule.map_or_else(|| operation.clone(), |rule| rule.counted(operation))
    }

    /// The operation of a price that no rule gave, with every quantity as the rules of its kind would price it: of
    /// several values for one that is left out, the highest. Of an operation whose kind has rules, the quantities
    /// that nothing knows are an error, as in [`Catalog::price`]: they are most likely misspelt, and a plan's cap on
    /// the one that is meant would not hold.
    pub fn counted_unpriced(&self, operation: &Operation) -> Result<Operation, PricingError> {
        select::counted_unpriced(self, operation)
    }

    /// The quantities that entitlements cap and that an operation, with its quantities as they are priced, does not
    /// say though it could. Empty if an entitlement allows the operation without them.
    pub fn uncounted(&self, entitlements: Option<&[Entitlement]>, operation: &Operation) -> Vec<String> {
        select::uncounted(self, entitlements.unwrap_or_default(), operation)
    }

    /// The names in an entitlement that no rule of its kinds knows, that no dimension declares and that the document
    /// does not list as ignored: most likely misspelt, so that the cap would not hold.
    pub fn unknown_names<'a>(&self, entitlement: &'a Entitlement) -> Vec<&'a str> {
        let covered = |kind: &str| entitlement.kind.accepts(kind);
        let rules = || self.rules.iter().filter(|rule| covered(&rule.kind));
        let counted = |name: &str| rules().any(|rule| rule.quantities().any(|(of_rule, _)| of_rule == name));
        let declared = |name: &str| {
            self.dimensions.iter().any(|(kind, names)| covered(kind) && names.contains_key(name))
        };
        let looked_at = |name: &str| rules().any(|rule| rule.attributes().any(|of_rule| of_rule == name));
        let quantities = entitlement.max.keys().map(String::as_str);
        let quantities = quantities.filter(|name| !self.ignored_quantities.contains(*name) && !counted(name));
        let attributes = entitlement.conditions.iter().map(|(name, _)| name);
        let attributes = attributes
            .filter(|name| !self.ignored_attributes.contains(*name) && !declared(name) && !looked_at(name));
        quantities.chain(attributes).collect()
    }

    /// Whether a plan may set a limit of this name.
    pub fn declares_limit(&self, name: &str) -> bool {
        name == CONCURRENCY || self.limits.contains(name)
    }

    /// Prices an operation by the rule that was pinned for it, whether or not it would match again:
    /// what a settle does with the quantities that were really used.
    pub fn price_with_rule(&self, rule_id: &str, operation: &Operation) -> Result<Price, PricingError> {
        select::price_with_rule(self, rule_id, operation)
    }
}
