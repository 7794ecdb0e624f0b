//! A wallet with its entries. Runs commands and checks facts that are visible only here: the change set contains
//! every change, and a refusal changes nothing.

use wallet_core::decide::ReadSet;
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::grant::{Grant, GrantKey, Origin};
use wallet_core::posting::Account;
use wallet_core::{
    Author, Catalogs, ChangeSet, Command, Finished, OriginId, Principal, Reply, TenantId, Timestamp,
    UnitOfWork, Wallet, WalletId, WalletKey,
};

/// A wallet with its history.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) wallet: Wallet,
    pub(crate) entries: Vec<Entry>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let id = WalletId::parse("ann").unwrap();
        let wallet = Wallet::blank(WalletKey::new(TenantId::DEFAULT, &id), id);
        Self { wallet, entries: Vec::new() }
    }

    /// Runs a command at `now` without checks, for scenarios with very many commands.
    pub(crate) fn run_unwatched(&mut self, catalogs: &Catalogs, now: Timestamp, command: &Command) {
        let mut work = UnitOfWork::open(&mut self.wallet, now);
        work.execute(command, catalogs).unwrap();
        self.entries.extend(work.finish().entries);
    }

    /// Runs a command at `now`, and checks its change set and, after a refusal, that nothing else changed.
    pub(crate) fn run(&mut self, catalogs: &Catalogs, now: Timestamp, command: &Command) -> Reply {
        let before = self.wallet.clone();
        let mut work = UnitOfWork::open(&mut self.wallet, now);
        work.act_for(Author { principal: Principal::local(), call: None });
        let reply = work.execute(command, catalogs);
        let reply = reply.unwrap_or_else(|broken| panic!("{broken}, by {command:?}"));
        let Finished { entries, changes, .. } = work.finish();
        self.entries.extend(entries);
        check_announced(&before, &self.wallet, &changes);
        if reply.result.is_err() {
            assert_eq!(
                self.wallet,
                advanced(&before, reply.decided_at),
                "a refusal changes nothing but processes due events"
            );
        }
        reply
    }

    /// Runs a command as after loading the wallet from a store: without closed grants, except those in the
    /// command's read set.
    pub(crate) fn run_as_loaded(&mut self, catalogs: &Catalogs, now: Timestamp, command: &Command) -> Reply {
        let read_set = command.read_set();
        let reference = read_set.period_payment.as_ref();
        let named = reference.map(|reference| self.wallet.profile.periods_named_by(reference));
        let named = named.unwrap_or_default();
        let needed = self.named_by(&read_set);
        let name = read_set.purchase.as_ref();
        let purchase = name.and_then(|name| name.top_up(self.wallet.grants.values())).cloned();
        let loaded = |grant: &Grant| {
            let is_read = reads(&read_set, purchase.as_ref(), grant);
            let is_named = grant.details.period.is_some_and(|period| named.contains(&period));
            grant.is_open() || is_read || is_named || needed.contains(&grant.key)
        };
        let is_left = |(_, grant): &(&GrantKey, &Grant)| !loaded(grant);
        let left = self.wallet.grants.iter().filter(is_left);
        let left: Vec<_> = left.map(|(key, grant)| (key.clone(), grant.clone())).collect();
        self.wallet.grants.retain(|_, grant| loaded(grant));
        let reply = self.run(catalogs, now, command);
        self.wallet.grants.extend(left);
        reply
    }

    /// Returns the grants of the reservation's receipt and the subscription's period in a read set.
    fn named_by(&self, read_set: &ReadSet) -> Vec<GrantKey> {
        let Wallet { grants, reservations, profile, .. } = &self.wallet;
        let receipt = read_set.reservation.as_ref().filter(|_| read_set.receipt);
        let allocations = receipt.and_then(|id| reservations.get(id)).map_or(&[][..], |job| &job.allocations);
        let taken = allocations.iter().filter_map(|allocation| match &allocation.account {
            Account::Grant(key) => Some(key.clone()),
            Account::Debt => None,
        });
        let since = profile.subscription.as_deref().filter(|_| read_set.period).map(|s| s.period_start());
        let given = grants.values().filter(|grant| {
            let of_plans = matches!(grant.key.origin, Origin::Grace | Origin::Period);
            of_plans && since.is_some_and(|since| grant.create_time >= since)
        });
        taken.chain(given.map(|grant| grant.key.clone())).collect()
    }

    /// Returns the wallet as a read at `now` sees it.
    pub(crate) fn seen(&self, now: Timestamp) -> Wallet {
        advanced(&self.wallet, now)
    }

    /// Returns the entries without the fields that depend on when a sweeper runs.
    pub(crate) fn timeless(&self) -> Vec<Entry> {
        let timeless =
            |entry: &Entry| Entry { record_time: Timestamp::EPOCH, hash: [0; 32], ..entry.clone() };
        self.entries.iter().map(timeless).collect()
    }

    /// Returns the kinds of the entries from index `from` on.
    pub(crate) fn kinds(&self, from: usize) -> Vec<EntryKind> {
        self.entries.iter().skip(from).map(|entry| entry.kind).collect()
    }
}

/// Returns whether a read set names the grant by its origin, payment, purchase or period.
fn reads(read_set: &ReadSet, purchase: Option<&OriginId>, grant: &Grant) -> bool {
    let by_origin = read_set
        .grants
        .as_ref()
        .is_some_and(|key| (key.origin, &key.id) == (grant.key.origin, &grant.key.id));
    let by_payment = read_set.payment.is_some() && read_set.payment == grant.details.external_ref;
    let by_purchase = purchase.is_some() && purchase == grant.purchase();
    let start = grant.details.period.map(|period| period.start);
    let by_period = read_set.paid_period.is_some() && read_set.paid_period == start;
    by_origin || by_payment || by_purchase || by_period
}

fn advanced(wallet: &Wallet, now: Timestamp) -> Wallet {
    let mut copy = wallet.clone();
    assert!(UnitOfWork::open(&mut copy, now).process_due().unwrap());
    copy
}

/// Returns the wallet without its sweep hints.
fn without_hints(wallet: &Wallet) -> Wallet {
    let mut wallet = wallet.clone();
    wallet.reservations.values_mut().for_each(|hold| hold.sweep_at = hold.deadline);
    wallet
}

/// Checks that the change set contains every change. The store writes nothing else.
fn check_announced(before: &Wallet, after: &Wallet, changes: &ChangeSet) {
    for (key, grant) in &after.grants {
        assert!(
            before.grants.get(key) == Some(grant) || changes.grants.contains(key),
            "{key} is in the change set"
        );
    }
    for (id, reservation) in &after.reservations {
        let same = before.reservations.get(id) == Some(reservation);
        assert!(same || changes.reservations.contains(id), "{id} is in the change set");
    }
    assert!((before.status, &before.profile) == (after.status, &after.profile) || changes.profile);
    assert_eq!(
        changes.raises_version,
        without_hints(before) != without_hints(after),
        "the change set is empty if and only if nothing changed"
    );
}
