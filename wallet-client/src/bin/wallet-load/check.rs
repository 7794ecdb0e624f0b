//! The comparison of all balances with the replies.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use wallet_client::WalletClient;
use wallet_client::v1::GetBalanceRequest;

use crate::concurrent;
use crate::jobs::Work;
use crate::wallets::{UNIT, Wallet};

/// The most differences that are printed.
const SHOWN: usize = 10;

/// Checks that each used wallet has the credits that were bought minus those that were charged, and that none are held.
/// Returns the number of wallets.
pub(crate) async fn balances(work: &Arc<Work>) -> anyhow::Result<usize> {
    work.resolve().await.context("cannot resolve the jobs that an error interrupted")?;
    let used: Vec<&Wallet> =
        work.wallets.all.iter().filter(|wallet| wallet.used.load(Ordering::Relaxed)).collect();
    let checks = (0..).zip(&used).map(|(n, wallet)| {
        let expected = wallet.expected.load(Ordering::Relaxed);
        fault(work.connections.patient(n), wallet.id.clone(), expected)
    });
    let checked = used.len();
    let faults: Vec<String> = concurrent::all(checks).await?.into_iter().flatten().collect();
    if faults.is_empty() {
        return Ok(checked);
    }
    let shown = faults.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
    bail!("{} of {checked} balances differ from the replies:\n{shown}", faults.len())
}

/// Returns the difference of a wallet's balance from the expected one.
async fn fault(client: WalletClient, id: String, expected: i64) -> anyhow::Result<Option<String>> {
    let balances = client.get_balance(GetBalanceRequest::new(&id)).await?.balances;
    let balance = balances.into_iter().find(|balance| balance.unit == UNIT).unwrap_or_default();
    let (available, held) =
        (balance.available.unwrap_or_default().amount, balance.held.unwrap_or_default().amount);
    let is_right = available == expected && held == 0;
    Ok((!is_right).then(|| format!("{id}: {available} available and {held} held, expected {expected} and 0")))
}
