//! Edits of reservations: open holds of every kind, and jobs that ended in every way.

use super::Edit;
use super::Finds::{Fault, Nothing};

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
        "reservations.allocations",
        "UPDATE reservations SET allocations = replace(allocations, '\"h\":4', '\"h\":3')
          WHERE reservation_id = 'j10' AND {ann}",
        Fault("I5: "),
    ),
    (
        "reservations.allocations",
        "UPDATE reservations SET allocations = replace(allocations, '{\"', '{\"x\":1,\"')
          WHERE reservation_id = 'j10' AND {ann}",
        Fault("reservation j10 is unreadable: allocations"),
    ),
    (
        "reservations.allocations",
        "UPDATE reservations SET allocations = allocations || ' ' WHERE reservation_id = 'j1' AND {ann}",
        Fault("reservation j1 is unreadable: allocations"),
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
        "reservations.finalizer",
        "UPDATE reservations SET finalizer = 'outcome=0011223344556677' WHERE reservation_id = 'j1' AND {ann}",
        Fault("I16: reservation j1 has an end that does not match its entries"),
    ),
    (
        "reservations.finalizer",
        "UPDATE reservations SET finalizer = '' WHERE reservation_id = 'j1' AND {ann}",
        Fault("I16: reservation j1 has an end that does not match its entries"),
    ),
    (
        "reservations.finalizer",
        "UPDATE reservations SET finalizer = 'outcome=0011223344556677' WHERE reservation_id = 'j7' AND {ann}",
        Fault("I16: reservation j7 has an end that does not match its entries"),
    ),
    (
        "reservations.bill",
        "UPDATE reservations SET bill = replace(bill, '\"charged\":{\"credits\":45', '\"charged\":{\"credits\":44')
          WHERE reservation_id = 'j1' AND {ann}",
        Fault("I8: reservation j1: billed 44 credits charged"),
    ),
    (
        "reservations.bill",
        "UPDATE reservations SET bill = replace(bill, '{\"charged\"', '{\"x\":1,\"charged\"')
          WHERE reservation_id = 'j1' AND {ann}",
        Fault("reservation j1 is unreadable: bill"),
    ),
    (
        "reservations.bill",
        "UPDATE reservations SET bill = replace(bill, 'NSFW', 'GPU') WHERE reservation_id = 'j5' AND {ann}",
        Fault("I16: reservation j5 has an end that does not match its entries"),
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
    (
        "reservations.fingerprint",
        "UPDATE reservations SET fingerprint = 'amounts=0011223344556677' WHERE reservation_id = 'j1' AND {ann}",
        Fault("I16: reservation j1 does not match its entries"),
    ),
    (
        "reservations.terms",
        "UPDATE reservations SET terms = replace(terms, 'mia', 'max') WHERE reservation_id = 'j1' AND {ann}",
        Fault("I16: reservation j1 does not match its entries"),
    ),
    (
        "reservations.terms",
        "UPDATE reservations SET terms = replace(terms, '\"catalog_version\":1', '\"catalog_version\":2')
          WHERE reservation_id = 'j11' AND {ann}",
        Fault("I16: reservation j11 does not match its entries"),
    ),
    (
        "reservations.terms",
        "UPDATE reservations SET terms = replace(terms, '{\"', '{ \"') WHERE reservation_id = 'j1' AND {ann}",
        Fault("I16: reservation j1 does not match its entries"),
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
