//! Two wallets in one lane. Commands wait; the lane takes all waiting commands, decides them in order over the
//! loaded rows, and writes the change sets. Afterwards replies may be lost, so that all clients repeat their
//! commands, or a client gives up. A crash before the write is the same as no batch.

use std::rc::Rc;

use wallet_core::decide::ProcessDue;
use wallet_core::entry::Entry;
use wallet_core::reservation::CancelReason::{Platform, User};
use wallet_core::reservation::Reservation;
use wallet_core::view::Shown;
use wallet_core::wallet::Horizon;
use wallet_core::wallet::RequestRecord;
use wallet_core::{ChangeSet, Command, Finished, Reply, Timestamp, UnitOfWork, Wallet};
use wallet_workload::{audit, catalogs};

use super::checks::{advanced, replayed, run};
use super::commands::{
    START, blank, buy, cancel, create, failed, give, minutes, reserve, revoke, start, used,
};
use super::digest::Digest;
use super::search::World;

/// A command that a client may send to one of the wallets.
struct Letter {
    client: usize,
    wallet: usize,
    command: Command,
}

/// The rows of the two wallets, and the waiting commands.
#[derive(Clone)]
pub(crate) struct Lane {
    letters: Rc<Vec<Letter>>,
    rows: [Rc<Wallet>; 2],
    now: Timestamp,
    /// The waiting commands in order of arrival, at most one of each client.
    waiting: Vec<usize>,
    done: Vec<(usize, Rc<Shown>)>,
}

/// Returns a world of three clients, two of them on one wallet. The job of the second wallet is refused until
/// credits arrive.
pub(crate) fn world() -> Lane {
    let letter = |client, wallet, command| Letter { client, wallet, command };
    let letters = vec![
        letter(0, 0, reserve("j", "open", 10)),
        letter(0, 0, start("j", "w1", 1, None)),
        letter(0, 0, used("j", 4)),
        letter(0, 0, used("j", 12)),
        letter(0, 0, failed("j", "GPU_LOST")),
        letter(1, 0, cancel("j", User)),
        letter(1, 0, cancel("j", Platform)),
        letter(1, 0, revoke("r", "grant:a")),
        letter(1, 0, reserve("k", "fixed", 8)),
        letter(2, 1, reserve("j", "fixed", 30)),
        letter(2, 1, buy("t", 25)),
        letter(2, 1, used("j", 20)),
        letter(2, 1, cancel("j", User)),
    ];
    let mut rows = [blank("ann"), blank("bob")];
    for (wallet, command) in [(0, create(0)), (0, give("a", 12, minutes(15))), (1, create(0))] {
        run(&mut rows[wallet], START, &command).0.result.unwrap();
    }
    Lane {
        letters: Rc::new(letters),
        rows: rows.map(Rc::new),
        now: START,
        waiting: Vec::new(),
        done: Vec::new(),
    }
}

impl Lane {
    /// Returns the rows that the store reads of a wallet for these commands: open grants, due rows and the read
    /// set.
    fn load(&self, wallet: usize, batch: &[usize]) -> Wallet {
        let commands = || batch.iter().map(|n| &self.letters[*n]).filter(|letter| letter.wallet == wallet);
        let read_sets: Vec<_> = commands().map(|letter| letter.command.read_set()).collect();
        let mut loaded = Wallet::clone(&self.rows[wallet]);
        loaded.grants.retain(|key, grant| {
            let named =
                |origin: &wallet_core::grant::GrantKey| (origin.origin, &origin.id) == (key.origin, &key.id);
            grant.is_open() || read_sets.iter().any(|read| read.grants.as_ref().is_some_and(named))
        });
        loaded.reservations.retain(|id, reservation| {
            self.may_be_due(reservation) || read_sets.iter().any(|read| read.reservation.as_ref() == Some(id))
        });
        loaded.requests.retain(|id, _| read_sets.iter().any(|read| read.request.as_ref() == Some(id)));
        loaded
    }

    /// Writes the rows of a wallet's change set and nothing else.
    fn write(&mut self, wallet: usize, loaded: &Wallet, changes: &ChangeSet, entries: &[Entry]) {
        if !changes.raises_version && changes.reservations.is_empty() {
            return;
        }
        let rows = Rc::make_mut(&mut self.rows[wallet]);
        for key in &changes.grants {
            rows.grants.insert(key.clone(), loaded.grants[key].clone());
        }
        for id in &changes.reservations {
            rows.reservations.insert(id.clone(), loaded.reservations[id].clone());
        }
        if changes.profile {
            (rows.status, rows.profile) = (loaded.status, loaded.profile.clone());
        }
        for entry in entries {
            if let Some(request) = &entry.request {
                let Entry { kind, fingerprint, postings, .. } = entry.clone();
                let record = RequestRecord { kind, fingerprint, postings };
                assert_eq!(rows.requests.insert(request.clone(), record), None, "I11: {request} twice");
            }
        }
        rows.balances.clone_from(&loaded.balances);
        (rows.version, rows.revision, rows.head) = (loaded.version, loaded.revision, loaded.head);
        (rows.last_time, rows.create_time) = (loaded.last_time, loaded.create_time);
        rows.open_reservations = loaded.open_reservations;
    }

