//! Batches of one statement (PostgreSQL): when the lane runs them, and that no decision is answered before the database
//! has confirmed its versions. `traces` and `order` show that they decide the same as batches with locks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::ConnectionTrait;
use serde_json::Value;
use wallet_core::{Command, TenantId, Timestamp, UnitOfWork, WalletId, WalletKey};

use super::cancelled::{Kind, World, command, wallet};
use super::{Database, queued, run};
use crate::engine::lane::Lane;
use crate::engine::{EngineConfig, EngineError};
use crate::memory_log::MemoryLog;
use crate::store::failpoints::armed::HANG_AT;
use crate::store::{Optimistic, ReadPlan, Tx, WalletCache, WalletWrite, tamper};

/// A world whose lane keeps wallets in memory.
async fn world(database: &Database) -> World {
    let mut world = World::open(database).await;
    world.lane.runner.cache = WalletCache::new(1_000);
    world
}

/// Runs one command, and returns the number of calls to the database.
async fn calls(lane: &mut Lane, kind: Kind, round: &str) -> i64 {
    let passed = Arc::new(AtomicI64::new(i64::MAX));
    let batch = [(wallet(kind, round), command(kind))];
    HANG_AT.scope(passed.clone(), run(lane, &batch)).await;
    (i64::MAX - passed.load(Ordering::Relaxed)) / 2
}

#[tokio::test]
async fn commands_on_wallets_in_memory_are_one_call_to_the_database() {
    let database = Database::postgres();
    let mut world = world(&database).await;
    for kind in [Kind::Reserve, Kind::Start, Kind::Extend, Kind::Settle, Kind::Cancel] {
        world.prepare(kind, "one").await;
        assert_eq!(calls(&mut world.lane, kind, "one").await, 1, "{kind:?}");
        // The row of a job that has ended is not in memory any more.
        let again = if matches!(kind, Kind::Settle | Kind::Cancel) { 2 } else { 1 };
        assert_eq!(calls(&mut world.lane, kind, "one").await, again, "{kind:?} again");
    }
    // A refusal is believed only after a look at the database.
    world.prepare(Kind::Refused, "one").await;
    world.lane.runner.locked_batches = 0;
    assert_eq!(calls(&mut world.lane, Kind::Refused, "one").await, 2);
    database.verify().await;
}

#[tokio::test]
async fn a_wallet_that_another_server_has_written_is_read_again() {
    let database = Database::postgres();
    let (mut here, mut there) = (world(&database).await, world(&database).await);
    for (round, kind) in [Kind::Reserve, Kind::Settle, Kind::Refused].into_iter().enumerate() {
        let round = format!("elsewhere-{round}");
        here.prepare(kind, &round).await;
        here.lane.runner.locked_batches = 0;
        let enough = (wallet(kind, &round), command(Kind::TopUp));
        let elsewhere = run(&mut there.lane, &[enough]).await;
        let before = here.lane.runner.metrics.counts().optimistic_batches;
        let reply = run(&mut here.lane, &[(wallet(kind, &round), command(kind))]).await.remove(0);
        assert!(reply.version >= elsewhere[0].version, "{kind:?}: {reply:?}");
        assert_eq!(
            here.lane.runner.metrics.counts().optimistic_batches,
            before,
            "{kind:?} was decided on an old version"
        );
        assert!(here.lane.runner.locked_batches > 0, "the next batches expect the other server");
    }
    database.verify().await;
}

/// The wallet of memory counts no open job, and the job that another server reserved is read.
#[tokio::test]
async fn a_row_that_contradicts_an_old_wallet_of_memory_freezes_nothing() {
    let database = Database::postgres();
    let (mut here, mut there) = (world(&database).await, world(&database).await);
    here.prepare(Kind::Reserve, "reserved-elsewhere").await;
    let id = wallet(Kind::Reserve, "reserved-elsewhere");
    run(&mut there.lane, &[(id.clone(), command(Kind::Reserve))]).await.remove(0).result.unwrap();

    here.lane.runner.locked_batches = 0;
    let (log, _logging) = MemoryLog::of_this_thread();
    run(&mut here.lane, &[(id, command(Kind::Start))]).await.remove(0).result.unwrap();
    assert_eq!(log.lines("a wallet is frozen"), [Value::Null; 0]);
    assert!(here.lane.runner.locked_batches > 0, "the batch was not tried without locks");
    database.verify().await;
}

#[tokio::test]
async fn an_answer_comes_after_the_commit() {
    let database = Database::postgres();
    let mut world = world(&database).await;
    world.prepare(Kind::Settle, "late").await;
    // The rows are accepted, and the commit fails.
    for sql in [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION refuse()",
    ] {
        world.lane.runner.connection.raw().execute_unprepared(sql).await.unwrap();
    }
    let batch = [(wallet(Kind::Settle, "late"), command(Kind::Settle))];
    assert!(world.lane.runner.run_batch(&queued(&batch), false).await.is_err());
    world.lane.runner.connection.raw().execute_unprepared("DROP TRIGGER refuse ON entries").await.unwrap();
    let reply = run(&mut world.lane, &batch).await.remove(0);
    assert!(!reply.result.unwrap().replayed, "the refused commit left nothing");
    database.verify().await;
}

