//! Renders balances and expiries.

use std::collections::BTreeMap;

use wallet_core::balance::{self, UnitBalance};
use wallet_core::catalog::Catalog;
use wallet_core::warning::warnings;
use wallet_core::{Timestamp, UnitId, Wallet};
use wallet_proto::v1;

use super::amount::amount;
use super::event;
use super::source::source;
use super::time::instant;

/// The most expiries of a unit that are listed.
const MAX_EXPIRIES: usize = 100;

/// Renders the reply of GetBalance without grants.
pub(crate) fn balance(catalog: &Catalog, wallet: &Wallet, read_time: Timestamp) -> v1::GetBalanceResponse {
    v1::GetBalanceResponse {
        balances: balances(catalog, &balance::unit_balances(wallet, catalog)),
        revision: wallet.revision,
        version: wallet.version,
        read_time: instant(read_time),
        open_reservations: count(wallet.open_reservations),
        warnings: event::warnings(catalog, &warnings(wallet, wallet.balances.keys())),
        next_renewal_time: wallet.next_renewal().and_then(instant),
        expiries: expiries(catalog, wallet),
        grants: Vec::new(),
    }
}

pub(crate) fn balances(catalog: &Catalog, balances: &[UnitBalance]) -> Vec<v1::Balance> {
    balances.iter().map(|unit| unit_balance(catalog, unit)).collect()
}

/// Renders the soonest expiries of each unit.
fn expiries(catalog: &Catalog, wallet: &Wallet) -> Vec<v1::UnitExpiries> {
    let of_unit = |(unit, at): (&UnitId, BTreeMap<Timestamp, i64>)| v1::UnitExpiries {
        unit: unit.to_string(),
        more: at.len() > MAX_EXPIRIES,
        expiries: at
            .into_iter()
            .take(MAX_EXPIRIES)
            .map(|(at, expiring)| v1::Expiry {
                expire_time: instant(at),
                amount: Some(amount(catalog, unit, expiring)),
            })
            .collect(),
    };
    balance::expiries(wallet).into_iter().map(of_unit).collect()
}

/// Converts a count to the 32 bits of the wire; larger counts become `i32::MAX`.
pub(crate) fn count(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn unit_balance(catalog: &Catalog, balance: &UnitBalance) -> v1::Balance {
    let of = |figure: i64| Some(amount(catalog, &balance.unit, figure));
    let by_source = balance.by_source.iter().map(|(from, available, held)| v1::SourceBalance {
        source: source(*from).into(),
        available: of(*available),
        held: of(*held),
    });
    v1::Balance {
        unit: balance.unit.to_string(),
        available: of(balance.total.available),
        held: of(balance.total.held),
        debt: of(balance.total.debt),
        debt_limit: of(balance.total.debt_limit),
        by_source: by_source.collect(),
        next_expire_time: balance.next_expiry.and_then(|(at, _)| instant(at)),
        next_expire_amount: balance.next_expiry.and_then(|(_, expiring)| of(expiring)),
    }
}
