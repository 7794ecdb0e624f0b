//! Tables in the states that have misled planners.

use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::store::Backend;

/// Number of wallets besides the one with many rows.
const WALLETS: i64 = 5_000;

/// A change of the tables. All plans must be the same before and after it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Leaves the tables without rows.
    Empty,
    /// Updates the statistics.
    Analyse,
    /// Adds wallets without any activity.
    Wallets,
    /// Adds this many open holds to one wallet.
    OpenInOne(i64),
    /// Adds this many open holds, spread over all wallets.
    OpenInAll(i64),
    /// Closes all holds and grants but a few; their indexes stay as large as before.
    Closed,
    /// Adds this many finished jobs to one wallet.
    ClosedInOne(i64),
}
use Step::{Analyse, Closed, ClosedInOne, Empty, OpenInAll, OpenInOne, Wallets};

/// A database that was never analysed.
pub(super) const NEVER_ANALYSED: &[Step] = &[Empty, Wallets, OpenInOne(20_000), ClosedInOne(100_000)];

/// Statistics of every age.
pub(super) const ANALYSED: &[Step] = &[
    Analyse,
    Wallets,
    Analyse,
    OpenInAll(20_000),
    Analyse,
    OpenInOne(20_000),
    Analyse,
    Closed,
    Analyse,
    ClosedInOne(100_000),
    Analyse,
];

/// Performs a step.
pub(super) async fn take(lane: &DatabaseConnection, backend: Backend, step: Step) {
    let run = async |sql: &str| {
        lane.execute_unprepared(sql).await.unwrap();
    };
    match step {
        Empty => {}
        Analyse if backend == Backend::Postgres => run("VACUUM ANALYZE").await,
        Analyse => run("ANALYZE").await,
        Wallets => {
            let rows = Rows { backend, count: WALLETS, wallet: "n", first: 0 };
            let zeros = rows.zeros();
            let wallets = "status, frozen, version, revision, last_time, open_reservations, head, balances";
            run(&rows.insert("wallets", wallets, &format!("1, false, 1, 1, 1, 0, {zeros}, {zeros}"))).await;
            let profile = format!("{}, 'w' || n, 1, '{{}}', 2", rows.key("n"));
            run(&rows.insert(
                "wallet_profiles",
                "tenant, wallet_id, create_time, profile, next_time",
                &profile,
            ))
            .await;
        }
        OpenInOne(count) => fill(lane, Rows { backend, count, wallet: "7", first: 1_000_000 }, true).await,
        OpenInAll(count) => {
            fill(lane, Rows { backend, count, wallet: "(n % 5000)", first: 0 }, true).await;
        }
        Closed => {
            run("UPDATE reservations SET state = 3, finish_revision = 2
                 WHERE state = 1 AND reservation_id NOT LIKE '%0000'")
            .await;
            run("DELETE FROM holds WHERE reservation_id NOT LIKE '%0000'").await;
            run("UPDATE grants SET available = 0, consumed = 1, open = false
                 WHERE open AND origin_id NOT LIKE '%0000'")
            .await;
        }
        ClosedInOne(count) => fill(lane, Rows { backend, count, wallet: "8", first: 2_000_000 }, false).await,
    }
}

/// Inserts jobs, and a tenth as many grants and entries.
async fn fill(lane: &DatabaseConnection, rows: Rows, open: bool) {
    let first = rows.first;
    let zeros = rows.zeros();
    let (state, revision) = if open { (1, 0) } else { (3, 2) };
    let job = format!(
        "'job' || (n + {first}), n, 1, {state}, 9, 9, 0, '', 0, 0, {zeros}, 0, {revision}, {zeros}, {zeros}, {zeros}, {zeros}"
    );
    let columns = "reservation_id, reserve_time, revision, state, deadline, sweep_at, attempt, worker, lease, start_time,
                   allocations, finish_time, finish_revision, finalizer, bill, fingerprint, terms";
    let (available, consumed) = if open { (1, 0) } else { (0, 1) };
    let grant = format!(
        "1, 't' || (n + {first}), 0, 'credits', 5, 0, 1, 2, 2, 1, 1, 0, {available}, 0, {consumed}, 0, 0, 0, 0, {open}, 2,
         'p' || (n + {first}), '', '', '{{}}'"
    );
    let entry = format!(
        "n + {first}, 1, 1, 1, 1, 1, 'job' || (n + {first}), 'r' || (n + {first}), '', 'local', '', '', {zeros}, {zeros}, {zeros}, {zeros}, {zeros}"
    );
    lane.execute_unprepared(&rows.insert("reservations", columns, &job)).await.unwrap();
    if open {
        let hold = format!("9, 'job' || (n + {first})");
        lane.execute_unprepared(&rows.insert("holds", "sweep_at, reservation_id", &hold)).await.unwrap();
    }
    let fewer = Rows { count: rows.count / 10, ..rows };
    let columns = "origin, origin_id, n, unit, source, priority, effective_time, expire_time, warn_time, create_time, amount,
                   pending, available, held, consumed, expired, revoked, paid_out, clawback, open, next_time, payment,
                   line, purchase, details";
    lane.execute_unprepared(&fewer.insert("grants", columns, &grant)).await.unwrap();
    let columns = "revision, format, kind, in_feed, effective_time, record_time, reservation_id, request_id, actor, principal, call_id, reason,
                   fingerprint,
                   row_digests, postings, balances, hash";
    lane.execute_unprepared(&fewer.insert("entries", columns, &entry)).await.unwrap();
}

/// Rows to insert, made from the numbers `n` from 1 to `count`.
#[derive(Clone, Copy)]
struct Rows {
    backend: Backend,
    count: i64,
    /// The SQL of the number of the wallet that row `n` belongs to.
    wallet: &'static str,
    /// Keeps the ids of several insertions apart.
    first: i64,
}

impl Rows {
    fn insert(&self, table: &str, columns: &str, values: &str) -> String {
        let Self { backend, count, wallet, .. } = self;
        let series = match backend {
            Backend::Postgres => format!("generate_series(1, {count}) AS s(n)"),
            Backend::Sqlite => format!(
                "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)"
            ),
        };
        let key = self.key(wallet);
        format!(
            "INSERT INTO {table} (bucket, wallet_key, {columns}) SELECT {wallet} % 64, {key}, {values} FROM {series}"
        )
    }

    fn key(&self, wallet: &str) -> String {
        match self.backend {
            Backend::Postgres => format!("md5(({wallet})::text)::uuid"),
            Backend::Sqlite => format!("unhex(printf('%032x', {wallet}))"),
        }
    }

    fn zeros(&self) -> &'static str {
        match self.backend {
            Backend::Postgres => "decode(repeat('00', 32), 'hex')",
            Backend::Sqlite => "zeroblob(32)",
        }
    }
}
