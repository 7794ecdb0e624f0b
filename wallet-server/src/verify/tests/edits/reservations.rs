//! Edits of reservations: open holds of every kind, and jobs that ended in every way.

use std::collections::BTreeMap;

use wallet_core::fingerprint::Fingerprint;
use wallet_core::reservation::{Allocation, Bill, Terms};

use super::Finds::{Fault, Nothing};
use super::{BinaryEdit, Edit, changed};

pub(super) const EDITS: &[Edit] = &[
    ("reservations.bucket", "UPDATE reservations SET bucket = 63 - bucket WHERE reservation_id = 'j1' AND {ann}", Fault("has rows under")),
    ("reservations.wallet_key", "UPDATE reservations SET wallet_key = {uuid} WHERE reservation_id = 'j1' AND {ann}", Fault("has rows under")),
    (
        "reservations.wallet_key",
        "DELETE FROM reservations WHERE reservation_id = 'j1' AND {ann}",
        Fault("I7: reservation j1 has no row"),
    ),
    (
        "reservations.reservation_id",
        "UPDATE reservations SET reservation_id = 'j99' WHERE reservation_id = 'j1' AND {ann}",
        Fault("I7: reservation j99 is in no entry"),
    ),
    (
        "reservations.state",
        "UPDATE reservations SET state = 4 WHERE reservation_id = 'j1' AND {ann}",
        Fault("I7: reservation j1 is FAILED, but SETTLED according to its entries"),
    ),
    // A cancel costs more once a job has started.
    (
        "reservations.state",
        "UPDATE reservations SET state = 1 WHERE reservation_id = 'j10' AND {ann}",
        Fault("I7: reservation j10 is HELD, but PROCESSING according to its entries"),
    ),
    (
        "reservations.state",
        "UPDATE reservations SET state = 1, start_time = 0, attempt = 0, worker = '', lease = 0
          WHERE reservation_id = 'j10' AND {ann}",
        Fault("I7: reservation j10 is HELD, but PROCESSING according to its entries"),
    ),
    (
        "reservations.state",
        "UPDATE reservations SET state = 2, start_time = reserve_time, attempt = 1, worker = 'w1'
          WHERE reservation_id = 'j7' AND {ann}",
        Fault("I7: reservation j7 is PROCESSING, but HELD according to its entries"),
    ),
    (
        "reservations.deadline",
        "UPDATE reservations SET deadline = deadline + 315576000000000 WHERE reservation_id = 'j7' AND {ann}",
        Fault("I9: reservation j7 has deadline"),
    ),
    (
        "reservations.deadline",
        "UPDATE reservations SET deadline = reserve_time - 1, sweep_at = reserve_time - 1
          WHERE reservation_id = 'j7' AND {ann}",
        Fault("I9: reservation j7 has deadline"),
    ),
    (
        "reservations.deadline",
        "UPDATE reservations SET deadline = deadline + 1 WHERE reservation_id = 'j5' AND {ann}",
        Fault("I16: reservation j5 has an end that does not match its entries"),
    ),
    (
        "reservations.deadline",
        "UPDATE reservations SET deadline = deadline + 1 WHERE reservation_id = 'j3' AND {ann}",
        Fault("I9: reservation j3 has deadline"),
    ),
    // This job had no heartbeat.
    (
        "reservations.deadline",
        "UPDATE reservations SET deadline = deadline + 1 WHERE reservation_id = 'j1' AND {bob}",
        Fault("I16: reservation j1 has an end that does not match its entries"),
    ),
    (
        "reservations.deadline",
        "UPDATE reservations SET deadline = deadline + 1 WHERE reservation_id = 'j12' AND {ann}",
        Nothing("Heartbeats"),
    ),
    (
        "reservations.sweep_at",
        "UPDATE reservations SET sweep_at = 9223372036854775807 WHERE reservation_id = 'j7' AND {ann}",
        Fault("I9: reservation j7 has deadline"),
    ),
    (
        "reservations.sweep_at",
        "UPDATE reservations SET sweep_at = 0 WHERE reservation_id = 'j7' AND {ann}",
        Fault("I9: reservation j7 has deadline"),
    ),
    (
        "reservations.sweep_at",
        "UPDATE reservations SET sweep_at = sweep_at - 1 WHERE reservation_id = 'j7' AND {ann}",
        Fault("I9: reservation j7 is open, but has no hold at its sweep_at"),
    ),
    (
        "reservations.attempt",
        "UPDATE reservations SET attempt = 2 WHERE reservation_id = 'j10' AND {ann}",
        Fault("I16: reservation j10 has a run that does not match its entries"),
    ),
    (
        "reservations.attempt",
        "UPDATE reservations SET attempt = 2 WHERE reservation_id = 'j1' AND {ann}",
        Fault("I16: reservation j1 has a run that does not match its entries"),
    ),
    (
        "reservations.worker",
        "UPDATE reservations SET worker = 'w9' WHERE reservation_id = 'j8' AND {ann}",
        Fault("I16: reservation j8 has a run that does not match its entries"),
    ),
    (
        "reservations.worker",
        "UPDATE reservations SET worker = 'w9' WHERE reservation_id = 'j6' AND {ann}",
        Fault("I16: reservation j6 has a run that does not match its entries"),
    ),
    (
        "reservations.lease",
        "UPDATE reservations SET lease = lease + 1 WHERE reservation_id = 'j8' AND {ann}",
        Fault("I16: reservation j8 has a run that does not match its entries"),
    ),
    (
        "reservations.lease",
        "UPDATE reservations SET lease = 0 WHERE reservation_id = 'j6' AND {ann}",
        Fault("I16: reservation j6 has a run that does not match its entries"),
    ),
    (
        "reservations.start_time",
        "UPDATE reservations SET start_time = start_time + 1 WHERE reservation_id = 'j8' AND {ann}",
        Fault("I7: reservation j8 has start_time"),
    ),
    (
        "reservations.start_time",
        "UPDATE reservations SET start_time = reserve_time WHERE reservation_id = 'j1' AND {ann}",
        Fault("I7: reservation j1 has start_time"),
    ),
    (
        "reservations.finish_time",
        "UPDATE reservations SET finish_time = finish_time + 1 WHERE reservation_id = 'j1' AND {ann}",
        Fault("I7: reservation j1 has finish_time"),
    ),
    (
        "reservations.finish_revision",
        "UPDATE reservations SET finish_revision = finish_revision + 1 WHERE reservation_id = 'j1' AND {ann}",
        Fault("I7: reservation j1 has finish_revision"),
    ),
    (
        "reservations.reserve_time",
        "UPDATE reservations SET reserve_time = reserve_time + 1 WHERE reservation_id = 'j1' AND {ann}",
        Fault("I7: reservation j1 has reserve_time"),
    ),
    (
        "reservations.revision",
        "UPDATE reservations SET revision = revision + 1 WHERE reservation_id = 'j1' AND {ann}",
        Fault("I7: reservation j1 has revision"),
    ),
    ("holds.bucket", "UPDATE holds SET bucket = 63 - bucket WHERE reservation_id = 'j7' AND {ann}", Fault("has rows under")),
    ("holds.wallet_key", "UPDATE holds SET wallet_key = {uuid} WHERE reservation_id = 'j7' AND {ann}", Fault("has rows under")),
    (
        "holds.wallet_key",
        "DELETE FROM holds WHERE reservation_id = 'j7' AND {ann}",
        Fault("I9: reservation j7 is open, but has no hold at its sweep_at"),
    ),
    (
        "holds.wallet_key",
        "INSERT INTO holds (bucket, wallet_key, sweep_at, reservation_id)
         SELECT bucket, wallet_key, sweep_at, reservation_id FROM reservations WHERE reservation_id = 'j1' AND {ann}",
        Fault("I9: reservation j1 has a hold, but has ended"),
    ),
    (
        "holds.reservation_id",
        "UPDATE holds SET reservation_id = 'j99' WHERE reservation_id = 'j7' AND {ann}",
        Fault("I9: a hold of j99 at "),
    ),
    (
        "holds.sweep_at",
        "UPDATE holds SET sweep_at = sweep_at - 1 WHERE reservation_id = 'j7' AND {ann}",
        Fault("I9: reservation j7 is open, but has no hold at its sweep_at"),
    ),
];

