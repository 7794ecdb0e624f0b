//! Converts wallets to messages.

use wallet_core::balance::{UnitBalance, WalletView};
use wallet_core::catalog::Catalog;
use wallet_core::wallet::WalletStatus;
use wallet_proto::v1;

use super::amount::amount;
use super::auto_top_up::auto_top_up;
use super::balance::{balances, count};
use super::event::low_balance;
use super::subscription::subscription;
use super::time::instant;

/// Renders a wallet with the given balances, which may be empty.
pub(crate) fn wallet(catalog: &Catalog, view: &WalletView, units: &[UnitBalance]) -> v1::Wallet {
    let limited = units.iter().filter(|unit| unit.total.debt_limit > 0);
    v1::Wallet {
        wallet_id: view.id.to_string(),
        status: status(view).into(),
        display_name: view.profile.display_name.clone(),
        balances: balances(catalog, units),
        open_reservations: count(view.open_reservations),
        create_time: instant(view.create_time),
        revision: view.revision,
        version: view.version,
        plan_id: view.plan.clone().unwrap_or_default(),
        debt_limits: limited.map(|unit| amount(catalog, &unit.unit, unit.total.debt_limit)).collect(),
        low_balance: low_balance(&view.profile.low_balance),
        auto_top_up: view.profile.auto_top_up.as_ref().map(|auto| auto_top_up(auto)),
        subscription: view.profile.subscription.as_deref().map(|sold| subscription(catalog, sold)),
    }
}

/// Renders the status. A frozen wallet is FROZEN, regardless of its own status, until it is unfrozen.
fn status(view: &WalletView) -> v1::WalletStatus {
    match view.status {
        _ if view.frozen => v1::WalletStatus::Frozen,
        WalletStatus::Active => v1::WalletStatus::Active,
        WalletStatus::Suspended => v1::WalletStatus::Suspended,
        WalletStatus::Closed => v1::WalletStatus::Closed,
    }
}
