//! The drill of `docs/operations.md`: a PostgreSQL is restored to the moment before a mistake, from a base backup that
//! was made under load and from archived WAL.

use std::fs;
use std::net::SocketAddr;

use sea_orm::{ConnectionTrait, Statement};
use wallet_client::v1;

use super::operations::{DOCUMENT, blocks};
use crate::harness::{Database, Postgres, Server, credits, eventually, free_port, video};
use crate::shorthand::credits_of;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_is_restored_to_the_moment_before_a_mistake_when_pasted() {
    let cluster = Postgres::archiving();
    let folder = cluster.folder();
    let here = |text: &str| {
        text.replace("/var/backups", &format!("{folder}/backups"))
            .replace("/var/lib/postgresql", &format!("{folder}/lib"))
    };
    cluster.shell("mkdir -p backups/base backups/wal lib", &[]);
    cluster.set("archive_command", &here(setting("archive_command")));
    let server = Server::start(Database::on(&cluster)).await;
    let database = server.database.clone();
    let client = server.wallet("w", 1_000).await;

    // Jobs go on while the base backup is made.
    let load = tokio::spawn({
        let client = client.clone();
        async move {
            for n in 0..300 {
                let job = format!("job-{n}");
                let held = client.reserve(v1::ReserveRequest::new("w", &job, video("5"))).await.unwrap();
                assert!(!held.replayed);
                client
                    .settle(v1::SettleRequest::failed("w", &job, v1::Failure::new("CUDA_OOM", "")))
                    .await
                    .unwrap();
            }
        }
    });
    let [backup] = blocks("pg_basebackup")[..] else { panic!("one block") };
    let backup = here(backup);
    tokio::task::block_in_place(|| cluster.shell(&backup, &[("WALLET_DATABASE_URL", &database.url)]));
    load.await.unwrap();
    let mut bases = fs::read_dir(format!("{folder}/backups/base")).unwrap();
    let base = bases.next().expect("a base backup, named after its day").unwrap().path();

    let before = server.verify().await;
    let moment = moment(&database).await;
    client.top_up(v1::TopUpRequest::amount("w", "mistake", credits(5_000))).await.unwrap();
    archive(&cluster, &database).await;
    drop((client, server));
    cluster.stop_at_once();

    let [restore] = blocks("recovery_target_time")[..] else { panic!("one block") };
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let stop =
        Stop { cluster: &cluster, script: format!("pg_ctl stop -m immediate -D {folder}/lib/restored") };
    let (base, port) = (base.display().to_string(), address.port().to_string());
    cluster.shell(&here(restore), &[("BASE", &base), ("MOMENT", &moment), ("PGPORT", &port)]);
    let restored = database.by_way_of(address);
    // pg_ctl returns a little earlier.
    eventually("the recovery ends", async || {
        let recovers = text(&restored, "SELECT pg_is_in_recovery()::text").await;
        if recovers == "false" { Ok(()) } else { Err(recovers) }
    })
    .await;
    let after = wallet_server::verify(&restored.url).await.unwrap();
    assert!(after.is_clean(), "{after:?}");
    assert_eq!((after.entries, after.digest), (before.entries, before.digest));
    let server = Server::start(restored).await;
    let client = server.client().await;
    assert_eq!(credits_of(&client, "w").await.0, 1_000);
    client.reserve(v1::ReserveRequest::new("w", "later", video("5"))).await.unwrap();
    assert!(server.verify().await.is_clean());
    drop((client, server, stop));
}

/// Ends the restored server, which the cluster does not know.
struct Stop<'a> {
    cluster: &'a Postgres,
    script: String,
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.cluster.shell(&self.script, &[]);
    }
}

/// A setting of PostgreSQL that the document gives.
fn setting(name: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n{name} = '")).expect(name);
    rest.split_once("'\n").expect("its end").0
}

/// The time of the database, after all commits so far and before all later ones.
async fn moment(database: &Database) -> String {
    text(database, "SELECT clock_timestamp()::text").await
}

/// Waits until the WAL so far is in the archive.
async fn archive(cluster: &Postgres, database: &Database) {
    let last = text(database, "SELECT pg_walfile_name(pg_current_wal_lsn())").await;
    cluster.sql("SELECT pg_switch_wal()");
    let archived = "SELECT COALESCE(last_archived_wal, '') FROM pg_stat_archiver";
    eventually("the WAL is archived", async || {
        let archived = text(database, archived).await;
        if archived >= last { Ok(()) } else { Err(archived) }
    })
    .await;
}

/// The text that a statement returns.
async fn text(database: &Database, sql: &str) -> String {
    let connection = database.connect().await;
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().expect("a row");
    row.try_get_by_index(0).unwrap()
}