#[tokio::test]
async fn nothing_is_written_if_a_row_to_change_is_gone() {
    let database = Database::postgres();
    let mut world = world(&database).await;
    world.prepare(Kind::Settle, "gone").await;
    let id = wallet(Kind::Settle, "gone");
    let grant = format!("wallet_key = '{}'", WalletKey::new(TenantId::DEFAULT, &id).uuid());
    // The version of the wallet stays, so the one in memory counts as the stored one.
    let hide = format!("UPDATE grants SET n = n + 1 WHERE {grant}");
    tamper(world.lane.runner.connection.raw(), &hide).await;
    let batch = [(id, command(Kind::Settle))];
    let before = world.lane.runner.metrics.counts().optimistic_batches;
    assert!(world.lane.runner.run_batch(&queued(&batch), false).await.is_err());
    assert_eq!(world.lane.runner.metrics.counts().optimistic_batches, before);

    let show = format!("UPDATE grants SET n = n - 1 WHERE {grant}");
    tamper(world.lane.runner.connection.raw(), &show).await;
    let reply = run(&mut world.lane, &batch).await.remove(0);
    assert!(!reply.result.unwrap().replayed, "the refused statement left nothing");
    database.verify().await;
}

/// A statement that the database has not answered may reach it after all later ones.
#[tokio::test]
async fn a_statement_that_was_given_up_is_not_carried_out_after_later_decisions() {
    let database = Database::postgres();
    let mut world = world(&database).await;
    world.prepare(Kind::Reserve, "slow").await;
    let id = wallet(Kind::Reserve, "slow");
    let key = WalletKey::new(TenantId::DEFAULT, &id);

    let slow = world.lane.runner.store.lane().await.unwrap();
    let slow = Optimistic::new(&slow, EngineConfig::default().database_timeout);
    let (rows, mut loaded) = (slow.wallets(&[key]).await.unwrap(), BTreeMap::new());
    let mut plan = ReadPlan::new(1);
    plan.wallets.push((key, Timestamp::EPOCH));
    slow.load(&rows, &plan, &mut loaded).await.unwrap();
    let finished = {
        let batch = queued(&[(id.clone(), command(Kind::Reserve))]);
        let catalogs = world.lane.runner.catalogs_for(&batch, &loaded).await.unwrap();
        let mut work =
            UnitOfWork::open(&mut loaded.get_mut(&key).unwrap().wallet, world.lane.runner.clock.now());
        work.execute(&command(Kind::Reserve), &catalogs[&TenantId::DEFAULT]).unwrap();
        work.finish()
    };
    world.lane.runner.unanswered = BTreeSet::from([key]);

    let refused = run(&mut world.lane, &[(id.clone(), command(Kind::Refused))]).await.remove(0);
    assert!(refused.result.is_err());
    assert!(world.lane.runner.unanswered.is_empty());
    let written = slow.write(&[WalletWrite { loaded: &loaded[&key], finished: &finished }]).await.unwrap();
    assert!(!written, "a caller was told that nothing is held");
    database.verify().await;
}

#[tokio::test]
async fn a_statement_that_was_given_up_stays_known_while_others_hold_its_wallet() {
    let database = Database::postgres();
    let mut world = world(&database).await;
    world.prepare(Kind::Reserve, "held").await;
    let id = wallet(Kind::Reserve, "held");
    let key = WalletKey::new(TenantId::DEFAULT, &id);
    let store = &world.lane.runner.store;
    let other = store.lane().await.unwrap();
    let holder = Tx::begin(&other, store.backend(), EngineConfig::default().database_timeout).await.unwrap();
    holder.lock(&[key], false).await.unwrap();

    world.lane.runner.unanswered = BTreeSet::from([key]);
    let batch = [(id, command(Kind::Refused))];
    let answers = world.lane.runner.run_batch(&queued(&batch), true).await.unwrap();
    assert!(matches!(answers[..], [Some(Err(EngineError::Unavailable))]), "the wallet is locked");
    assert_eq!(world.lane.runner.unanswered, BTreeSet::from([key]), "its version was not raised");
    drop(holder);
    run(&mut world.lane, &batch).await;
    assert!(world.lane.runner.unanswered.is_empty());
}

#[tokio::test]
async fn wallets_that_do_not_exist_are_created_and_refused_as_with_locks() {
    let database = Database::postgres();
    let mut world = world(&database).await;
    let ids: [WalletId; 2] = ["ann".parse().unwrap(), "ben".parse().unwrap()];
    let missing: Vec<(WalletId, Command)> =
        ids.iter().map(|id| (id.clone(), command(Kind::Reserve))).collect();
    for reply in run(&mut world.lane, &missing).await {
        assert!(reply.result.is_err());
    }
    let before = world.lane.runner.metrics.counts().optimistic_batches;
    world.prepare(Kind::Reserve, "new").await;
    assert!(world.lane.runner.metrics.counts().optimistic_batches > before, "a creation needs no lock");
    database.verify().await;
}
