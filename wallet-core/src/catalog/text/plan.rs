//! Parses `[[plans]]` tables.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use super::conditions::{self, ConditionsText, MatcherText};
use super::literal::Literal;
use super::reader::Reader;
use super::refund::RefundText;
use crate::catalog::entitlement::Entitlement;
use crate::catalog::plan::{Allowance, Existing, Limit, ListPrice, Plan, Renewal, Rollover, Threshold};
use crate::catalog::unit::Unit;
use crate::value::ids::UnitId;
use crate::value::term::Term;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_DUNNING: Duration = DAY.saturating_mul(7);
const LONGEST_DUNNING: Duration = DAY.saturating_mul(90);
const EARLIEST_EXPIRY_WARNING: u16 = 90;
/// The most times that a credit rolls over, if there is a limit: as many grants of a unit may then be open.
const MOST_ROLLOVERS: u32 = 24;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanText {
    id: String,
    name: Option<String>,
    tier: Option<String>,
    #[serde(default)]
    rank: u32,
    term: Term,
    #[serde(default)]
    renewal: Renewal,
    dunning: Option<String>,
    #[serde(default)]
    once: bool,
    then: Option<String>,
    provisional_share: Option<i64>,
    #[serde(default)]
    existing: Existing,
    #[serde(default)]
    allowances: Vec<AllowanceText>,
    entitlements: Option<Vec<EntitlementText>>,
    #[serde(default)]
    limits: BTreeMap<String, LimitText>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    queue_priority: i32,
    #[serde(default)]
    thresholds: BTreeMap<String, Vec<Literal>>,
    #[serde(default)]
    expiry_warning_days: u16,
    list_price: Option<ListPrice>,
    refund: Option<RefundText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowanceText {
    id: Option<String>,
    unit: String,
    amount: Literal,
    cadence: Option<Term>,
    rollover: Option<RolloverText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolloverText {
    cap: Option<Literal>,
    percent: Option<i64>,
    periods: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntitlementText {
    kind: MatcherText,
    #[serde(default)]
    when: ConditionsText,
    #[serde(default)]
    max: BTreeMap<String, Literal>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a whole number, zero or more, { per_seat = NUMBER } or \"unlimited\""
)]
enum LimitText {
    AtMost(u64),
    PerSeat(PerSeat),
    Unlimited(Unlimited),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PerSeat {
    per_seat: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unlimited {
    Unlimited,
}

impl PlanText {
    pub(super) fn read(self, path: &str, reader: &mut Reader) -> Plan {
        reader.id(&format!("{path}.id"), &self.id);
        let dunning = self.dunning.map_or(DEFAULT_DUNNING, |text| {
            reader.duration(&format!("{path}.dunning"), &text, LONGEST_DUNNING)
        });
        if self.provisional_share.is_some() && self.renewal != Renewal::Provisional {
            reader.problem(
                &format!("{path}.provisional_share"),
                "must be absent, unless renewal = \"PROVISIONAL\"",
            );
        }
        if self.then.is_some() && (!self.once || self.term.is_once()) {
            let text = "must be absent, unless the plan has once = true and a term that ends";
            reader.problem(&format!("{path}.then"), text);
        }
        if self.existing == Existing::Follow && self.term.is_once() {
            let text = "must be KEEP or absent: a plan of term ONCE has no new period";
            reader.problem(&format!("{path}.existing"), text);
        }
        let share = self.provisional_share.unwrap_or(100);
        let provisional_share = reader.percent(&format!("{path}.provisional_share"), share);
        if let Some(list_price) = &self.list_price {
            check_list_price(list_price, path, reader);
        }
        if self.expiry_warning_days > EARLIEST_EXPIRY_WARNING {
            let text = format!("must be at most {EARLIEST_EXPIRY_WARNING}, is {}", self.expiry_warning_days);
            reader.problem(&format!("{path}.expiry_warning_days"), text);
        }
        Plan {
            name: self.name.unwrap_or_else(|| self.id.clone()),
            tier: self.tier.unwrap_or_else(|| self.id.clone()),
            id: self.id,
            rank: self.rank,
            term: self.term,
            renewal: self.renewal,
            dunning,
            provisional_share,
            once: self.once,
            then: self.then,
            existing: self.existing,
            allowances: read_allowances(&self.allowances, self.term, path, reader),
            entitlements: self.entitlements.map(|texts| read_entitlements(texts, path, reader)),
            per_seat: per_seat(&self.limits),
            limits: self.limits.into_iter().map(|(name, text)| (name, text.read())).collect(),
            features: self.features,
            queue_priority: self.queue_priority,
            thresholds: read_thresholds(&self.thresholds, path, reader),
            expiry_warning_days: self.expiry_warning_days,
            list_price: self.list_price,
            refund: self.refund.map(|text| text.read(&format!("{path}.refund"), reader)),
        }
    }
}

/// Checks that a currency is three capital letters and that a price is zero or more.
pub(super) fn check_list_price(price: &ListPrice, path: &str, reader: &mut Reader) {
    if price.currency.len() != 3 || !price.currency.bytes().all(|b| b.is_ascii_uppercase()) {
        reader.problem(
            &format!("{path}.list_price.currency"),
            "must be three capital letters, such as \"EUR\"",
        );
    }
    if price.minor_units < 0 {
        reader.problem(&format!("{path}.list_price.minor_units"), "must not be negative");
    }
}

fn read_allowances(texts: &[AllowanceText], term: Term, path: &str, reader: &mut Reader) -> Vec<Allowance> {
    let path = format!("{path}.allowances");
    let read = |(n, text): (usize, &AllowanceText)| text.read(term, &format!("{path}[{n}]"), reader);
    let allowances: Vec<_> = texts.iter().enumerate().filter_map(read).collect();
    reader.unique(&path, allowances.iter().map(|allowance| allowance.id.as_str()));
    for (n, allowance) in allowances.iter().enumerate() {
        let same = |other: &&Allowance| {
            (&other.unit, other.cadence) == (&allowance.unit, allowance.cadence) && other.id != allowance.id
        };
        if let Some(first) = allowances[..n].iter().find(same) {
            let message = format!("gives {} with the cadence of {:?}: combine the two", first.unit, first.id);
            reader.problem(&format!("{path}[{n}]"), message);
        }
        let rolls = |other: &&Allowance| other.unit == allowance.unit && other.rollover.is_some();
        if allowance.rollover.is_some()
            && let Some(first) = allowances[..n].iter().find(rolls)
        {
            let message = format!("{} rolls over by {:?} already: a unit has one rule", first.unit, first.id);
            reader.problem(&format!("{path}[{n}].rollover"), message);
        }
    }
    allowances
}

impl AllowanceText {
    fn read(&self, term: Term, path: &str, reader: &mut Reader) -> Option<Allowance> {
        let id = self.id.clone().unwrap_or_else(|| self.unit.clone());
        reader.id(&format!("{path}.id"), &id);
        if self.cadence.is_some_and(|cadence| term.is_once() || cadence >= term) {
            reader.problem(&format!("{path}.cadence"), "must be shorter than the plan's term");
        }
        if self.rollover.is_some() && term.is_once() {
            reader.problem(
                &format!("{path}.rollover"),
                "must be absent: a plan of term ONCE has no next period",
            );
        }
        let unit = reader.unit(&format!("{path}.unit"), &self.unit)?;
        let amount = reader.positive_amount(&format!("{path}.amount"), &unit, &self.amount);
        let rollover = self.rollover.as_ref();
        let rollover = rollover.map(|text| text.read(&unit, &format!("{path}.rollover"), reader));
        Some(Allowance { id, unit: unit.id, amount, cadence: self.cadence, rollover })
    }
}

impl RolloverText {
    fn read(&self, unit: &Unit, path: &str, reader: &mut Reader) -> Rollover {
        let cap = self.cap.as_ref().map(|cap| reader.amount(&format!("{path}.cap"), unit, cap));
        let percent = reader.percent(&format!("{path}.percent"), self.percent.unwrap_or(100));
        let periods = self.periods.unwrap_or(1);
        if periods > MOST_ROLLOVERS {
            let text = format!("must be at most {MOST_ROLLOVERS}, or 0 for no limit, is {periods}");
            reader.problem(&format!("{path}.periods"), text);
        }
        Rollover { cap, percent, periods }
    }
}

fn read_entitlements(texts: Vec<EntitlementText>, path: &str, reader: &mut Reader) -> Vec<Entitlement> {
    let read = |(n, text): (usize, EntitlementText)| {
        let path = format!("{path}.entitlements[{n}]");
        let one = |(name, max): (&String, &Literal), reader: &mut Reader| {
            (name.clone(), reader.decimal(&format!("{path}.max.{name}"), max))
        };
        Entitlement {
            kind: text.kind.read(&format!("{path}.kind"), reader),
            conditions: conditions::read(text.when, &format!("{path}.when"), reader),
            max: text.max.iter().map(|pair| one(pair, reader)).collect(),
        }
    };
    texts.into_iter().enumerate().map(read).collect()
}

fn per_seat(limits: &BTreeMap<String, LimitText>) -> BTreeSet<String> {
    let is_per_seat = |text: &LimitText| matches!(text, LimitText::PerSeat(_));
    limits.iter().filter(|(_, text)| is_per_seat(text)).map(|(name, _)| name.clone()).collect()
}

impl LimitText {
    fn read(self) -> Limit {
        match self {
            LimitText::AtMost(number) | LimitText::PerSeat(PerSeat { per_seat: number }) => {
                Limit::AtMost(number)
            }
            LimitText::Unlimited(Unlimited::Unlimited) => Limit::Unlimited,
        }
    }
}

fn read_thresholds(
    texts: &BTreeMap<String, Vec<Literal>>,
    path: &str,
    reader: &mut Reader,
) -> BTreeMap<UnitId, Vec<Threshold>> {
    let mut thresholds = BTreeMap::new();
    for (id, literals) in texts {
        let path = format!("{path}.thresholds.{id}");
        let Some(unit) = reader.unit(&path, id) else { continue };
        let read = |(n, literal): (usize, &Literal)| {
            let path = format!("{path}[{n}]");
            match percentage(literal) {
                Some(percent) => Threshold::Percent(reader.percent(&path, percent)),
                None => Threshold::Amount(reader.amount(&path, &unit, literal)),
            }
        };
        let of_unit = literals.iter().enumerate().map(read).collect();
        thresholds.insert(unit.id.clone(), of_unit);
    }
    thresholds
}

/// Returns the number before a percent sign.
fn percentage(literal: &Literal) -> Option<i64> {
    match literal {
        Literal::Text(text) => text.strip_suffix('%')?.parse().ok(),
        _ => None,
    }
}