const J1: &str = "reservation_id = 'j1' AND {ann}";
const J5: &str = "reservation_id = 'j5' AND {ann}";
const J7: &str = "reservation_id = 'j7' AND {ann}";
const J10: &str = "reservation_id = 'j10' AND {ann}";
const J11: &str = "reservation_id = 'j11' AND {ann}";

pub(super) const BINARY: &[BinaryEdit] = &[
    (
        "reservations.allocations",
        J10,
        |bytes| changed(bytes, |lines: &mut Vec<Allocation>| lines[0].held -= 1),
        Fault("I5: "),
    ),
    ("reservations.allocations", J10, more, Fault("reservation j10 is unreadable: allocations")),
    ("reservations.allocations", J1, fewer, Fault("reservation j1 is unreadable: allocations")),
    (
        "reservations.finalizer",
        J1,
        |_| fingerprint("outcome=0011223344556677"),
        Fault("I16: reservation j1 has an end that does not match its entries"),
    ),
    (
        "reservations.finalizer",
        J1,
        |_| Vec::new(),
        Fault("I16: reservation j1 has an end that does not match its entries"),
    ),
    (
        "reservations.finalizer",
        J7,
        |_| fingerprint("outcome=0011223344556677"),
        Fault("I16: reservation j7 has an end that does not match its entries"),
    ),
    ("reservations.finalizer", J1, more, Fault("reservation j1 is unreadable: finalizer")),
    (
        "reservations.bill",
        J1,
        |bytes| changed(bytes, |bill: &mut Bill| _ = bill.charged.set(&"credits".parse().unwrap(), 44)),
        Fault("I8: reservation j1: billed 44 credits charged"),
    ),
    ("reservations.bill", J1, more, Fault("reservation j1 is unreadable: bill")),
    (
        "reservations.bill",
        J5,
        |bytes| changed(bytes, |bill: &mut Bill| bill.failure.as_mut().unwrap().code = "GPU".to_owned()),
        Fault("I16: reservation j5 has an end that does not match its entries"),
    ),
    (
        "reservations.fingerprint",
        J1,
        |_| fingerprint("amounts=0011223344556677"),
        Fault("I16: reservation j1 does not match its entries"),
    ),
    ("reservations.fingerprint", J1, more, Fault("reservation j1 is unreadable: fingerprint")),
    (
        "reservations.terms",
        J1,
        |bytes| changed(bytes, |terms: &mut Terms| terms.actor = Some("max".parse().unwrap())),
        Fault("I16: reservation j1 does not match its entries"),
    ),
    (
        "reservations.terms",
        J11,
        |bytes| changed(bytes, |terms: &mut Terms| terms.pin.as_mut().unwrap().catalog_version = 2),
        Fault("I16: reservation j11 does not match its entries"),
    ),
    (
        "reservations.terms",
        J1,
        |bytes| changed(bytes, |terms: &mut Terms| terms.labels = BTreeMap::from([("a".into(), "b".into())])),
        Fault("I16: reservation j1 does not match its entries"),
    ),
    ("reservations.terms", J1, more, Fault("reservation j1 is unreadable: terms")),
    (
        "reservations.terms",
        J1,
        |bytes| [&[2], &bytes[1..]].concat(),
        Fault("reservation j1 is unreadable: terms: has the unknown format 2"),
    ),
];

fn more(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

fn fewer(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 1].to_vec()
}

fn fingerprint(text: &str) -> Vec<u8> {
    wallet_core::binary::encode_sparse(&Fingerprint::parse(text))
}
