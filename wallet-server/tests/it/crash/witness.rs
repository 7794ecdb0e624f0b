//! The witness: records every acknowledgement outside the server's process, on disk before it counts, and compares all
//! of them with the ledger.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, Write};

use wallet_client::WalletClient;
use wallet_client::v1::{self, EntryKind};

use super::caller::{Caller, PRICE};
use crate::harness::micros;

/// A call that the server acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Acknowledgement {
    pub(super) wallet: String,
    pub(super) kind: EntryKind,
    /// The reservation or the grant; empty for the wallet.
    pub(super) subject: String,
    /// The revision of its entry; `None` for a replay, whose revision the answer does not contain.
    pub(super) fresh_revision: Option<i64>,
    pub(super) reservation: Option<v1::Reservation>,
    /// The time of the decision, which all calls of a batch share.
    pub(super) decided: prost_types::Timestamp,
    /// When the answer was received, in microseconds of the system's clock.
    pub(super) received: u64,
}

impl Acknowledgement {
    pub(super) fn of_new_wallet(answer: v1::CreateWalletResponse) -> Self {
        Self {
            wallet: answer.wallet.unwrap().wallet_id,
            kind: EntryKind::WalletCreated,
            subject: String::new(),
            fresh_revision: Some(answer.revision),
            reservation: None,
            decided: answer.decide_time.unwrap(),
            received: micros(),
        }
    }
}

/// All acknowledgements, and the entries that were read so far.
pub(super) struct Witness {
    /// A line per acknowledgement, synced before it counts.
    journal: File,
    unchecked: Vec<Acknowledgement>,
    ledger: BTreeMap<String, Vec<v1::Entry>>,
    /// The last answer about each job, by wallet and job.
    jobs: HashMap<(String, String), v1::Reservation>,
}

impl Default for Witness {
    fn default() -> Self {
        let journal = tempfile::tempfile().expect("a journal");
        Self { journal, unchecked: Vec::new(), ledger: BTreeMap::new(), jobs: HashMap::new() }
    }
}

impl Witness {
    pub(super) fn saw(&mut self, acknowledgements: Vec<Acknowledgement>) {
        let mut lines = String::new();
        for seen in &acknowledgements {
            let Acknowledgement { wallet, kind, subject, fresh_revision, .. } = seen;
            lines += &format!("{wallet} {kind:?} {subject} {fresh_revision:?}\n");
        }
        self.journal.write_all(lines.as_bytes()).expect("the journal can be written");
        self.journal.sync_data().expect("the journal can be synced");
        for acknowledgement in acknowledgements {
            self.count(acknowledgement);
        }
    }

    /// The number of acknowledgements.
    pub(super) fn acknowledged(&mut self) -> usize {
        self.journal.rewind().expect("read from its beginning");
        BufReader::new(&self.journal).lines().count()
    }

    fn count(&mut self, acknowledgement: Acknowledgement) {
        if let Some(reservation) = &acknowledgement.reservation {
            let job = (acknowledgement.wallet.clone(), acknowledgement.subject.clone());
            self.jobs.insert(job, reservation.clone());
        }
        self.ledger.entry(acknowledgement.wallet.clone()).or_default();
        self.unchecked.push(acknowledgement);
    }

    pub(super) fn saw_new_wallet(&mut self, answer: v1::CreateWalletResponse) {
        self.saw(vec![Acknowledgement::of_new_wallet(answer)]);
    }

    /// Reads the new entries. Every acknowledged call must be among them, at its revision.
    pub(super) async fn compare(&mut self, client: &WalletClient) {
        for (wallet, entries) in &mut self.ledger {
            read_on(client, wallet, entries).await;
        }
        let counts = self.counts();
        for seen in self.unchecked.drain(..) {
            let key = (seen.wallet.clone(), seen.kind, seen.subject.clone());
            assert_eq!(counts.get(&key), Some(&1), "acknowledged, and not once in the ledger: {seen:?}");
            let Some(revision) = seen.fresh_revision else { continue };
            let entry = &self.ledger[&seen.wallet][usize::try_from(revision).unwrap() - 1];
            assert_eq!((entry.kind(), subject(entry)), (seen.kind, seen.subject), "revision {revision}");
        }
    }

