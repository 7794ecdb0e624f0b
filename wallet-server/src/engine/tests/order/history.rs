//! Replays the history of a wallet in one thread, with every reply in the place that its version determines.
//!
//! The answer to a COMMIT may have been lost. The commands of that batch took effect without an answer, and when they
//! were sent again they were replays, or repeated heartbeats. Where the next reply does not fit, such a command comes
//! before it. The ledger shows which one it is, by the time and the hash of its entry. A heartbeat leaves no entry, and
//! is found by trying those that were in progress. Due events may be recorded in several steps. After a lost answer the
//! next batch may raise the version of a wallet that it does not change otherwise.

use std::collections::{BTreeMap, BTreeSet};

use wallet_core::decide::ProcessDue;
use wallet_core::entry::Entry;
use wallet_core::{Command, Reply, Timestamp, UnitOfWork, Wallet};
use wallet_workload::catalogs;

use super::client::Answered;

/// The most lost commands in a row: one per client.
const LOST_TOGETHER: usize = super::client::CLIENTS;

/// The wallet after each of its versions.
pub(super) struct History {
    versions: BTreeMap<i64, Wallet>,
    ledger: Vec<Entry>,
    /// The number of commands that took effect without an answer.
    pub(super) hidden: u64,
}

/// A history replayed in part, and the replies that are left.
#[derive(Clone)]
struct Partly<'a> {
    wallet: Wallet,
    history: BTreeMap<i64, Wallet>,
    left: Vec<&'a Answered>,
    hidden: u64,
    /// Lost commands since the last reply that fitted.
    in_front: usize,
    /// True if the version was raised since then.
    raised: bool,
}

impl History {
    /// Finds the place for every reply, at which the core gives it again.
    pub(super) fn of(blank: Wallet, answered: &[Answered], ledger: Vec<Entry>) -> Self {
        let mut left: Vec<&Answered> = answered.iter().collect();
        left.sort_by_key(|answered| (answered.reply.version, answered.reply.decided_at));
        let instants = answered.iter().map(|answered| answered.asked).collect();
        let search = Search { ledger, instants };
        let history = BTreeMap::from([(blank.version, blank.clone())]);
        let mut open = vec![Partly { wallet: blank, history, left, hidden: 0, in_front: 0, raised: false }];
        let mut stuck = String::new();
        while let Some(partly) = open.pop() {
            let Some(next) = partly.left.first() else {
                if search.is_at_its_end(&partly.wallet) {
                    let (versions, hidden) = (partly.history, partly.hidden);
                    return Self { versions, ledger: search.ledger, hidden };
                }
                continue;
            };
            stuck = format!("{:?} {:?} after {:?}", next.command, next.reply, partly.wallet);
            open.extend(search.continuations(partly));
        }
        panic!("no history gives these replies; the last attempt has no place for {stuck}");
    }

    /// Returns whether the history has this version. It lacks those of heartbeats after the last entry whose replies
    /// were lost: nothing tells of them.
    pub(super) fn has(&self, version: i64) -> bool {
        let (_, before) = self.versions.range(..=version).next_back().unwrap();
        before.version == version || usize::try_from(before.revision).unwrap() < self.ledger.len()
    }

    /// Returns the wallet as it was stored in this version: after a command, or after a part of the events that were
    /// due before it.
    pub(super) fn at(&self, version: i64) -> Wallet {
        let (_, before) = self.versions.range(..=version).next_back().unwrap();
        let mut wallet = before.clone();
        if wallet.version < version {
            let now = self.ledger[usize::try_from(wallet.revision).unwrap()].record_time;
            let most = usize::try_from(version - wallet.version).unwrap();
            UnitOfWork::open(&mut wallet, now).process_due_within(most).unwrap();
        }
        assert_eq!(wallet.version, version, "nothing wrote this version");
        wallet
    }
}

struct Search {
    ledger: Vec<Entry>,
    /// All times that the clock showed.
    instants: BTreeSet<Timestamp>,
}

