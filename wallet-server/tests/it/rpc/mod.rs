//! Each RPC through the wire: what it answers, what it refuses, what it says when asked again.

mod cancel;
mod create_wallet;
mod estimate;
mod extend;
mod get_balance;
mod get_catalog;
mod get_reservation;
mod get_wallet;
mod grant;
mod list_entries;
mod list_grants;
mod list_packs;
mod list_plans;
mod list_reservations;
mod list_wallets;
mod publish_catalog;
mod reserve;
mod revoke_grant;
pub(crate) mod settle;
mod start;
mod top_up;
mod update_wallet;
