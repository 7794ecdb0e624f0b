//! The wallets of a run: their names, their share of the jobs, and the balances that follow from the replies.

use std::sync::atomic::{AtomicBool, AtomicI64};

use anyhow::Context as _;
use wallet_client::WalletClient;
use wallet_client::v1::{Amount, CreateWalletRequest, TopUpRequest};

use crate::concurrent;
use crate::transport::Connections;

/// The unit of all amounts.
pub(crate) const UNIT: &str = "credits";
/// The first purchase of a wallet, in minor units: enough for any run.
const OPENING: i64 = 1_000_000_000_000;

/// A wallet of the run.
#[derive(Debug)]
pub(crate) struct Wallet {
    pub(crate) id: String,
    /// The amount bought minus the amount charged, by the replies.
    pub(crate) expected: AtomicI64,
    /// True if a job has used it.
    pub(crate) used: AtomicBool,
}

/// All wallets of a run.
#[derive(Debug)]
pub(crate) struct Wallets {
    pub(crate) run_id: String,
    pub(crate) all: Vec<Wallet>,
    /// The share of the first n wallets in all jobs, for n = 1, 2... Empty if all wallets are equally likely.
    shares: Vec<f64>,
}

impl Wallets {
    pub(crate) fn new(run_id: &str, count: usize, zipf: Option<f64>) -> Self {
        let wallet = |n| Wallet {
            id: format!("{run_id}-{n}"),
            expected: AtomicI64::new(OPENING),
            used: AtomicBool::new(false),
        };
        let shares = zipf.map(|exponent| zipf_shares(count, exponent)).unwrap_or_default();
        Self { run_id: run_id.to_owned(), all: (0..count).map(wallet).collect(), shares }
    }

    /// Returns the wallet of the n-th job, pseudo-random and the same in each run.
    pub(crate) fn of_job(&self, n: u64) -> &Wallet {
        let random = mixed(n);
        let index = if self.shares.is_empty() {
            usize::try_from(random % self.all.len() as u64).unwrap_or_default()
        } else {
            let share = random as f64 / u64::MAX as f64;
            self.shares.partition_point(|up_to| *up_to < share).min(self.all.len() - 1)
        };
        &self.all[index]
    }

    /// Creates the wallets and buys credits for each. Wallets that exist stay as they are.
    pub(crate) async fn open(&self, connections: &Connections) -> anyhow::Result<()> {
        let opening = (0..).zip(&self.all).map(|(n, wallet)| open(connections.patient(n), wallet.id.clone()));
        concurrent::all(opening).await.context("cannot create the wallets")?;
        Ok(())
    }
}

async fn open(client: WalletClient, id: String) -> anyhow::Result<()> {
    client.create_wallet(CreateWalletRequest::new(&id)).await?;
    client.top_up(TopUpRequest::amount(&id, "opening", Amount::new(UNIT, OPENING))).await?;
    Ok(())
}

/// Returns the cumulative shares of the ranks 1, 2... of a Zipf distribution.
fn zipf_shares(count: usize, exponent: f64) -> Vec<f64> {
    let weights = (1..=count).map(|rank| (rank as f64).powf(-exponent));
    let total: f64 = weights.clone().sum();
    let sums = weights.scan(0.0, |sum, weight| {
        *sum += weight / total;
        Some(*sum)
    });
    sums.collect()
}

/// The output function of SplitMix64.
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_100_zipf_wallets_gets_a_fifth_of_the_jobs() {
        let wallets = Wallets::new("run", 100, Some(1.0));
        let first = (0..10_000).filter(|n| wallets.of_job(*n).id == "run-0").count();
        assert!((1_700..2_200).contains(&first), "{first}");
    }

    #[test]
    fn jobs_are_spread_evenly_without_a_distribution() {
        let wallets = Wallets::new("run", 10, None);
        for wallet in &wallets.all {
            let jobs = (0..10_000).filter(|n| wallets.of_job(*n).id == wallet.id).count();
            assert!((900..1_100).contains(&jobs), "{jobs}");
        }
    }
}
