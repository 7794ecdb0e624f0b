//! Every hot statement finds its rows by all conditions of one index, independent of the statistics of the tables.
//!
//! The plans are those of production: generic plans, on a lane's own connection with its settings. The index and
//! the conditions of each are compared, on tables in all states that have misled a planner.

use std::collections::BTreeMap;

mod tables;

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection, QueryTrait, Statement};
use uuid::Uuid;
use wallet_core::catalog::Catalog;
use wallet_core::catalogs::Catalogs;
use wallet_core::decide::{CreateWallet, ExplicitPrice, PriceSource, Purchase, Reserve, TopUp};
use wallet_core::grant::{ExternalRef, GrantKey};
use wallet_core::{
    Amounts, ChangeSet, Command, Finished, OriginId, RequestId, ReservationId, TenantId, Timestamp, UnitId,
    UnitOfWork, Wallet, WalletId, WalletKey,
};

use super::load;
use crate::postgres::Postgres;
use crate::store::batch::StoredRows;
use crate::store::batch::{write, write_at_versions};
use crate::store::tables::feed_blocks::PlacedItem;
use crate::store::{Backend, DueRows, LoadedWallet, Store, WalletWrite, connect, due, feed};

/// A statement, and the indexes that it uses, each with the columns of its conditions.
type Expected = (Statement, &'static [&'static str]);

#[tokio::test]
async fn hot_statements_always_use_their_indexes_on_sqlite() {
    for steps in [tables::NEVER_ANALYSED, tables::ANALYSED] {
        let folder = tempfile::tempdir().unwrap();
        check(&format!("sqlite://{}/plans.db", folder.path().display()), steps).await;
    }
}

#[tokio::test]
async fn hot_statements_always_use_their_indexes_on_postgres() {
    for steps in [tables::NEVER_ANALYSED, tables::ANALYSED] {
        check(&Postgres::shared().create_database(), steps).await;
    }
}

#[tokio::test]
async fn all_connections_have_the_same_planner_settings_on_postgres() {
    let store = Store::open(&Postgres::shared().create_database()).await.unwrap();
    for (setting, expected) in connect::PLANS {
        let show = || Statement::from_string(store.backend().db(), format!("SHOW {setting}"));
        let rows = [
            store.lane().await.unwrap().raw().query_one_raw(show()).await,
            store.control().query_one_raw(show()).await,
            store.read_pool().connections().query_one_raw(show()).await,
        ];
        for row in rows {
            assert_eq!(row.unwrap().unwrap().try_get_by_index::<String>(0).as_deref(), Ok(expected));
        }
    }
}

/// Compares all plans in each state of the tables.
async fn check(url: &str, steps: &[tables::Step]) {
    let store = Store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    let lane = store.lane().await.unwrap();
    for step in steps {
        tables::take(lane.raw(), store.backend(), *step).await;
        for (statement, expected) in statements(store.backend()) {
            let plan = explain(lane.raw(), store.backend(), &statement).await;
            let found = paths(&plan);
            assert_eq!(found, expected, "{step:?}\n{}\n{}", statement.sql, plan.join("\n"));
            let is_sorted = |line: &String| line.contains("Sort") || line.contains("TEMP B-TREE");
            let is_due = statement.sql.contains("ORDER BY h.sweep_at");
            assert!(!is_due || !plan.iter().any(is_sorted), "the index has the order\n{}", plan.join("\n"));
        }
    }
}

async fn explain(lane: &DatabaseConnection, backend: Backend, statement: &Statement) -> Vec<String> {
    let values = statement.values.clone().map(|values| values.0).unwrap_or_default();
    let (explain, column) = match backend {
        Backend::Sqlite => {
            let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
            (Statement::from_sql_and_values(backend.db(), sql, values), "detail")
        }
        // A generic plan is the same for NULLs.
        Backend::Postgres => {
            let prepare = format!("PREPARE hot AS {}", statement.sql);
            lane.execute_unprepared(&prepare).await.unwrap();
            let nulls = vec!["NULL"; values.len()].join(", ");
            (Statement::from_string(backend.db(), format!("EXPLAIN EXECUTE hot({nulls})")), "QUERY PLAN")
        }
    };
    let rows = lane.query_all_raw(explain).await.unwrap();
    if backend == Backend::Postgres {
        lane.execute_unprepared("DEALLOCATE hot").await.unwrap();
    }
    rows.iter().map(|row| row.try_get("", column).unwrap()).collect()
}

