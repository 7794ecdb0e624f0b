//! Every hot statement goes through an index, on empty tables and on full ones.
//!
//! The plans are asked of real databases over a lane's own connection, with its settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use wallet_core::catalog::Catalog;
use wallet_core::catalogs::Catalogs;
use wallet_core::decide::{CreateWallet, ExplicitPrice, PriceSource, Purchase, Reserve, TopUp};
use wallet_core::grant::{ExternalRef, GrantKey};
use wallet_core::{
    Amounts, Command, Context, OriginId, RequestId, ReservationId, TenantId, Timestamp, Touched, UnitId,
    Wallet, WalletId, WalletKey, execute,
};

use super::{append, load};
use crate::postgres::Postgres;
use crate::store::tx::Was;
use crate::store::{Backend, Loaded, Store, Written};

/// Enough rows that a scan of a table would be a scandal, and that the planner knows it.
const ROWS: i64 = 5_000;

#[tokio::test]
async fn hot_statements_use_indexes_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    check(&format!("sqlite://{}/plans.db", folder.path().display()), "SCAN ").await;
}

#[tokio::test]
async fn hot_statements_use_indexes_on_postgres() {
    check(&Postgres::shared().create_database(), "Seq Scan on ").await;
}

async fn check(url: &str, scan: &str) {
    let store = Store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    let lane = store.lane().await.unwrap();
    for filled in [false, true] {
        if filled {
            fill(&lane, store.backend()).await;
        }
        for statement in statements(store.backend()) {
            let plan = explain(&lane, store.backend(), &statement).await;
            let scans: Vec<&String> = plan
                .iter()
                .filter(|line| line.contains(scan) && !line.contains("json_each") && !line.contains("SCAN d"))
                .filter(|line| !line.contains("SCAN k") && !line.contains("VIRTUAL TABLE"))
                .collect();
            assert!(scans.is_empty(), "filled: {filled}\n{}\n{}", statement.sql, plan.join("\n"));
        }
    }
}

async fn explain(lane: &DatabaseConnection, backend: Backend, statement: &Statement) -> Vec<String> {
    let (prefix, column) = match backend {
        Backend::Postgres => ("EXPLAIN", "QUERY PLAN"),
        Backend::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
    };
    let values = statement.values.clone().map(|values| values.0).unwrap_or_default();
    let explain = Statement::from_sql_and_values(backend.db(), format!("{prefix} {}", statement.sql), values);
    let rows = lane.query_all_raw(explain).await.unwrap();
    rows.iter().map(|row| row.try_get("", column).unwrap()).collect()
}

fn statements(backend: Backend) -> Vec<Statement> {
    let wallet = wallet();
    let key = wallet.key;
    let keys = [key];
    let origin = wallet.grants.keys().next().unwrap().clone();
    let payment = ExternalRef { provider: OriginId::parse("p").unwrap(), id: OriginId::parse("1").unwrap() };
    let mut statements = vec![
        load::lock(backend, &keys, false),
        load::lock(backend, &keys, true),
        load::existing(backend, &keys),
        load::profiles(backend, &keys),
        load::balances(backend, &keys),
        load::open_grants(backend, &keys),
        load::grants_by_origin(backend, &[(key, origin)]),
        load::grants_by_payment(backend, &[(key, payment)]),
        load::grants_by_purchase(backend, &[(key, OriginId::parse("t").unwrap())]),
        load::grants_of_period(backend, &[(key, 1)]),
        load::reservations_by_id(backend, &[(key, ReservationId::parse("job").unwrap())]),
        load::reservations_due(backend, &[(key, 1)]),
        load::requests(backend, &[(key, RequestId::parse("r").unwrap())]),
    ];
    let touched = Touched {
        grants: wallet.grants.keys().cloned().collect(),
        reservations: wallet.reservations.keys().cloned().collect(),
        units: wallet.balances.keys().cloned().collect(),
        profile: true,
        any: true,
    };
    let was = Was {
        version: 1,
        grants: touched.grants.iter().cloned().collect::<BTreeSet<GrantKey>>(),
        reservations: touched.reservations.clone(),
        units: touched.units.clone(),
    };
    let loaded = Loaded { tenant: TenantId::DEFAULT, wallet, was };
    let written = [Written { loaded: &loaded, touched: &touched, entries: &[] }];
    statements.extend(append::write(backend, &written).unwrap().into_iter().map(|write| write.statement));
    statements
}

/// A wallet with a grant and an open reservation.
fn wallet() -> Wallet {
    let id = WalletId::parse("w").unwrap();
    let mut wallet = Wallet::blank(WalletKey::new(TenantId::DEFAULT, &id), id);
    let catalog = Catalog::parse(crate::config::BUNDLED_CATALOG).unwrap().with_version(1);
    let catalogs = Catalogs::of(Arc::new(catalog));
    let context = Context { now: Timestamp::from_micros(1), catalogs: &catalogs };
    let credits = UnitId::parse("credits").unwrap();
    let top_up = TopUp {
        id: OriginId::parse("t").unwrap(),
        purchase: Purchase::Amount(credits.clone(), 10),
        external_ref: None,
        paid_amount: None,
        paid_time: None,
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
        let reply = execute(&mut wallet, &context, &command, &mut Vec::new(), &mut Touched::default());
        assert!(reply.unwrap().result.is_ok());
    }
    wallet
}

/// Other wallets' rows, spread over all buckets.
async fn fill(lane: &DatabaseConnection, backend: Backend) {
    let (series, key, analyze) = match backend {
        Backend::Postgres => (format!("generate_series(1, {ROWS}) AS s(n)"), "md5(n::text)::uuid", "ANALYZE"),
        Backend::Sqlite => (
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {ROWS}) SELECT n FROM s)"
            ),
            "unhex(printf('%032x', n))",
            "ANALYZE",
        ),
    };
    let zeros = match backend {
        Backend::Postgres => "decode(repeat('00', 32), 'hex')",
        Backend::Sqlite => "zeroblob(32)",
    };
    let rows = [
        ("wallets", format!("n % 64, {key}, 1, false, 1, 1, {zeros}, 1, 0")),
        ("wallet_balances", format!("n % 64, {key}, 'credits', 1, 0, 0, 0")),
        ("wallet_profiles", format!("n % 64, {key}, {key}, 'w' || n, 1, '{{}}', 2")),
        (
            "grants",
            format!(
                "n % 64, {key}, 1, 't', 0, 'credits', 5, 0, 1, 2, 2, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, true, 2, '', '', '{{}}'"
            ),
        ),
        (
            "reservations",
            format!(
                "n % 64, {key}, 'j', 1, true, 9, 9, 0, '', 0, 0, '[]', 0, 0, '', '', 1, 1, '', '', '', '{{}}'"
            ),
        ),
        ("events", format!("n % 64, {key}, 1, 0, 1, 'credits', 1, 2, 1, '{{}}'")),
        ("entries", format!("n % 64, {key}, 1, 1, 1, 1, 1, '', '', '', '', '', '', '[]', '[]', {zeros}")),
    ];
    for (table, values) in rows {
        lane.execute_unprepared(&format!("INSERT INTO {table} SELECT {values} FROM {series}")).await.unwrap();
    }
    lane.execute_unprepared(analyze).await.unwrap();
}
