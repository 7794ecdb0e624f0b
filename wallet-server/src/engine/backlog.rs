//! The backlog of a lane: wallets in which more is due than one transaction processes, and the commands that wait
//! until such a wallet is up to date.
//!
//! Between two batches the lane processes one step of the wallets whose turn it is, so all other wallets wait for
//! at most one step. A command of the backlog is decided in the transaction of the step that brings its wallet up
//! to date, and the commands of a wallet keep their order.

use std::collections::{BTreeMap, VecDeque};

use wallet_core::{Command, WalletKey};

use crate::engine::queued_command::QueuedCommand;

/// The most wallets of the backlog that have their turn together.
const TURNS: usize = 8;

/// The most due events of a wallet that one transaction processes. Events of the same instant are never separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    /// The bound for all wallets of the transaction together.
    pub(crate) together: usize,
    /// The least bound for each wallet, in a batch of any size.
    pub(crate) each: usize,
}

impl Default for Steps {
    fn default() -> Self {
        Self { together: 128, each: 16 }
    }
}

impl Steps {
    /// Returns the bound for each wallet in a batch of this many wallets.
    pub(super) fn of(self, wallets: usize) -> usize {
        (self.together / wallets.max(1)).max(self.each)
    }
}

/// The wallets that are not up to date, in the order of their turns, each with the commands that wait for it.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    turns: VecDeque<WalletKey>,
    commands: BTreeMap<WalletKey, VecDeque<QueuedCommand>>,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Adds the commands whose wallets are in the backlog already, and returns the others.
    pub(super) fn hold_back(&mut self, commands: Vec<QueuedCommand>) -> Vec<QueuedCommand> {
        let (waiting, others): (Vec<QueuedCommand>, Vec<QueuedCommand>) =
            commands.into_iter().partition(|queued| self.commands.contains_key(&queued.key));
        self.add(waiting);
        others
    }

    /// Adds commands after those that wait for the same wallet already. A new wallet has its turn last.
    pub(super) fn add(&mut self, commands: Vec<QueuedCommand>) {
        for queued in commands {
            let key = queued.key;
            let waiting = self.commands.entry(key).or_default();
            if waiting.is_empty() {
                self.turns.push_back(key);
            }
            waiting.push_back(queued);
        }
    }

    /// Removes the wallets whose turn it is, and returns all their commands.
    pub(super) fn take_turns(&mut self) -> Vec<QueuedCommand> {
        let turns = self.turns.drain(..self.turns.len().min(TURNS));
        turns.filter_map(|key| self.commands.remove(&key)).flatten().collect()
    }

    /// Drops the sweeper's `ProcessDue` commands. The next server finds what is due.
    pub(super) fn drop_process_due(&mut self) {
        for commands in self.commands.values_mut() {
            commands.retain(|queued| !matches!(queued.command, Command::ProcessDue(_)));
        }
        self.commands.retain(|_, commands| !commands.is_empty());
        self.turns.retain(|key| self.commands.contains_key(key));
    }
}
