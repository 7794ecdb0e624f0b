//! Reads at the same time as a lane: the revision that they return, and the cost of searches.

use std::collections::BTreeMap;

use std::time::Duration;

use uuid::Uuid;
use wallet_core::decide::{CreateWallet, ProcessDue, Purchase, TopUp};
use wallet_core::{Amounts, Command, Rejection, TenantId, Timestamp, WalletId, WalletKey};

use super::verify_speed::{id, job_id, reserve};
use super::{Database, run};
use crate::clock::Clock;
use crate::config::BUNDLED_CATALOG;
use crate::engine::lane::Lane;
use crate::query::{EntryFilter, Page, Queries, ReadError, ReservationFilter, UsageQuery, WalletFilter};

/// The number of connections that the store has for reads of one wallet.
const READERS: usize = 8;

/// A wallet with holds of one hour.
struct Customer {
    lane: Lane,
    clock: Clock,
    wallet: WalletId,
}

impl Customer {
    async fn with_holds(database: &Database, holds: u64) -> Self {
        let clock = Clock::manual(Timestamp::from_micros(1_767_225_600_000_000));
        let lane = database.lane(&clock, BUNDLED_CATALOG).await;
        let mut customer = Self { lane, clock, wallet: id("customer") };
        let top_up = TopUp {
            id: id("order"),
            purchase: Purchase::Amount(id("credits"), 1_000_000),
            external_ref: None,
            line: None,
            paid_amount: None,
            paid_time: None,
            labels: BTreeMap::new(),
        };
        customer.does(create()).await;
        customer.does(Command::TopUp(top_up)).await;
        for job in 0..holds {
            customer.does(reserve(0, job)).await;
        }
        customer
    }

    /// Creates a wallet, which is frozen if `is_frozen`.
    async fn has_neighbour(&mut self, wallet: &str, is_frozen: bool) {
        let wallet: WalletId = id(wallet);
        run(&mut self.lane, &[(wallet.clone(), create())]).await;
        if is_frozen {
            self.lane.runner.to_freeze.insert(WalletKey::new(TenantId::DEFAULT, &wallet));
            let reply = run(&mut self.lane, &[(wallet, ProcessDue.into())]).await.remove(0);
            assert!(reply.result.is_err(), "it is frozen");
        }
    }

    /// Runs a command, and returns the revision of its reply.
    async fn does(&mut self, command: Command) -> i64 {
        let batch = [(self.wallet.clone(), command)];
        run(&mut self.lane, &batch).await.remove(0).revision
    }

    fn queries(&self) -> Queries {
        super::queries(&self.lane, &self.clock)
    }
}

#[tokio::test]
async fn a_read_sees_every_write_that_was_answered_before() {
    for database in [Database::sqlite(), Database::postgres()] {
        let mut customer = Customer::with_holds(&database, 0).await;
        let (queries, other) = (customer.queries(), customer.queries());
        for job in 0..20 {
            let written = customer.does(reserve(0, job)).await;
            let read = async |queries: &Queries| {
                queries.wallet(TenantId::DEFAULT, &customer.wallet).await.unwrap().wallet.revision
            };
            let seen = tokio::join!(read(&queries), read(&queries), read(&other));
            assert_eq!(seen, (written, written, written), "{} job {job}", database.name());
        }
        let missing = queries.wallet(TenantId::DEFAULT, &"nobody".parse().unwrap()).await;
        assert!(matches!(missing, Err(ReadError::Rejected(Rejection::WalletNotFound))), "{missing:?}");
    }
}

fn create() -> Command {
    CreateWallet { display_name: String::new(), debt_limits: Amounts::none() }.into()
}

#[tokio::test]
async fn a_read_returns_the_recorded_revision_and_due_events_come_after_it() {
    for database in [Database::sqlite(), Database::postgres()] {
        let mut customer = Customer::with_holds(&database, 1).await;
        let queries = customer.queries();
        let read = async || queries.wallet(TenantId::DEFAULT, &customer.wallet).await.unwrap().wallet;
        let before = read().await;
        customer.clock.move_to(customer.clock.now().plus(Duration::from_secs(3_601)));
        let due = read().await;
        assert_eq!((before.open_reservations, due.open_reservations), (1, 0), "the hold has expired");
        assert_eq!((due.revision, due.version), (before.revision, before.version));

        let wallet = customer.wallet.clone();
        let recorded = customer.does(ProcessDue.into()).await;
        assert_eq!(recorded, due.revision + 1);
        let filter = EntryFilter { after_revision: due.revision, reservation: None };
        let page = Page { size: 50, token: None };
        let listed = queries.entries(TenantId::DEFAULT, &wallet, filter, page).await.unwrap();
        let (revisions, _) = listed.taken(|entry| Some(entry.revision));
        assert_eq!(revisions, [recorded]);
    }
}

