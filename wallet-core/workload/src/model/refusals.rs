//! The checks of a job, in order.

use wallet_core::Operation;
use wallet_core::Timestamp;
use wallet_core::wallet::WalletStatus;

use super::answer::Refusal;
use super::calendar::NEVER;
use super::catalog::{MOST_N, PACKS, PLANS, Plan, UNITS, Unit, find_kind};
use super::state::Model;

impl Model {
    pub(super) fn may_reserve(
        &self,
        operation: Option<&Operation>,
        amounts: &[(Unit, i64)],
    ) -> Result<(), Refusal> {
        match self.status {
            WalletStatus::Active => {}
            WalletStatus::Suspended => return Err(Refusal::new("WALLET_SUSPENDED")),
            WalletStatus::Closed => return Err(Refusal::new("WALLET_CLOSED")),
        }
        if let Some((unit, _)) = UNITS.iter().find(|(unit, _)| self.owed(unit).debt > 0) {
            let refusal = Refusal::new("IN_DEBT").with("unit", unit);
            return Err(refusal.with("debt", self.owed(unit).debt));
        }
        if let Some(operation) = operation {
            self.entitled(operation)?;
        }
        let open = self.open_jobs().count() as u64;
        if let Some(limit) = self.concurrency().filter(|limit| open >= *limit) {
            return Err(Refusal::new("CONCURRENCY_LIMIT").with("limit", limit).with("open", open));
        }
        self.affords(operation, amounts)
    }

    fn entitled(&self, operation: &Operation) -> Result<(), Refusal> {
        let plan = self.plan();
        let mut plans: Vec<&Plan> = PLANS.iter().filter(|plan| allows(plan, operation).is_ok()).collect();
        plans.sort_by_key(|plan| plan.rank);
        let plans: Vec<&str> = plans.iter().map(|plan| plan.id).collect();
        match allows(plan, operation) {
            Ok(()) => Ok(()),
            Err(Unfit::Kind) => {
                let refusal = Refusal::new("NOT_ENTITLED").with("kind", &operation.kind);
                Err(refusal.with("plan", plan.id).with("plans", plans.join(",")))
            }
            Err(Unfit::Missing) => {
                Err(Refusal::field().with("kind", &operation.kind).with("quantities", "n"))
            }
            Err(Unfit::Number(n)) => {
                let refusal = Refusal::new("LIMIT_EXCEEDED").with("limit", "n").with("maximum", MOST_N);
                Err(refusal.with("requested", n).with("plans", plans.join(",")))
            }
        }
    }

    /// Checks that the amounts are available. The refusal has the missing amounts and the remedies.
    pub(super) fn affords(
        &self,
        operation: Option<&Operation>,
        amounts: &[(Unit, i64)],
    ) -> Result<(), Refusal> {
        let short = |(unit, amount): &&(Unit, i64)| *amount > self.available(unit);
        let short: Vec<&(Unit, i64)> = amounts.iter().filter(short).collect();
        if short.is_empty() {
            return Ok(());
        }
        let mut refusal = Refusal::new("INSUFFICIENT_CREDITS").with("unit", short[0].0);
        for (n, (unit, amount)) in short.iter().enumerate() {
            let there = self.available(unit);
            let figures = [("required", *amount), ("available", there), ("shortfall", amount - there)];
            for (name, figure) in figures.into_iter().filter(|_| n == 0) {
                refusal = refusal.with(name, figure);
            }
            for (name, figure) in figures.into_iter().filter(|_| short.len() > 1) {
                refusal = refusal.with(&format!("{name}.{unit}"), figure);
            }
        }
        let missing = |unit: Unit, amount: i64| amount - self.available(unit);
        let covers = |amounts: &[(Unit, i64)], unit: Unit, amount: i64| {
            amounts.iter().any(|(of, inside)| *of == unit && *inside >= missing(unit, amount))
        };
        let packs = PACKS.iter().filter(|pack| self.sells(pack));
        let packs =
            packs.filter(|pack| short.iter().all(|(unit, amount)| covers(pack.amounts, unit, *amount)));
        let packs: Vec<&str> = packs.map(|pack| pack.id).collect();
        if !packs.is_empty() {
            refusal = refusal.with("packs", packs.join(","));
        }
        let had = |plan: &Plan| plan.once && self.trials.contains(plan.id);
        let plans = PLANS.iter().filter(|plan| plan.id != self.plan().id && !had(plan));
        let plans = plans.filter(|plan| operation.is_none_or(|operation| allows(plan, operation).is_ok()));
        let mut plans: Vec<&Plan> = plans
            .filter(|plan| short.iter().all(|(unit, n)| self.gives_at_once(plan, unit) >= missing(unit, *n)))
            .collect();
        plans.sort_by_key(|plan| plan.rank);
        let plans: Vec<&str> = plans.iter().map(|plan| plan.id).collect();
        if !plans.is_empty() {
            refusal = refusal.with("plans", plans.join(","));
        }
        let renewal = self.sub.as_ref().map(super::state::Sub::next_renewal);
        match renewal.into_iter().chain(self.next_free()).min().unwrap_or(NEVER) {
            NEVER => Err(refusal),
            at => Err(refusal.with("next_renewal_time", Timestamp::from_micros(at))),
        }
    }
}

enum Unfit {
    Kind,
    /// The plan caps a quantity that the operation leaves out.
    Missing,
    Number(String),
}

fn allows(plan: &Plan, operation: &Operation) -> Result<(), Unfit> {
    if plan.kinds.is_empty() {
        return Ok(());
    }
    if !plan.kinds.contains(&operation.kind.as_str()) {
        return Err(Unfit::Kind);
    }
    let preset = find_kind(&operation.kind).and_then(|kind| kind.otherwise).map(Into::into);
    match operation.quantities.get("n").copied().or(preset) {
        Some(n) if n > MOST_N.into() => Err(Unfit::Number(n.to_string())),
        Some(_) => Ok(()),
        None => Err(Unfit::Missing),
    }
}
