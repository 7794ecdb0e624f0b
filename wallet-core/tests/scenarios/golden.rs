//! Golden vectors of the entry hash, format 1. If one of them changes, every existing ledger fails its audit. A
//! change of the hash needs another format number, and these vectors stay.
//!
//! The expected values were computed from the description by a separate program: numbers have 8 bytes, big endian;
//! texts and byte strings follow their length; fingerprint, row digests, postings, balances and events are byte strings in
//! the binary form of `wallet_core::binary`.

use wallet_core::entry::{Entry, EntryBalance, EntryKind, genesis};
use wallet_core::event::{AutoTopUpEvent, Event, EventKind};
use wallet_core::feed::InFeed;
use wallet_core::fingerprint::Fingerprint;
use wallet_core::grant::{Grant, GrantDetails, GrantKey, Parts};
use wallet_core::posting::{Account, Part, Posting};
use wallet_core::row_digests::{Digest, RowDigests};
use wallet_core::wallet::WalletStatus;
use wallet_core::{Amounts, Author, Principal, Source, TenantId, Timestamp, WalletId, WalletKey};

use super::prelude::*;

/// Returns an entry without postings at `at` seconds, recorded `late` milliseconds later.
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
        author: Author { principal: Principal::local(), call: None },
        reason: String::new(),
        row_digests: RowDigests::default(),
        postings: Vec::new(),
        balances: Vec::new(),
        events: Vec::new(),
        in_feed: InFeed::default(),
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

