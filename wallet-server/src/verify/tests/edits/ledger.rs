//! Edits of entries and events, past the triggers that forbid them.

use wallet_core::entry::EntryBalance;
use wallet_core::fingerprint::Fingerprint;
use wallet_core::posting::Posting;

use super::Finds::{Fault, Nothing};
use super::{BinaryEdit, Edit, changed};

pub(super) const EDITS: &[Edit] = &[
    (
        "entries.bucket",
        "UPDATE entries SET bucket = 63 - bucket WHERE revision = 3 AND {ann}",
        Fault("I16: follows revision 2"),
    ),
    (
        "entries.wallet_key",
        "UPDATE entries SET wallet_key = {uuid} WHERE revision = 3 AND {ann}",
        Fault("I16: follows revision 2"),
    ),
    (
        "entries.wallet_key",
        "DELETE FROM entries WHERE revision = 5 AND {ann}",
        Fault("I16: follows revision 4"),
    ),
    (
        "entries.wallet_key",
        "DELETE FROM entries WHERE {ann} AND revision = (SELECT max(revision) FROM entries WHERE {ann})",
        Fault("I16: the wallet has revision"),
    ),
    (
        "entries.revision",
        "UPDATE entries SET revision = 999 WHERE revision = 5 AND {ann}",
        Fault("I16: follows revision"),
    ),
    (
        "entries.format",
        "UPDATE entries SET format = 2 WHERE revision = 5 AND {ann}",
        Fault("has format 2, which is unknown"),
    ),
    (
        "entries.kind",
        "UPDATE entries SET kind = 4 WHERE kind = 3 AND revision = 2 AND {ann}",
        Fault("I16: has hash"),
    ),
    (
        "entries.kind",
        "UPDATE entries SET kind = 99 WHERE revision = 5 AND {ann}",
        Fault("has kind 99, which is unknown"),
    ),
    (
        "entries.effective_time",
        "UPDATE entries SET effective_time = effective_time - 1 WHERE revision = 5 AND {ann}",
        Fault("I16: has hash"),
    ),
    (
        "entries.record_time",
        "UPDATE entries SET record_time = record_time + 1 WHERE revision = 5 AND {ann}",
        Fault("I16: has hash"),
    ),
    (
        "entries.reservation_id",
        "UPDATE entries SET reservation_id = 'j9' WHERE kind = 9 AND {ann}",
        Fault("I16: has hash"),
    ),
    (
        "entries.request_id",
        "UPDATE entries SET request_id = 'r9' WHERE request_id = 'r1' AND {ann}",
        Fault("I16: has hash"),
    ),
    (
        "entries.request_id",
        "UPDATE entries SET request_id = '' WHERE request_id = 'r1' AND {ann}",
        Fault("I16: has hash"),
    ),
    ("entries.actor", "UPDATE entries SET actor = 'max' WHERE kind = 8 AND {ann}", Fault("I16: has hash")),
    (
        "entries.principal",
        "UPDATE entries SET principal = 'max' WHERE kind = 8 AND {ann}",
        Fault("I16: has hash"),
    ),
    (
        "entries.call_id",
        "UPDATE entries SET call_id = 'max' WHERE kind = 8 AND {ann}",
        Nothing("The call of an entry"),
    ),
    (
        "entries.reason",
        "UPDATE entries SET reason = 'gift' WHERE revision = 5 AND {ann}",
        Fault("I16: has hash"),
    ),
    (
        "entries.hash",
        "UPDATE entries SET hash = {bytes} WHERE revision = 5 AND {ann}",
        Fault("I16: has hash"),
    ),
    ("events.bucket", "UPDATE events SET bucket = 63 - bucket WHERE {ann}", Fault("has rows under")),
    ("events.wallet_key", "UPDATE events SET wallet_key = {uuid} WHERE {ann}", Fault("has rows under")),
    ("events.wallet_key", "DELETE FROM events WHERE {ann}", Fault("I16: has hash")),
    (
        "events.revision",
        "UPDATE events SET revision = revision + 1000 WHERE {ann}",
        Fault("has notifications but no entry"),
    ),
    ("events.n", "UPDATE events SET n = n + 7 WHERE {ann}", Fault("has number 7")),
    ("events.kind", "UPDATE events SET kind = 77 WHERE {ann}", Fault("is unreadable: has kind 77")),
    ("events.unit", "UPDATE events SET unit = 'trainings' WHERE {ann}", Fault("I16: has hash")),
    ("events.available", "UPDATE events SET available = available + 1 WHERE {ann}", Fault("I16: has hash")),
    ("events.threshold", "UPDATE events SET threshold = threshold + 1 WHERE {ann}", Fault("I16: has hash")),
    (
        "events.event_time",
        "UPDATE events SET event_time = event_time + 1 WHERE {ann}",
        Fault("is effective at"),
    ),
    (
        "events.details",
        "UPDATE events SET details = '{\"grant\":\"grant:g9\"}' WHERE {ann}",
        Fault("I16: has hash"),
    ),
    (
        "events.details",
        "UPDATE events SET details = '{\"x\":1}' WHERE {ann}",
        Fault("is unreadable: details"),
    ),
    (
        "events.details",
        "UPDATE events SET details = details || ' ' WHERE {ann}",
        Fault("is unreadable: details"),
    ),
];

const R1: &str = "request_id = 'r1' AND {ann}";
const SECOND: &str = "revision = 2 AND {ann}";
/// The first Reserve.
const RESERVED: &str = "revision = (SELECT min(revision) FROM entries WHERE kind = 8 AND {ann}) AND {ann}";

pub(super) const BINARY: &[BinaryEdit] = &[
    (
        "entries.fingerprint",
        R1,
        |_| wallet_core::binary::encode_sparse(&Fingerprint::parse("a=0011223344556677")),
        Fault("I16: has hash"),
    ),
    ("entries.fingerprint", R1, |_| b"x".to_vec(), Fault("the entry is unreadable: fingerprint")),
    ("entries.row_digests", RESERVED, |_| Vec::new(), Fault("I16: has hash")),
    ("entries.row_digests", RESERVED, more, Fault("the entry is unreadable: row_digests")),
    (
        "entries.row_digests",
        RESERVED,
        |bytes| bytes[1..].to_vec(),
        Fault("the entry is unreadable: row_digests"),
    ),
    (
        "entries.postings",
        SECOND,
        |bytes| changed(bytes, |postings: &mut Vec<Posting>| postings[0].amount += 1),
        Fault("I16: has hash"),
    ),
    ("entries.postings", SECOND, more, Fault("the entry is unreadable: postings")),
    (
        "entries.postings",
        SECOND,
        |bytes| [&[2], &bytes[1..]].concat(),
        Fault("the entry is unreadable: postings"),
    ),
    (
        "entries.balances",
        SECOND,
        |bytes| changed(bytes, |balances: &mut Vec<EntryBalance>| balances[0].available += 1),
        Fault("I16: has hash"),
    ),
    ("entries.balances", SECOND, more, Fault("the entry is unreadable: balances")),
    ("entries.balances", SECOND, |bytes| bytes[..2].to_vec(), Fault("the entry is unreadable: balances")),
];

fn more(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}
