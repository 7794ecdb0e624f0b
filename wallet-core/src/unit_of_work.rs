//! A unit of work: one wallet, opened at one instant, with the entries and the changed rows of the work.
//!
//! A [`UnitOfWork`] is the only thing that changes a wallet in memory. It owns the order of the steps (what is due
//! first, then the command), the time of the work, the sealing of entries into the chain, and the set of changed rows.
//! It knows no rule about credits: a command and a due event are decided elsewhere, as data, and carried out here.

use crate::apply::auto_top_up::sync_offer;
use crate::apply::carry_out::carry_out;
use crate::apply::change_set::ChangeSet;
use crate::apply::hints::correct_hints;
use crate::apply::notify::record_notifications;
use crate::apply::plans::{sync_free_credits, sync_plans};
use crate::decide::command::{Command, with_command};
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::{WalletCommand, decide};
use crate::due::event::DueEvent;
use crate::due::queue::DueQueue;
use crate::ledger::entry::Entry;
use crate::ledger::feed::{self, ItemTypes};
use crate::value::author::Author;
use crate::value::time::Timestamp;
use crate::view::reply::{Answer, Reply};
use crate::view::views::View;
use crate::wallet::catalogs::Catalogs;
use crate::wallet::rejection::Rejection;
use crate::wallet::{InvariantViolation, Wallet};

/// One wallet at one instant, and everything that is done to it in one transaction.
///
/// After an error the wallet is half changed: it must be dropped, and nothing of the work may be stored.
#[derive(Debug)]
pub struct UnitOfWork<'a> {
    wallet: &'a mut Wallet,
    now: Timestamp,
    author: Author,
    /// The types of the feed that are recorded.
    types: ItemTypes,
    entries: Vec<Entry>,
    /// The number of entries that have their final content and hash. The others belong to the instant at hand.
    sealed: usize,
    changes: ChangeSet,
}

/// The result of a unit of work, to be stored in one transaction together with the wallet.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The instant of the work.
    pub now: Timestamp,
    /// The entries to append, in order.
    pub entries: Vec<Entry>,
    /// The rows to write.
    pub changes: ChangeSet,
}

impl<'a> UnitOfWork<'a> {
    /// Begins to work on a wallet at the instant `clock`, or at the wallet's last write if that is later: time never
    /// runs backwards within a wallet.
    pub fn open(wallet: &'a mut Wallet, clock: Timestamp) -> Self {
        let now = wallet.decision_time(clock);
        let (author, types) = (Author::system(), ItemTypes::default());
        Self { wallet, now, author, types, entries: Vec::new(), sealed: 0, changes: ChangeSet::default() }
    }

    /// Sets the types of the feed that are recorded in the entries that follow.
    pub const fn record(&mut self, types: ItemTypes) {
        self.types = types;
    }

    /// Sets the author of the commands that follow. The author of due events is always the system.
    pub fn act_for(&mut self, author: Author) {
        self.author = author;
    }

    /// Returns the instant of the work.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the wallet as the work has left it so far.
    pub const fn wallet(&self) -> &Wallet {
        self.wallet
    }

    /// Runs one command: first what is due, which is kept even if the command is then rejected, then the decision.
    ///
    /// # Errors
    ///
    /// A decision does not fit the wallet, or not all that is due was loaded.
    pub fn execute(&mut self, command: &Command, catalogs: &Catalogs) -> Result<Reply, InvariantViolation> {
        let reply = self.execute_within(usize::MAX, command, catalogs)?;
        reply.ok_or_else(|| InvariantViolation {
            wallet: self.wallet.id.clone(),
            what: "not all that is due was loaded".to_owned(),
        })
    }

    /// Runs one command like [`UnitOfWork::execute`], but carries out at most `most` due events, as
    /// [`UnitOfWork::process_due_within`] does. Returns no reply if more is due: nothing was decided.
    ///
    /// # Errors
    ///
    /// A decision does not fit the wallet.
    pub fn execute_within(
        &mut self,
        most: usize,
        command: &Command,
        catalogs: &Catalogs,
    ) -> Result<Option<Reply>, InvariantViolation> {
        let is_up_to_date = self.process_due_within(most)?;
        // A step makes progress even if heartbeats have outrun all holds that it met.
        if !is_up_to_date || matches!(command, Command::ProcessDue(_)) {
            correct_hints(self.wallet, self.now, &mut self.changes);
        }
        if !is_up_to_date {
            return Ok(None);
        }
        let result = with_command!(command, command => self.decide_and_carry_out(command, catalogs))?;
        let (revision, version) = (self.wallet.revision, self.wallet.version);
        Ok(Some(Reply { result, revision, version, decided_at: self.now }))
    }

    /// Carries out everything that is due and loaded. Returns whether nothing more is due.
    ///
    /// # Errors
    ///
    /// A decision does not fit the wallet.
    pub fn process_due(&mut self) -> Result<bool, InvariantViolation> {
        self.process_due_within(usize::MAX)
    }