/// Returns an entry with notifications of a low balance and of credits that will expire.
fn telling() -> Entry {
    let event = Event {
        kind: EventKind::LowBalance,
        unit: unit("credits"),
        available: 19,
        threshold: 20,
        grant: None,
        expire_time: Timestamp::NEVER,
        auto_top_up: None,
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

/// Returns digests of a grant, the terms of a job, its run, its bill, and a profile.
fn digests() -> [Digest; 5] {
    let grant = Grant {
        key: GrantKey::parse("top_up:t").unwrap(),
        unit: unit("credits"),
        source: Source::Purchased,
        priority: -3,
        effective_time: START,
        expire_time: Timestamp::NEVER,
        warn_time: Timestamp::NEVER,
        create_time: START.plus(seconds(1)),
        amount: 100,
        parts: Parts::default(),
        clawback: None,
        details: GrantDetails::default(),
    };
    [
        Digest::of_grant(&grant, r#"{"pack":"p"}"#),
        Digest::of_terms(b"terms", b"fingerprint"),
        Digest::of_run(2, "gpu-7", 60_000_000),
        Digest::of_bill(b"bill", b"", START.plus(seconds(90))),
        Digest::of_profile(r#"{"sales":0}"#),
    ]
}

/// Returns row digests of every kind.
fn row_digests() -> RowDigests {
    let [grant, terms, run, bill, profile] = digests();
    RowDigests {
        grants: [(GrantKey::parse("top_up:t").unwrap(), grant)].into(),
        warnings: [(GrantKey::parse("top_up:t").unwrap(), START.plus(seconds(60)))].into(),
        terms: Some(terms),
        run: Some(run),
        bill: Some(bill),
        status: Some(WalletStatus::Suspended),
        debt_limits: Amounts::of(&unit("credits"), 0),
        profile: Some(profile),
        silent: 4,
    }
}

fn history() -> [Entry; 4] {
    let RowDigests { grants, profile, .. } = row_digests();
    let debt_limits = Amounts::of(&unit("credits"), 50);
    [
        Entry {
            row_digests: RowDigests { debt_limits, profile, ..RowDigests::default() },
            ..entry(1, EntryKind::WalletCreated, 0, 0)
        },
        Entry {
            row_digests: RowDigests { grants, ..RowDigests::default() },
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
        "4404861c073b94cb90b2f463324b74ccdeeef71d8dcb4343e378ec2716ac14e7",
        "c7b0677ff168dc8b9725dcab2c71318f5e395a8b17818d308c1370977b8c249c",
        "80c78881fc3a69b314d339315555e7d88a36248472d8a00056f4e9d99569f47f",
        "b11eb7cc6974caa22769db577b96405232886ea7a6958f0ca63e5e50bca87c2d",
    ]) {
        head = entry.hash_after(&head);
        assert_eq!(hex::encode(head), expected, "entry {}", entry.revision);
    }
}

#[test]
fn notifications_are_hashed() {
    let hash = telling().hash_after(&[0; 32]);
    assert_eq!(hex::encode(hash), "559dc7053e44d00582929d9835e74ae373b65464832dbe6c5c08fe6b26d8f076");
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
fn purchases_of_the_auto_top_up_are_hashed() {
    let due = |entry: &mut Entry| {
        let purchase =
            AutoTopUpEvent { top_up: origin("auto-1"), pack: "p".to_owned(), quantity: 2, retry_time: None };
        entry.events[1].auto_top_up = Some(Box::new(purchase));
    };
    let mut entry = telling();
    due(&mut entry);
    let hash = entry.hash_after(&[0; 32]);
    assert_eq!(hex::encode(hash), "726db6ad290d8ea07a0a89acefb81689887df7313ba02bbf5d0d213aaf842831");
    let changes: [fn(&mut AutoTopUpEvent); 4] = [
        |purchase| purchase.top_up = origin("auto-2"),
        |purchase| purchase.pack.push('p'),
        |purchase| purchase.quantity += 1,
        |purchase| purchase.retry_time = Some(START),
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut other = entry.clone();
        change(other.events[1].auto_top_up.as_mut().unwrap());
        assert_ne!(other.hash_after(&[0; 32]), hash, "change {n}");
    }
    assert_ne!(telling().hash_after(&[0; 32]), hash);
}

#[test]
fn row_digests_are_hashed() {
    let expected = [
        "f3ba82f1151ebf8b046ad1a0ae3f6664",
        "20e3dd63d924e1c4385bfb14977cd5dd",
        "7272604024f65082c1c25476bd9b8572",
        "290654ed1a4f052ee348084bff702b55",
        "e564ae9f1614cc1d1c7e286afc4c4697",
    ];
    assert_eq!(digests().map(|digest| digest.to_string()), expected);
    let saying = Entry { row_digests: row_digests(), ..entry(6, EntryKind::WalletUpdated, 5, 0) };
    let hash = saying.hash_after(&[0; 32]);
    assert_eq!(hex::encode(hash), "35139ec3a8aeb78b63892fc9808221cb589ed9868ea4689076714a8d42768188");
    let changes: [fn(&mut RowDigests); 11] = [
        |f| f.grants.clear(),
        |f| f.warnings.clear(),
        |f| f.run = None,
        |f| f.run = f.terms,
        |f| f.silent += 1,
        |f| f.terms = None,
        |f| f.bill = f.terms,
        |f| f.status = Some(WalletStatus::Active),
        |f| f.debt_limits = Amounts::of(&unit("credits"), 1),
        |f| f.debt_limits = Amounts::none(),
        |f| f.profile = f.terms,
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut other = saying.clone();
        change(&mut other.row_digests);
        assert_ne!(other.hash_after(&[0; 32]), hash, "change {n}");
    }
}

#[test]
fn every_field_of_an_entry_is_hashed() {
    let [_, _, settled, revoked] = history();
    let changes: [fn(&mut Entry); 15] = [
        |e| e.revision += 1,
        |e| e.kind = EntryKind::Failed,
        |e| e.effective_time = START,
        |e| e.record_time = START,
        |e| e.reservation = Some(job("jo")),
        |e| e.request = Some("r-2".parse().unwrap()),
        |e| e.fingerprint = Fingerprint::default().with("x", Some(&1)),
        |e| e.actor = Some("bob".parse().unwrap()),
        |e| e.author.principal = Principal::system(),
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
        assert_ne!(entry.hash_after(&[0; 32]), entry.hash_after(&[1; 32]), "the previous hash");
        let mut called = entry.clone();
        called.author.call = Some("7f9c2b".parse().unwrap());
        assert_eq!(entry.hash_after(&[0; 32]), called.hash_after(&[0; 32]), "the call is not hashed");
        let recorded = Entry { in_feed: InFeed::numbered(1), ..entry.clone() };
        assert_eq!(entry.hash_after(&[0; 32]), recorded.hash_after(&[0; 32]), "the feed is not hashed");
    }
}
