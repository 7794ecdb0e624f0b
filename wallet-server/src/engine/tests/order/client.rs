//! Clients that send the commands of a story until each is decided.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wallet_core::{Command, Reply, Timestamp, WalletId};
use wallet_workload::Rng;

use super::super::queued_with_answers;
use super::super::traces::Step;
use crate::clock::Clock;
use crate::engine::EngineError;
use crate::engine::queued_command::QueuedCommand;

pub(super) const CLIENTS: usize = 8;
/// Attempts of a client per command before the test fails.
const ATTEMPTS: usize = 50;
/// Percentage of commands whose first attempt comes after its deadline.
const LATE: i64 = 5;

/// A command and its final answer.
pub(super) struct Answered {
    pub(super) command: Command,
    /// The time at which it was sent first.
    pub(super) asked: Timestamp,
    pub(super) reply: Reply,
}

/// Runs all clients: they take commands from one list until none is left, and repeat each until it is decided.
pub(super) async fn run_clients(
    seed: u64,
    steps: Arc<[Step]>,
    doors: &[mpsc::Sender<QueuedCommand>],
    clock: &Clock,
) -> BTreeMap<WalletId, Vec<Answered>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        let (steps, next, clock) = (steps.clone(), next.clone(), clock.clone());
        let door = doors[n % doors.len()].clone();
        let mut rng = Rng::new(seed, 2_000 + n as u64);
        clients.spawn(async move {
            let mut answered = Vec::new();
            while let Some(step) = steps.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = clock.move_to(step.at);
                if rng.percent(LATE) {
                    let passed = send(&door, step, Some(Instant::now())).await;
                    assert_eq!(
                        passed,
                        Err(EngineError::DeadlinePassed),
                        "the deadline of {:?} has passed",
                        step.command
                    );
                }
                let reply = send_until_decided(&door, step).await.without_hint();
                answered
                    .push((step.wallet.clone(), Answered { command: step.command.clone(), asked, reply }));
            }
            answered
        });
    }
    let mut by_wallet: BTreeMap<WalletId, Vec<Answered>> = BTreeMap::new();
    for (wallet, answered) in clients.join_all().await.into_iter().flatten() {
        by_wallet.entry(wallet).or_default().push(answered);
    }
    by_wallet
}

async fn send_until_decided(door: &mpsc::Sender<QueuedCommand>, step: &Step) -> Reply {
    for _ in 0..ATTEMPTS {
        if let Ok(reply) = send(door, step, None).await {
            return reply;
        }
    }
    panic!("{:?} is never decided", step.command);
}

async fn send(
    door: &mpsc::Sender<QueuedCommand>,
    step: &Step,
    deadline: Option<Instant>,
) -> Result<Reply, EngineError> {
    let (mut queued, mut answers) = queued_with_answers(&[(step.wallet.clone(), step.command.clone())]);
    let command = QueuedCommand { deadline, ..queued.remove(0) };
    door.send(command).await.expect("the lane lives");
    answers.remove(0).await.expect("the lane answers")
}