/// Returns the indexes and the columns of their conditions, in one notation for both databases. A scan without an
/// index is returned as the plan shows it.
fn paths(plan: &[String]) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for line in plan {
        if let Some((_, found)) = line.split_once(" USING ") {
            // SEARCH t USING INDEX sqlite_autoindex_wallets_1 (bucket=? AND wallet_key=?)
            let (index, conditions) = found.split_once(" (").unwrap_or((found, ""));
            let index = index.trim_start_matches("COVERING ").trim_start_matches("INDEX ");
            let primary = index.strip_prefix("sqlite_autoindex_").and_then(|name| name.strip_suffix("_1"));
            let index = primary.map_or(index.to_owned(), |table| format!("{table}_pkey"));
            paths.push(format!("{index}: {}", columns(conditions)));
        } else if let Some((_, found)) = line.split_once(" using ") {
            // ->  Index Scan using wallets_pkey on wallets t  (cost=...)
            paths.push(found.split(' ').next().unwrap_or_default().to_owned());
        } else if let Some((_, conditions)) = line.split_once("Index Cond: (") {
            // Index Cond: ((bucket = k.bucket) AND (wallet_key = k.wallet_key))
            let path = paths.last_mut().unwrap();
            *path = format!("{path}: {}", columns(conditions));
        } else if ["Seq Scan on ", "Bitmap ", "SCAN t"].iter().any(|scan| line.contains(scan)) {
            paths.push(line.trim().to_owned());
        }
    }
    paths
}

