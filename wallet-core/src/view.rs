//! Views: the answer to a command, built from the wallet after it.

use std::collections::BTreeSet;

use crate::decide::command::Command;
use crate::decide::context::Context;
use crate::decide::verdict::Subject;
use crate::ledger::posting::Posting;
use crate::value::ids::UnitId;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::balance::{PlanView, UnitBalance, WalletView, unit_balance};
use crate::wallet::grant::Grant;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::Reservation;
use crate::wallet::warning::{self, Warning};

/// The answer to a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The answer, or the reason why the command was rejected.
    pub result: Result<Answer, Rejection>,
    /// The revision of the wallet's last entry afterwards.
    pub revision: i64,
    /// The version of the wallet's last write afterwards.
    pub version: i64,
    /// The instant of the decision.
    pub decided_at: Timestamp,
}

/// The answer to a command that was not rejected.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The object of the command.
    pub shown: Shown,
    /// The balances afterwards of the units concerned.
    pub balances: Vec<UnitBalance>,
    /// The properties of the wallet's plan, for workers; for a [`Command::Reserve`] alone.
    pub plan: Option<PlanView>,
    /// The postings of the command when it was carried out; for one that makes no row of its own.
    pub moved: Vec<Posting>,
    /// The low balances afterwards of the units of the job; for a [`Command::Reserve`] alone.
    pub warnings: Vec<Warning>,
    /// True if an equal command was carried out before.
    pub replayed: bool,
}

/// The object of a command, as it is afterwards.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// The wallet's own properties.
    Wallet(Box<WalletView>),
    Reservation(Box<Reservation>),
    Grants(Vec<Grant>),
}

/// Builds the answer to a command that was not rejected, after its decision was carried out.
pub(crate) fn answer(
    wallet: &Wallet,
    context: &Context<'_>,
    command: &Command,
    subject: Subject,
    replayed: bool,
) -> Answer {
    let (shown, balances) = show(wallet, context, subject);
    let reserves = matches!(command, Command::Reserve(_));
    // A replay is answered even if the plan cannot be looked up: the answer then shows no plan.
    let plan = if reserves { PlanView::of(wallet, context.catalogs).ok() } else { None };
    let warnings = if reserves { warnings(wallet, &shown) } else { Vec::new() };
    let record = command.request().and_then(|request| wallet.requests.get(request));
    let moved = record.map(|record| record.postings.clone()).unwrap_or_default();
    Answer { shown, balances, plan, moved, warnings, replayed }
}

/// Returns the low balances of the units of a reservation.
fn warnings(wallet: &Wallet, shown: &Shown) -> Vec<Warning> {
    match shown {
        Shown::Reservation(reservation) => warning::warnings(wallet, reservation.terms.amounts.units()),
        Shown::Wallet(_) | Shown::Grants(_) => Vec::new(),
    }
}

fn show(wallet: &Wallet, context: &Context<'_>, subject: Subject) -> (Shown, Vec<UnitBalance>) {
    let catalog = &context.catalogs.current;
    let balances = |units: BTreeSet<&UnitId>| -> Vec<UnitBalance> {
        units.into_iter().map(|unit| unit_balance(wallet, catalog, unit)).collect()
    };
    match subject {
        Subject::Reservation(id) => match wallet.reservations.get(&id) {
            Some(reservation) if reservation.state.is_open() => {
                (Shown::Reservation(Box::new(reservation.clone())), Vec::new())
            }
            Some(reservation) => {
                let units = reservation.terms.amounts.units().collect();
                (Shown::Reservation(Box::new(reservation.clone())), balances(units))
            }
            None => (Shown::Wallet(Box::new(WalletView::of(wallet, catalog))), Vec::new()),
        },
        Subject::Grants(keys) => {
            let grants: Vec<&Grant> = keys.iter().filter_map(|key| wallet.grants.get(key)).collect();
            let units = grants.iter().map(|grant| &grant.unit).collect();
            (Shown::Grants(grants.into_iter().cloned().collect()), balances(units))
        }
        Subject::Wallet => (
            Shown::Wallet(Box::new(WalletView::of(wallet, catalog))),
            balances(wallet.balances.keys().collect()),
        ),
    }
}
