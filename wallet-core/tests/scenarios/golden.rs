//! Golden vectors of the entry hash, format 1. If one of these changes, every ledger that was ever written would
//! fail its audit: a change needs another format number, and these stay.
//!
//! The expected values were computed by a separate program from the description: numbers are 8 bytes, big endian;
//! texts and byte strings follow their length.

use wallet_core::entry::{Entry, EntryBalance, EntryKind, genesis};
use wallet_core::event::{Event, EventKind};
use wallet_core::fingerprint::Fingerprint;
use wallet_core::grant::GrantKey;
use wallet_core::posting::{Account, Part, Posting};
use wallet_core::{TenantId, WalletId, WalletKey};

use super::prelude::*;

/// An entry at `at` seconds, recorded `late` milliseconds after that, in which nothing moved.
fn entry(revision: i64, kind: EntryKind, at: u64, late: u64) -> Entry {
    Entry {
        revision,
        kind,
        effective_time: START.plus(seconds(at)),
        record_time: START.plus(seconds(at) + std::time::Duration::from_millis(late)),
        reservation: None,
        request: None,
        fingerprint: Fingerprint::default(),
        actor: None,
        reason: String::new(),
        postings: Vec::new(),
        balances: Vec::new(),
        events: Vec::new(),
        hash: [0; 32],
    }
}

fn posting(of: &str, account: Account, from: Part, to: Part, amount: i64) -> Posting {
    Posting { unit: unit(of), account, from, to, amount }
}

fn grant(key: &str) -> Account {
    Account::Grant(GrantKey::parse(key).unwrap())
}

fn balance(of: &str, available: i64, held: i64, debt: i64) -> EntryBalance {
    EntryBalance { unit: unit(of), available, held, debt }
}

/// An entry that tells people of a low balance and of credits that will lapse.
fn telling() -> Entry {
    let event = Event {
        kind: EventKind::LowBalance,
        unit: unit("credits"),
        available: 19,
        threshold: 20,
        grant: None,
        expire_time: wallet_core::Timestamp::NEVER,
    };
    let expiring = Event {
        kind: EventKind::GrantExpiring,
        threshold: 0,
        grant: Some(GrantKey::parse("grant:g").unwrap()),
        expire_time: START.plus(seconds(60)),
        ..event.clone()
    };
    Entry { events: vec![event, expiring], ..entry(5, EntryKind::Reserved, 4, 0) }
}

fn history() -> [Entry; 4] {
    [
        entry(1, EntryKind::WalletCreated, 0, 0),
        Entry {
            postings: vec![posting("credits", grant("top_up:t"), Part::Issued, Part::Available, 100)],
            balances: vec![balance("credits", 100, 0, 0)],
            ..entry(2, EntryKind::ToppedUp, 1, 0)
        },
        Entry {
            reservation: Some(job("job")),
            actor: Some("ann".parse().unwrap()),
            postings: vec![
                posting("credits", grant("top_up:t"), Part::Held, Part::Consumed, 100),
                posting("credits", Account::Debt, Part::Issued, Part::Owed, 7),
                posting("trainings", grant("grace:job#1"), Part::Held, Part::Expired, 1),
            ],
            balances: vec![balance("credits", 0, 0, 7), balance("trainings", 2, 0, 0)],
            ..entry(3, EntryKind::Settled, 2, 500)
        },
        Entry {
            request: Some("r-1".parse().unwrap()),
            fingerprint: Fingerprint::parse("grant_id=0011223344556677"),
            reason: "charged back: ümläut".to_owned(),
            postings: vec![posting("trainings", grant("grant:g"), Part::Available, Part::Revoked, 2)],
            balances: vec![balance("trainings", 0, 0, 0)],
            ..entry(4, EntryKind::GrantRevoked, 3, 0)
        },
    ]
}

#[test]
fn the_hashes_of_format_1_never_change() {
    let wallet = WalletKey::new(TenantId::DEFAULT, &WalletId::parse("ann").unwrap());
    let mut head = genesis(wallet);
    assert_eq!(hex::encode(head), "651a36e33060eed21c23d38d8067fe1aefd93397d1574d4dca13dfd5d88f9cf5");
    for (entry, expected) in history().iter().zip([
        "137ccd26816f7b9e1b7e6b280ac5005f9b9aedbaa18162629e13581bc3cd4dac",
        "64c3a2d22507687834b3e1e6177f10d1db99b33d5025077908f171200e3b4a96",
        "a989a0a16477f6df207a8c57061d003d0934cb9ac0e17622eb2a72116e8ef57c",
        "9f4f748c3d4f0a4547a801736a8e80511b9974314b34b89f575b278ba1551747",
    ]) {
        head = entry.hash_after(&head);
        assert_eq!(hex::encode(head), expected, "entry {}", entry.revision);
    }
}

#[test]
fn what_people_are_told_is_hashed() {
    let hash = telling().hash_after(&[0; 32]);
    assert_eq!(hex::encode(hash), "e89cc232199153c7e29e652def9c23d5a1ef83b35741b5b11b89861a068cae5b");
    let changes: [fn(&mut Entry); 7] = [
        |e| drop(e.events.pop()),
        |e| e.events.swap(0, 1),
        |e| e.events[0].kind = EventKind::Exhausted,
        |e| e.events[0].unit = unit("coins"),
        |e| e.events[0].available += 1,
        |e| e.events[0].threshold += 1,
        |e| e.events[1].expire_time = START,
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut other = telling();
        change(&mut other);
        assert_ne!(other.hash_after(&[0; 32]), hash, "change {n}");
    }
}

#[test]
fn every_field_of_an_entry_is_hashed() {
    let [_, _, settled, revoked] = history();
    let changes: [fn(&mut Entry); 14] = [
        |e| e.revision += 1,
        |e| e.kind = EntryKind::Failed,
        |e| e.effective_time = START,
        |e| e.record_time = START,
        |e| e.reservation = Some(job("jo")),
        |e| e.request = Some("r-2".parse().unwrap()),
        |e| e.fingerprint = Fingerprint::default().with("x", Some(&1)),
        |e| e.actor = Some("bob".parse().unwrap()),
        |e| e.reason.push('!'),
        |e| drop(e.postings.pop()),
        |e| e.postings[0].amount += 1,
        |e| e.postings[0].from = Part::Pending,
        |e| e.balances[0].held += 1,
        |e| drop(e.balances.pop()),
    ];
    for entry in [settled, revoked] {
        for (n, change) in changes.iter().enumerate() {
            let mut other = entry.clone();
            change(&mut other);
            assert_ne!(entry.hash_after(&[0; 32]), other.hash_after(&[0; 32]), "change {n}");
        }
        assert_ne!(entry.hash_after(&[0; 32]), entry.hash_after(&[1; 32]), "the entry before");
    }
}