    /// Runs these commands in one transaction.
    fn commit(&mut self, batch: &[usize]) -> Vec<Reply> {
        let mut loaded = [self.load(0, batch), self.load(1, batch)];
        let mut changes = [ChangeSet::default(), ChangeSet::default()];
        let mut written = [Vec::new(), Vec::new()];
        let mut replies = Vec::new();
        for n in batch {
            let Letter { wallet, command, .. } = &self.letters[*n];
            let due = advanced(&loaded[*wallet], self.now).1;
            let (reply, Finished { entries, changes: more, .. }) =
                run(&mut loaded[*wallet], self.now, command);
            match self.done.iter().find(|(done, _)| done == n) {
                Some((_, first)) => replayed(command, first, &reply, &entries, due),
                None => {
                    if let Some(answer) = reply.result.as_ref().ok().filter(|_| entries.len() > due) {
                        self.done.push((*n, Rc::new(answer.shown.clone())));
                    }
                }
            }
            changes[*wallet].add(more);
            written[*wallet].extend(entries);
            replies.push(reply);
        }
        for wallet in 0..2 {
            self.write(wallet, &loaded[wallet], &changes[wallet], &written[wallet]);
        }
        replies
    }

    /// Returns whether the index of due reservations contains a reservation.
    fn may_be_due(&self, reservation: &Reservation) -> bool {
        reservation.state.is_open() && reservation.sweep_at <= self.now
    }

    /// Runs a transaction that processes a part of the due events, after reading `most` + 1 reservations. Returns
    /// whether nothing is due afterwards.
    fn step(&mut self, wallet: usize, most: usize) -> bool {
        let mut loaded = self.load(wallet, &[]);
        let place = |r: &Reservation| Horizon { sweep_at: r.sweep_at, id: r.id.clone() };
        let mut places: Vec<Horizon> = loaded.reservations.values().map(place).collect();
        places.sort();
        if let Some(last) = places.get(most) {
            loaded.reservations.retain(|_, reservation| place(reservation) <= *last);
            loaded.horizon = Some(last.clone());
        }
        let mut work = UnitOfWork::open(&mut loaded, self.now);
        let is_up_to_date = work.execute_within(most, &ProcessDue.into(), catalogs()).unwrap().is_some();
        let Finished { entries, changes, .. } = work.finish();
        self.write(wallet, &loaded, &changes, &entries);
        is_up_to_date
    }

    /// I9: processing due events of the batch's wallets in small steps before the batch makes no difference.
    fn steps_make_no_difference(&self, together: &Self, replies: &[Reply]) {
        let mut stepped = self.clone();
        let mut steps = 0;
        for wallet in 0..2 {
            if self.waiting.iter().any(|n| self.letters[*n].wallet == wallet) {
                while !stepped.step(wallet, 1) {
                    steps += 1;
                    assert!(steps < 100, "every step makes progress");
                }
            }
        }
        if steps > 0 {
            let in_steps = stepped.commit(&self.waiting);
            let shown =
                |replies: &[Reply]| replies.iter().cloned().map(Reply::without_hint).collect::<Vec<_>>();
            assert_eq!(shown(&in_steps), shown(replies), "I9: in steps");
            assert_eq!(stepped.rows_without_hints(), together.rows_without_hints(), "I9: in steps");
        }
    }

    fn rows_without_hints(&self) -> [Wallet; 2] {
        self.rows.each_ref().map(|wallet| {
            let mut wallet = Wallet::clone(wallet);
            for reservation in wallet.reservations.values_mut() {
                reservation.sweep_at = reservation.deadline;
            }
            wallet
        })
    }

    /// I21: a batch has the same result as its commands one after the other.
    fn take_all(&self) -> Self {
        let mut together = self.clone();
        let replies = together.commit(&self.waiting);
        let mut alone = self.clone();
        let one_by_one: Vec<Reply> =
            self.waiting.iter().flat_map(|n| alone.commit(std::slice::from_ref(n))).collect();
        assert_eq!(replies, one_by_one, "I21");
        assert_eq!(together.rows, alone.rows, "I21");
        self.steps_make_no_difference(&together, &replies);
        together
    }
}

impl World for Lane {
    fn digest(&self) -> u128 {
        let mut digest = Digest::new();
        digest.int(self.now.as_micros());
        self.rows.iter().for_each(|wallet| digest.wallet(wallet));
        self.waiting.iter().for_each(|n| digest.word(*n as u64));
        digest.finish()
    }

    fn check(&self) {
        for wallet in &self.rows {
            if let Err(what) = audit::rows(wallet) {
                panic!("{what}");
            }
        }
    }

    fn next(&self, found: &mut dyn FnMut(Self)) {
        for (n, letter) in self.letters.iter().enumerate() {
            if self.waiting.iter().all(|waiting| self.letters[*waiting].client != letter.client) {
                let mut sent = self.clone();
                sent.waiting.push(n);
                found(sent);
            }
        }
        if !self.waiting.is_empty() {
            let lost = self.take_all();
            let mut answered = lost.clone();
            answered.waiting.clear();
            found(lost);
            found(answered);
        }
        for n in 0..self.waiting.len() {
            let mut given_up = self.clone();
            given_up.waiting.remove(n);
            found(given_up);
        }
        for wait in [minutes(10), minutes(30)] {
            found(Self { now: self.now.plus(wait), ..self.clone() });
        }
    }
}