#[tokio::test]
async fn a_search_reads_a_bounded_number_of_rows_and_its_token_continues() {
    for database in [Database::sqlite(), Database::postgres()] {
        let customer = Customer::with_holds(&database, 7).await;
        let queries = customer.queries().with_budget(3, 6);
        for (value, expected) in [("launch", [3, 3, 1]), ("nobody's", [0, 0, 0])] {
            let (mut token, mut found) = (None, Vec::new());
            loop {
                let label = Some(("project".to_owned(), Some(value.to_owned())));
                let filter = ReservationFilter { label, ..ReservationFilter::default() };
                let page = Page { size: 50, token };
                let listed = queries.reservations(TenantId::DEFAULT, &customer.wallet, filter, page).await;
                let (items, next) = listed.unwrap().taken(|reservation| Some(reservation.id.clone()));
                found.push(items.len());
                if next.is_empty() {
                    break;
                }
                token = Some(next);
            }
            assert_eq!(found, expected);
        }
        let summary = queries.usage(TenantId::DEFAULT, &customer.wallet, UsageQuery::default()).await;
        assert_eq!(
            summary.unwrap_err().to_string(),
            "jobs is limited to 6, but the request would make it 7",
            "it returns an error, and no part of the sum"
        );
    }
}

#[tokio::test]
async fn a_search_for_frozen_wallets_is_bounded_and_its_token_continues() {
    for database in [Database::sqlite(), Database::postgres()] {
        let mut customer = Customer::with_holds(&database, 0).await;
        for (wallet, is_frozen) in
            [("w1", false), ("w2", true), ("w3", false), ("w4", false), ("w5", false), ("w6", true)]
        {
            customer.has_neighbour(wallet, is_frozen).await;
        }
        let queries = customer.queries().with_budget(3, 6);
        for (frozen_only, size, expected) in [
            (true, 50, vec![vec!["w2"], vec![], vec!["w6"]]),
            (true, 1, vec![vec!["w2"], vec![], vec!["w6"]]),
            (false, 5, vec![vec!["customer", "w1", "w2", "w3", "w4"], vec!["w5", "w6"]]),
        ] {
            let (mut token, mut pages) = (None, Vec::new());
            loop {
                let page = Page { size, token };
                let listed = queries.wallets(TenantId::DEFAULT, WalletFilter { frozen_only }, page).await;
                let (ids, next) = listed.unwrap().taken(|view| Some(view.id.to_string()));
                pages.push(ids);
                if next.is_empty() {
                    break;
                }
                token = Some(next);
            }
            assert_eq!(pages, expected);
        }
    }
}

#[tokio::test]
async fn searches_other_reads_and_the_sweeper_have_separate_connections() {
    for database in [Database::sqlite(), Database::postgres()] {
        let customer = Customer::with_holds(&database, 1).await;
        let store = &customer.lane.runner.store;
        let _searches = [store.costly_snapshot().await.unwrap(), store.costly_snapshot().await.unwrap()];
        let mut reads = Vec::new();
        for _ in 0..READERS {
            reads.push(store.snapshot().await.unwrap());
        }
        let (now, length) = (customer.clock.now(), Duration::from_secs(10));
        assert!(store.sweep_lease(0, Uuid::nil(), now, length).await.unwrap());
        assert_eq!(reads.len(), READERS);
    }
}

#[tokio::test]
async fn searches_and_summaries_wait_for_no_other_reads_and_the_reverse() {
    for database in [Database::sqlite(), Database::postgres()] {
        let customer = Customer::with_holds(&database, 1).await;
        let (queries, store) = (customer.queries(), &customer.lane.runner.store);
        let (tenant, wallet) = (TenantId::DEFAULT, &customer.wallet);
        let mut reads = Vec::new();
        for _ in 0..READERS {
            reads.push(store.snapshot().await.unwrap());
        }
        let label = Some(("project".to_owned(), None));
        let filter = ReservationFilter { label, ..ReservationFilter::default() };
        let page = || Page { size: 50, token: None };
        let found = queries.reservations(tenant, wallet, filter, page()).await.unwrap();
        assert_eq!(found.taken(|reservation| Some(reservation.id.clone())).0.len(), 1);
        let frozen = WalletFilter { frozen_only: true };
        queries.wallets(tenant, frozen, page()).await.unwrap();
        queries.usage(tenant, wallet, UsageQuery::default()).await.unwrap();
        drop(reads);

        let _searches = [store.costly_snapshot().await.unwrap(), store.costly_snapshot().await.unwrap()];
        queries.reservation(tenant, wallet, &job_id(0, 0)).await.unwrap();
        queries.reservations(tenant, wallet, ReservationFilter::default(), page()).await.unwrap();
    }
}