    /// Asserts that every call of every caller has exactly one entry and that there are no other entries.
    pub(super) fn assert_all_happened_once(&self, callers: &[Caller]) {
        let mut expected: HashMap<(String, EntryKind, String), usize> = self
            .ledger
            .keys()
            .map(|wallet| ((wallet.clone(), EntryKind::WalletCreated, String::new()), 1))
            .collect();
        for caller in callers {
            expected.extend(caller.expected().map(|(kind, about)| ((caller.wallet.clone(), kind, about), 1)));
        }
        assert_eq!(self.counts(), expected);
    }

    /// Asserts that every job equals its last answer and that each balance is what was bought less what was charged.
    pub(super) async fn assert_final_state(&self, client: &WalletClient) {
        for wallet in self.ledger.keys() {
            let mut left = 0;
            let jobs = all_jobs(client, wallet).await;
            for job in &jobs {
                let last = self.jobs.get(&(wallet.clone(), job.reservation_id.clone()));
                assert_eq!(last, Some(job), "the last answer, and what is there");
                left += PRICE - job.charged.iter().map(|part| part.amount).sum::<i64>();
            }
            assert_eq!(jobs.len(), self.jobs.keys().filter(|(of, _)| of == wallet).count());
            let request = v1::GetBalanceRequest { wallet_id: wallet.clone(), ..Default::default() };
            let balance = client.get_balance(request).await.unwrap();
            let credits = &balance.balances[0];
            let parts = [&credits.available, &credits.held].map(|part| part.as_ref().unwrap().amount);
            assert_eq!((parts, balance.open_reservations), ([left, 0], 0), "{wallet}");
        }
    }

    /// The number of ledger entries per wallet, kind and subject.
    fn counts(&self) -> HashMap<(String, EntryKind, String), usize> {
        let mut counts = HashMap::new();
        for (wallet, entries) in &self.ledger {
            for entry in entries {
                *counts.entry((wallet.clone(), entry.kind(), subject(entry))).or_insert(0) += 1;
            }
        }
        counts
    }
}

/// Appends the new entries. Revisions have no gaps, and no entry is read twice.
async fn read_on(client: &WalletClient, wallet: &str, entries: &mut Vec<v1::Entry>) {
    let mut page_token = String::new();
    let after_revision = revision(entries);
    loop {
        let request = v1::ListEntriesRequest {
            wallet_id: wallet.to_owned(),
            after_revision,
            page_size: 500,
            page_token,
            ..Default::default()
        };
        let page = client.list_entries(request).await.unwrap();
        for entry in page.entries {
            assert_eq!(entry.revision, revision(entries) + 1, "{wallet}");
            entries.push(entry);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return;
        }
    }
}

/// All reservations of a wallet.
async fn all_jobs(client: &WalletClient, wallet: &str) -> Vec<v1::Reservation> {
    let mut jobs = Vec::new();
    let mut page_token = String::new();
    loop {
        let wallet_id = wallet.to_owned();
        let request =
            v1::ListReservationsRequest { wallet_id, page_size: 500, page_token, ..Default::default() };
        let page = client.list_reservations(request).await.unwrap();
        jobs.extend(page.reservations);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return jobs;
        }
    }
}

fn revision(entries: &[v1::Entry]) -> i64 {
    entries.last().map_or(0, |entry| entry.revision)
}

/// The reservation or grant that an entry belongs to; empty for the wallet.
fn subject(entry: &v1::Entry) -> String {
    match entry.kind() {
        EntryKind::ToppedUp => entry.postings[0].grant_id.clone(),
        _ => entry.reservation_id.clone(),
    }
}
