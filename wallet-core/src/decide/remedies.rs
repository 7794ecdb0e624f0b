//! Shortfalls and their remedies: packs and plans that would cover a shortfall, and the next time at which the plan
//! gives credits.

use crate::catalog::{Allowance, Catalog, Plan};
use crate::decide::change_terms::{ChangeOptions, change};
use crate::decide::entitlement::{admits, ids_by_rank};
use crate::decide::sale::{for_sale, subscribed, terms};
use crate::value::amount::Amounts;
use crate::value::operation::Operation;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::rejection::{Rejection, Shortfall};
use crate::wallet::sold::Overrides;

/// Checks that the wallet has these amounts available. The rejection has the shortfalls, the packs that cover them,
/// and the plans that would cover them and allow the operation.
pub fn check_funds(
    wallet: &Wallet,
    catalog: &Catalog,
    now: Timestamp,
    operation: Option<&Operation>,
    amounts: &Amounts,
) -> Result<(), Rejection> {
    let shortfalls: Vec<Shortfall> = amounts
        .iter()
        .map(|(unit, required)| Shortfall {
            unit: unit.clone(),
            required,
            available: wallet.balance(unit.as_str()).available,
        })
        .filter(|short| short.missing() > 0)
        .collect();
    match shortfalls.is_empty() {
        true => Ok(()),
        false => Err(insufficient(wallet, catalog, now, operation, shortfalls)),
    }
}

/// Returns the rejection for these shortfalls, with remedies: the packs and plans for sale that would each cover
/// all of them at `now`, and the next renewal. If the job has an operation, the plans must allow it.
pub(crate) fn insufficient(
    wallet: &Wallet,
    catalog: &Catalog,
    now: Timestamp,
    operation: Option<&Operation>,
    shortfalls: Vec<Shortfall>,
) -> Rejection {
    let covered = |amounts: &Amounts| shortfalls.iter().all(|s| amounts.get(s.unit.as_str()) >= s.missing());
    let packs = catalog.packs().iter();
    let packs = packs.filter(|pack| for_sale(wallet, catalog, pack) && covered(&pack.amounts));
    let other = |plan: &&Plan| {
        wallet.plan_id(catalog) != Some(&plan.id) && !(plan.once && wallet.profile.trials.contains(&plan.id))
    };
    let allowed = |plan: &&Plan| operation.is_none_or(|operation| admits(catalog, plan, operation));
    let covering = |plan: &&Plan| {
        covered(&included(plan, wallet.seats())) && covered(&given_at_once(wallet, catalog, plan, now))
    };
    let plans = catalog.plans().iter().filter(other).filter(allowed).filter(covering);
    Rejection::InsufficientCredits {
        packs: packs.map(|pack| pack.id.clone()).collect(),
        plans: ids_by_rank(plans),
        next_renewal: wallet.next_renewal(),
        shortfalls,
    }
}

/// Returns the allowances of a plan for a number of seats, each once. A change to the plan never gives more at once.
fn included(plan: &Plan, seats: u32) -> Amounts {
    let amount = |allowance: &Allowance| allowance.amount.saturating_mul(i64::from(seats));
    plan.allowances.iter().map(|allowance| (allowance.unit.clone(), amount(allowance))).collect()
}

/// Returns the amounts that the wallet would receive if the plan were sold to it at `now`: all allowances, the
/// pro-rata difference of an upgrade, or nothing yet. Terms that are too large give nothing: their sale is refused.
fn given_at_once(wallet: &Wallet, catalog: &Catalog, plan: &Plan, now: Timestamp) -> Amounts {
    let sold = terms(wallet, catalog, plan, &Overrides::default(), wallet.seats());
    if sold.too_large().is_some() {
        return Amounts::none();
    }
    let decision = match &wallet.profile.subscription {
        Some(present) => change(wallet, catalog, present, sold, ChangeOptions::default(), now),
        None => Ok(subscribed(wallet, sold, now, now)),
    };
    decision
        .map(|decision| decision.issued)
        .unwrap_or_default()
        .into_iter()
        .map(|grant| (grant.unit, grant.amount))
        .collect()
}