/// Returns the left sides of conditions. The two bounds of a range count once.
fn columns(conditions: &str) -> String {
    let left = |condition: &str| {
        let condition = condition.trim_start_matches('(');
        if condition.starts_with("CASE") || condition.starts_with("<expr>") {
            return "CASE".to_owned();
        }
        condition.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let mut columns: Vec<String> = conditions.split(" AND ").map(left).collect();
    columns.dedup();
    columns.join(", ")
}

const WALLETS: &[&str] = &["wallets_pkey: bucket, wallet_key"];
const GRANTS_OF_ORIGIN: &[&str] = &["grants_pkey: bucket, wallet_key, origin, origin_id"];

const RESERVATION: &str = "reservations_pkey: bucket, wallet_key, reservation_id";
const HOLDS_DUE: &str = "holds_pkey: bucket, wallet_key, sweep_at";

const PROFILES: &str = "wallet_profiles_pkey: bucket, wallet_key";

/// The sweeper reads the due rows of each bucket, and the wallets of a page by their keys.
const DUE: [(DueRows, &[&str]); 3] = [
    (DueRows::Holds, &["holds_sweep: bucket, sweep_at", WALLETS[0], PROFILES]),
    (DueRows::Grants, &["grants_due: bucket, next_time", WALLETS[0], PROFILES]),
    (DueRows::Subscriptions, &["profiles_due: bucket, next_time", WALLETS[0], PROFILES]),
];

/// Returns the statements of the sequencer and of readers of the feed.
fn feed_statements(backend: Backend) -> Vec<Expected> {
    let item = |n| PlacedItem { position: 1, wallet_key: Uuid::from_u128(7), revision: 1, n, number: 30 };
    vec![
        (feed::take(backend, &[1, 2]), &["feed_outbox_pkey: bucket"]),
        (
            feed::next_blocks(TenantId::DEFAULT, 1, 4).build(backend.db()),
            &["feed_blocks_pkey: tenant, last_position"],
        ),
        (load::entries_of_items(backend, &[item(0)]), &["entries_pkey: bucket, wallet_key, revision"]),
        (load::events_of_items(backend, &[item(1)]), &["events_pkey: bucket, wallet_key, revision, n"]),
    ]
}

/// Returns all statements of a batch, those by which the sweeper finds due rows, and those of the feed.
fn statements(backend: Backend) -> Vec<Expected> {
    let wallet = wallet();
    let key = wallet.key;
    let keys = [key];
    let origin = wallet.grants.keys().next().unwrap().clone();
    let payment = ExternalRef { provider: OriginId::parse("p").unwrap(), id: OriginId::parse("1").unwrap() };
    let purchase = OriginId::parse("t").unwrap();
    let job = ReservationId::parse("job").unwrap();
    let request = RequestId::parse("r").unwrap();
    let mut statements: Vec<Expected> = vec![
        (load::lock(backend, &keys, false), WALLETS),
        (load::lock(backend, &keys, true), WALLETS),
        (load::wallet_rows(backend, &keys), WALLETS),
        (load::profiles(backend, &keys), &[PROFILES]),
        (load::open_grants(backend, &keys), &["grants_open: bucket, CASE"]),
        (load::grants_by_origin(backend, &[(key, origin)]), GRANTS_OF_ORIGIN),
        (
            load::grants_by_payment(backend, &[(key, payment)]),
            &["grants_payment: bucket, wallet_key, payment"],
        ),
        (
            load::grants_by_purchase(backend, &[(key, purchase)]),
            &["grants_purchase: bucket, wallet_key, purchase"],
        ),
        (
            load::grants_by_paid_period(backend, &[(key, Timestamp::from_micros(1))]),
            &["grants_purchase: bucket, wallet_key, purchase"],
        ),
        (load::grants_of_period(backend, &[(key, 1)]), &["grants_pkey: bucket, wallet_key, origin"]),
        (load::reservations_by_id(backend, &[(key, job)]), &[RESERVATION]),
        (
            load::reservations_due(backend, &[(key, Timestamp::from_micros(1), None)], 17),
            &[HOLDS_DUE, RESERVATION],
        ),
        (load::next_sweeps(backend, &[(key, Timestamp::from_micros(1), None)]), &[HOLDS_DUE]),
        (load::requests(backend, &[(key, request)]), &["entries_request: bucket, wallet_key, request_id"]),
    ];
    for (rows, found) in DUE {
        statements.push((due::page(backend, rows, 0..64, Timestamp::from_micros(1), None, 17), found));
    }
    statements.extend(writes(backend, wallet));
    statements.extend(feed_statements(backend));
    statements
}

/// Returns the writes of one changed wallet: one statement on PostgreSQL, also as one that locks, and one per table on
/// SQLite.
fn writes(backend: Backend, wallet: Wallet) -> Vec<Expected> {
    let changes = ChangeSet {
        grants: wallet.grants.keys().cloned().collect(),
        reservations: wallet.reservations.keys().cloned().collect(),
        profile: true,
        raises_version: true,
    };
    let stored = StoredRows {
        version: 1,
        grants: changes.grants.iter().cloned().collect::<BTreeSet<GrantKey>>(),
        reservations: changes.reservations.clone(),
        holds: wallet.reservations.keys().map(|id| (id.clone(), Timestamp::EPOCH)).collect(),
    };
    let loaded =
        LoadedWallet { tenant: TenantId::DEFAULT, wallet, stored, complete_before: Timestamp::NEVER };
    let finished = Finished { now: Timestamp::from_micros(1), entries: Vec::new(), changes };
    let written = [WalletWrite { loaded: &loaded, finished: &finished }];
    let writes = write(backend, &written).into_iter().map(|write| write.statement);
    const UPDATES: &[&str] = &[
        "wallets_pkey: bucket, wallet_key",
        "wallet_profiles_pkey: bucket, wallet_key",
        "grants_pkey: bucket, wallet_key, origin, origin_id, n",
        RESERVATION,
        "holds_pkey: bucket, wallet_key, sweep_at, reservation_id",
    ];
    match backend {
        Backend::Postgres => {
            const LOCK_AND_UPDATES: &[&str] =
                &[WALLETS[0], UPDATES[0], UPDATES[1], UPDATES[2], UPDATES[3], UPDATES[4]];
            let mut statements: Vec<Expected> = writes.map(|write| (write, UPDATES)).collect();
            statements.push((write_at_versions(&written).for_sea_orm(), LOCK_AND_UPDATES));
            statements
        }
        Backend::Sqlite => writes.zip(UPDATES.chunks(1)).collect(),
    }
}

/// Returns a wallet with a grant and an open reservation.
fn wallet() -> Wallet {
    let id = WalletId::parse("w").unwrap();
    let mut wallet = Wallet::blank(WalletKey::new(TenantId::DEFAULT, &id), id);
    let catalog = Catalog::parse(crate::config::BUNDLED_CATALOG).unwrap().with_version(1);
    let catalogs = Catalogs::of(Arc::new(catalog));
    let mut work = UnitOfWork::open(&mut wallet, Timestamp::from_micros(1));
    let credits = UnitId::parse("credits").unwrap();
    let top_up = TopUp {
        id: OriginId::parse("t").unwrap(),
        purchase: Purchase::Amount(credits.clone(), 10),
        external_ref: None,
        line: None,
        paid_amount: None,
        paid_time: None,
        labels: BTreeMap::new(),
    };
    let amounts = Amounts::of(&credits, 5);
    let price = ExplicitPrice { amounts, max_amounts: Amounts::none(), operation: None };
    let reserve = Reserve {
        id: ReservationId::parse("job").unwrap(),
        price: PriceSource::Explicit(price),
        limits: Amounts::none(),
        ttl: None,
        start: None,
        actor: None,
        labels: Default::default(),
    };
    let commands =
        [Command::CreateWallet(CreateWallet::default()), Command::TopUp(top_up), Command::Reserve(reserve)];
    for command in commands {
        assert!(work.execute(&command, &catalogs).unwrap().result.is_ok());
    }
    wallet
}