impl Search {
    /// Returns the possible continuations, the likeliest last. If there is none, this history did not happen.
    fn continuations<'a>(&self, mut partly: Partly<'a>) -> Vec<Partly<'a>> {
        let version = partly.left[0].reply.version;
        let group = partly.left.iter().take_while(|answered| answered.reply.version == version);
        let fits = group.enumerate().find_map(|(at, answered)| {
            let (wallet, reply) = then(&partly.wallet, &answered.command, answered.reply.decided_at);
            (reply == answered.reply && self.is_in_the_ledger(&wallet)).then_some((at, wallet))
        });
        if let Some((at, wallet)) = fits {
            partly.left.remove(at);
            (partly.in_front, partly.raised) = (0, false);
            partly.turn_into(wallet);
            return vec![partly];
        }
        let step = self.step(&partly.wallet).filter(|wallet| wallet.version <= version);
        let step = step.map(|wallet| {
            let mut next = partly.clone();
            next.turn_into(wallet);
            next
        });
        if partly.in_front == LOST_TOGETHER {
            return step.into_iter().collect();
        }
        let mut ways: Vec<Wallet> = Vec::new();
        for wallet in self.lost_heartbeats(&partly).into_iter().chain(self.lost_entry(&partly)) {
            if wallet.version <= version && !ways.contains(&wallet) {
                ways.push(wallet);
            }
        }
        let then = |wallet| {
            let (hidden, in_front) = (partly.hidden + 1, partly.in_front + 1);
            let mut next = Partly { hidden, in_front, ..partly.clone() };
            next.turn_into(wallet);
            next
        };
        let mut ways: Vec<Partly<'a>> = ways.into_iter().map(then).collect();
        if !partly.raised && partly.wallet.version < version {
            let mut next = Partly { raised: true, ..partly.clone() };
            next.turn_into(Wallet { version: partly.wallet.version + 1, ..partly.wallet.clone() });
            ways.insert(0, next);
        }
        step.into_iter().chain(ways).collect()
    }

    /// Returns the wallet after the due events of the next entries that were recorded together. If much is due, one
    /// transaction processes a part of it, and the clock may have moved before the next.
    fn step(&self, wallet: &Wallet) -> Option<Wallet> {
        let next = usize::try_from(wallet.revision).unwrap();
        let now = self.ledger.get(next)?.record_time;
        let most = self.ledger[next..].iter().take_while(|entry| entry.record_time == now).count();
        let mut stepped = wallet.clone();
        UnitOfWork::open(&mut stepped, now).process_due_within(most).unwrap();
        (stepped.revision > wallet.revision && self.is_in_the_ledger(&stepped)).then_some(stepped)
    }

    /// Returns the wallet after the command that wrote the next entry. When it was sent again, it was a replay, or
    /// refused because of its own effect. A refused command leaves only due events, as a `ProcessDue` does.
    fn lost_entry(&self, partly: &Partly<'_>) -> Option<Wallet> {
        let next = usize::try_from(partly.wallet.revision).unwrap();
        let entry = self.ledger.get(next)?;
        let sweep = ProcessDue.into();
        let candidates = partly.left.iter().map(|answered| &answered.command).chain([&sweep]);
        candidates
            .map(|command| then(&partly.wallet, command, entry.record_time).0)
            .find(|wallet| wallet.revision > partly.wallet.revision && self.is_in_the_ledger(wallet))
    }

    /// Returns the wallet after each heartbeat in progress, at each time at which it may have run.
    fn lost_heartbeats(&self, partly: &Partly<'_>) -> Vec<Wallet> {
        let before = partly.left[0].reply.decided_at;
        let under_way = partly.left.iter().filter(|answered| answered.asked <= before);
        let mut after = Vec::new();
        for answered in under_way.filter(|answered| matches!(answered.command, Command::Extend(_))) {
            let from = partly.wallet.decision_time(answered.asked);
            let to = answered.reply.decided_at.min(before);
            let clock = self.instants.range(answered.asked..=to).map(|at| from.max(*at));
            for now in clock.chain([from]).collect::<BTreeSet<_>>() {
                let (wallet, _) = then(&partly.wallet, &answered.command, now);
                if wallet.version > partly.wallet.version && wallet.revision == partly.wallet.revision {
                    after.push(wallet);
                }
            }
        }
        after
    }

    fn is_in_the_ledger(&self, wallet: &Wallet) -> bool {
        match usize::try_from(wallet.revision).unwrap().checked_sub(1) {
            None => true,
            Some(last) => self.ledger.get(last).is_some_and(|entry| entry.hash == wallet.head),
        }
    }

    fn is_at_its_end(&self, wallet: &Wallet) -> bool {
        self.ledger.last().is_none_or(|last| last.hash == wallet.head)
    }
}

impl Partly<'_> {
    fn turn_into(&mut self, wallet: Wallet) {
        self.history.insert(wallet.version, wallet.clone());
        self.wallet = wallet;
    }
}

fn then(wallet: &Wallet, command: &Command, now: Timestamp) -> (Wallet, Reply) {
    let mut copy = wallet.clone();
    let reply = UnitOfWork::open(&mut copy, now).execute(command, catalogs()).unwrap();
    (copy, reply.without_hint())
}
