//! A year of every plan of the five products over the wire, with payments that come an hour late and three days early
//! in turn: no day without credits that were paid for, and no credit that was not. The timeline is that of the
//! scenarios of the core.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;
use wallet_client::{WalletClient, v1};
use wallet_core::catalog::Catalog;

use super::Platform;
use crate::harness::Database;
use crate::shorthand::{balance, explicit, settle};
use paid_year::{Act, Looks, Timing, with_renewal, year};

#[allow(dead_code, reason = "the scenarios of the core use the other variants")]
#[path = "../../../../wallet-core/tests/common/paid_year.rs"]
mod paid_year;

/// A wallet with its plan and its timeline.
struct Customer {
    wallet: String,
    acts: Vec<(u64, Act)>,
}

impl Customer {
    /// Takes the steps of this hour.
    async fn act(&self, client: &WalletClient, hour: u64) {
        for (n, (_, act)) in self.acts.iter().enumerate().filter(|(_, (at, _))| *at == hour) {
            match act {
                Act::Look(expected) => {
                    assert_eq!(self.credits(client).await, *expected, "{} in hour {hour}", self.wallet);
                }
                Act::Use(unit, amount) => {
                    let job = format!("job-{n}");
                    let price = vec![v1::Amount::new(unit, *amount)];
                    client.reserve(explicit(&self.wallet, &job, price)).await.expect("it is reserved");
                    let done = settle(&self.wallet, &job, v1::Succeeded::default());
                    client.settle(done).await.expect("it is settled");
                }
                Act::Pay(start) => {
                    let payment = v1::RecordPaymentRequest::new(&self.wallet, format!("invoice-{start}"));
                    client.record_payment(payment).await.expect("it is paid");
                }
                Act::Ended => {
                    let request = v1::GetWalletRequest::new(&self.wallet);
                    let wallet = client.get_wallet(request).await.expect("shown").wallet.expect("a wallet");
                    assert!(wallet.subscription.is_none(), "{} is not paid any more", self.wallet);
                    assert!(self.credits(client).await.values().all(|left| *left == 0), "{}", self.wallet);
                }
            }
        }
    }

    /// Returns the available credits of the plan, by unit.
    async fn credits(&self, client: &WalletClient) -> BTreeMap<String, i64> {
        let balances = balance(client, &self.wallet).await.balances;
        let of_plan = |balance: v1::Balance| {
            let sources = balance.by_source.into_iter();
            let of_plan = sources.filter(|source| source.source() == v1::Source::Subscription);
            let sum = of_plan.filter_map(|source| source.available).map(|amount| amount.amount).sum();
            (balance.unit, sum)
        };
        let all = balances.into_iter().map(of_plan);
        all.filter(|(unit, _)| self.units().contains(unit)).collect()
    }

    /// Returns the units of the plan.
    fn units(&self) -> Vec<String> {
        let looks = self.acts.iter().find_map(|(_, act)| match act {
            Act::Look(expected) => Some(expected.keys().cloned().collect()),
            _ => None,
        });
        looks.unwrap_or_default()
    }
}

/// Follows a wallet per plan and way of renewal through the year. The catalog changes between their sales, and each
/// wallet keeps the terms that it was sold.
async fn live(database: Database, catalog: &str) {
    let texts = ["ON_PAYMENT", "PROVISIONAL"].map(|renewal| (renewal, with_renewal(catalog, renewal)));
    let platform = Platform::open_at(database, &texts[0].1, "2026-01-01T00:00:00Z").await;
    let mut customers = Vec::new();
    for (renewal, text) in &texts {
        let parsed = Catalog::parse(text).expect("a catalog");
        platform.client.publish_catalog(v1::PublishCatalogRequest::new(text)).await.expect("it is published");
        for plan in parsed.plans().iter().filter(|plan| !plan.term.is_once() && !plan.allowances.is_empty()) {
            let wallet = format!("{}-{renewal}", plan.id);
            platform
                .client
                .create_wallet(v1::CreateWalletRequest::new(&wallet))
                .await
                .expect("it is created");
            let sold = v1::SubscribeRequest::new(&wallet, "s", &plan.id);
            platform.client.subscribe(sold).await.expect("it is sold");
            let acts = year(&parsed, plan, renewal, Timing::InTurn, Looks::AtWindows);
            customers.push(Arc::new(Customer { wallet, acts }));
        }
    }
    assert!(customers.len() >= 4, "two plans at least");
    let hours: BTreeSet<u64> = customers.iter().flat_map(|c| c.acts.iter().map(|(hour, _)| *hour)).collect();
    let mut now = 0;
    for hour in hours {
        if hour > now {
            platform.seconds(i64::try_from(hour - now).expect("hours of a year") * 3_600).await;
            now = hour;
        }
        let mut steps = JoinSet::new();
        for customer in &customers {
            let (customer, client) = (Arc::clone(customer), platform.client.clone());
            steps.spawn(async move { customer.act(&client, hour).await });
        }
        steps.join_all().await;
    }
    platform.close().await;
}

macro_rules! years {
    ($($name:ident: $catalog:literal;)+) => {$(
        mod $name {
            const CATALOG: &str =
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogs/", $catalog, ".toml"));

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::live(crate::harness::Database::sqlite(), CATALOG).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::live(crate::harness::Database::postgres(), CATALOG).await;
            }
        }
    )+};
}

years! {
    a_year_of_clickraft: "clickraft";
    a_year_of_flarecut: "flarecut";
    a_year_of_flikly: "flikly";
    a_year_of_kreatorflow: "kreatorflow";
    a_year_of_trainings: "trainings";
}