    /// Carries out the first `most` (at least one) due events, and the other events of the last one's instant. Stops at
    /// the wallet's horizon. Returns whether nothing more is due: always true for a frozen wallet, in which nothing
    /// falls due.
    ///
    /// Notifications about balances are made after each hold that expires, which can only raise a balance, and
    /// otherwise at the end of an instant: credits of a period that expire when the next ones are granted need no
    /// notification. So the work can stop after any hold and at the end of any instant, and continue later: the entries
    /// are the same for steps of any size.
    ///
    /// # Errors
    ///
    /// A decision does not fit the wallet.
    pub fn process_due_within(&mut self, most: usize) -> Result<bool, InvariantViolation> {
        let mut queue = DueQueue::of(self.wallet, self.now);
        let before = self.entries.len();
        let mut open_instant = None;
        while let Some((at, event)) = self.next_due(&mut queue, open_instant) {
            let is_between_instants = self.sealed == self.entries.len();
            if is_between_instants && self.entries.len() - before >= most.max(1) {
                return Ok(false);
            }
            queue.pop_first();
            let Some(decision) = event.decide(self.wallet, at) else { continue };
            open_instant = (!matches!(event, DueEvent::HoldExpiry(_))).then_some(at);
            let mut changes = ChangeSet::default();
            changes.record(&decision);
            self.apply(decision, &Author::system())?;
            queue.add_changed(self.wallet, changes.grants.iter(), changes.profile);
            self.changes.add(changes);
        }
        Ok(queue.is_complete())
    }

    /// Returns the next due event. Seals the entries before it, unless it belongs to the instant that is open: the
    /// profile then contains their notifications.
    fn next_due(
        &mut self,
        queue: &mut DueQueue,
        open_instant: Option<Timestamp>,
    ) -> Option<(Timestamp, DueEvent)> {
        let next = queue.first(self.wallet);
        if open_instant.is_some() && next.as_ref().map(|(at, _)| *at) == open_instant {
            return next;
        }
        if !self.seal(false) {
            return next;
        }
        queue.add_auto_top_up(self.wallet);
        queue.first(self.wallet)
    }

    /// Raises the version of an existing wallet if the work has not changed it. Decisions that were made at its earlier
    /// version can then no longer be written.
    pub const fn raise_version(&mut self) {
        if self.wallet.exists() && !self.changes.raises_version {
            self.wallet.version += 1;
            self.changes.raises_version = true;
        }
    }

    /// Freezes the wallet until an operator unfreezes it: no command is carried out and nothing falls due, but the
    /// wallet can be read.
    pub fn freeze(&mut self) {
        self.wallet.frozen = true;
        self.wallet.version += 1;
        self.changes.raises_version = true;
    }

    /// Ends the work and returns its result.
    pub fn finish(self) -> Finished {
        Finished { now: self.now, entries: self.entries, changes: self.changes }
    }

    /// Decides a command on the wallet, in which nothing is due, carries out the decision, and builds the view of the
    /// wallet after it.
    fn decide_and_carry_out<C: WalletCommand>(
        &mut self,
        command: &C,
        catalogs: &Catalogs,
    ) -> Result<Result<Answer, Rejection>, InvariantViolation> {
        let context = Context { now: self.now, catalogs };
        let Verdict { decision, subject, replayed } = match decide(command, self.wallet, &context) {
            Ok(verdict) => verdict,
            Err(rejection) => return Ok(Err(rejection)),
        };
        if let Some(decision) = decision {
            self.carry_out(decision, catalogs)?;
        }
        let shown = C::View::of(self.wallet, catalogs, subject)?.into();
        Ok(Ok(Answer { shown, replayed }))
    }

    /// Carries out the decision of a command. If it makes an entry, also updates the wallet's copies of catalog terms.
    fn carry_out(&mut self, decision: Decision, catalogs: &Catalogs) -> Result<(), InvariantViolation> {
        self.changes.record(&decision);
        let author = self.author.clone();
        self.apply(decision, &author)?;
        if self.sealed < self.entries.len() {
            let plans = sync_plans(&mut self.wallet.profile, &catalogs.current)
                | sync_offer(&mut self.wallet.profile, &catalogs.current);
            let free = sync_free_credits(self.wallet, &catalogs.current, self.now);
            self.seal(plans || free);
        }
        Ok(())
    }

    fn apply(&mut self, decision: Decision, author: &Author) -> Result<(), InvariantViolation> {
        self.entries.extend(carry_out(self.wallet, decision, self.now, author)?);
        Ok(())
    }

    /// Ends the instant at hand: adds the notifications to the last of its entries, selects the items for the
    /// feed, and hashes the entries in order. `profile_changed` is true if the profile has changed since the entries
    /// were made. Returns whether it has, or whether the notifications change it.
    fn seal(&mut self, profile_changed: bool) -> bool {
        let unsealed = &mut self.entries[self.sealed..];
        let changed = record_notifications(self.wallet, unsealed, profile_changed);
        self.changes.profile |= changed;
        for entry in unsealed {
            entry.in_feed = feed::in_feed(entry, self.types);
            entry.hash = entry.hash_after(&self.wallet.head);
            self.wallet.head = entry.hash;
        }
        self.sealed = self.entries.len();
        changed
    }
}
