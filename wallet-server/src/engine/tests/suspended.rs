//! A machine that serves a SQLite file is suspended, and then wakes up.

use std::time::Duration;

use wallet_core::decide::ProcessDue;
use wallet_core::entry::EntryKind;
use wallet_core::{Command, WalletId};

use super::due::{create, grant, id, key, reserve};
use super::{Database, queued_with_answers, run};
use crate::clock::{Clock, Settling};
use crate::config::BUNDLED_CATALOG;
use crate::engine::EngineError;
use crate::memory_log::MemoryLog;
use crate::reference_clock::watch;

/// Longer than the time to live of the hold.
const SUSPENDED: Duration = Duration::from_secs(20 * 60);

#[tokio::test]
async fn after_a_suspend_the_system_clock_is_followed_and_what_is_due_is_logged() {
    let database = Database::sqlite();
    let clock = Clock::suspended(SUSPENDED, Settling { readings: 2, span: Duration::ZERO });
    let (mut lane, before) = (database.lane(&clock, BUNDLED_CATALOG).await, clock.now());
    let wallet: WalletId = id("w");
    let brief = Some(before.plus(SUSPENDED / 2));
    let commands = [create(), grant("long", 9, None), grant("brief", 9, brief), reserve("job", 1)];
    run(&mut lane, &commands.map(|command| (wallet.clone(), command))).await;

    let (log, _logging) = MemoryLog::of_this_thread();
    let store = lane.runner.store.clone();
    let due = "1 grants with credits left expire, 0 periods of subscriptions and 1 holds end";
    watch(&store, &clock).await;
    assert!(!clock.is_trusted() && clock.now() < before.plus(SUSPENDED / 2), "one reading changes nothing");
    let [jumped] = &log.lines("the reference clock jumped")[..] else { panic!("{}", log.text()) };
    assert_eq!((&jumped["level"], &jumped["fields"]["due"]), (&"ERROR".into(), &due.into()), "{jumped}");
    let committed = lane.runner.metrics.counts().batches;
    let (refused, answers) = queued_with_answers(&[(wallet.clone(), Command::from(ProcessDue))]);
    lane.runner.answer(refused).await;
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap_err(), EngineError::ClockInDoubt);
    }
    assert_eq!(lane.runner.metrics.counts().batches, committed, "nothing was committed");

    watch(&store, &clock).await;
    assert!(clock.is_trusted() && clock.now() >= before.plus(SUSPENDED), "the readings agree");
    let [followed] = &log.lines("followed a jump of the reference clock")[..] else {
        panic!("{}", log.text())
    };
    assert_eq!((&followed["level"], &followed["fields"]["due"]), (&"WARN".into(), &due.into()), "{followed}");
    run(&mut lane, &[(wallet.clone(), ProcessDue.into())]).await;
    let entries = store.snapshot().await.unwrap().entries(key(&wallet), 4, None, 9).await.unwrap();
    let kinds: Vec<EntryKind> = entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::GrantExpired, EntryKind::HoldExpired]);
    database.verify().await;
}
