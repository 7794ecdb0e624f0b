//! Edits of grants.

use super::Edit;
use super::Finds::Fault;

/// Most edits change a part by one and another part the other way, so that the sum stays.
pub(super) const EDITS: &[Edit] = &[
    (
        "grants.bucket",
        "UPDATE grants SET bucket = 63 - bucket WHERE origin_id = 't5' AND {ann}",
        Fault("has rows under"),
    ),
    (
        "grants.wallet_key",
        "UPDATE grants SET wallet_key = {uuid} WHERE origin_id = 't5' AND {ann}",
        Fault("has rows under"),
    ),
    (
        "grants.wallet_key",
        "DELETE FROM grants WHERE origin_id = 't5' AND {ann}",
        Fault("I2: grant top_up:t5 has no row"),
    ),
    (
        "grants.origin",
        "UPDATE grants SET origin = 2 WHERE origin_id = 't5' AND {ann}",
        Fault("was not issued"),
    ),
    (
        "grants.origin",
        "UPDATE grants SET origin = 14 WHERE origin_id = 't5' AND {ann}",
        Fault("a grant has origin 14"),
    ),
    (
        "grants.origin_id",
        "UPDATE grants SET origin_id = 't9' WHERE origin_id = 't5' AND {ann}",
        Fault("I2: grant top_up:t9"),
    ),
    ("grants.n", "UPDATE grants SET n = 7 WHERE origin_id = 't5' AND {ann}", Fault("I2: grant top_up:t5#7")),
    (
        "grants.unit",
        "UPDATE grants SET unit = 'trainings' WHERE origin_id = 't5' AND {ann}",
        Fault("I6: grant top_up:t5 has unit"),
    ),
    (
        "grants.source",
        "UPDATE grants SET source = 3 WHERE origin_id = 't5' AND {ann}",
        Fault("I16: grant top_up:t5 does not match"),
    ),
    (
        "grants.priority",
        "UPDATE grants SET priority = 9 WHERE origin_id = 't5' AND {ann}",
        Fault("I16: grant top_up:t5 does not match"),
    ),
    (
        "grants.effective_time",
        "UPDATE grants SET effective_time = effective_time - 1 WHERE origin_id = 't5' AND {ann}",
        Fault("I16: grant top_up:t5 does not match"),
    ),
    (
        "grants.expire_time",
        "UPDATE grants SET expire_time = expire_time + 1, next_time = next_time + 1 WHERE origin_id = '1.0.0' AND {ann}",
        Fault("I16: grant period:1.0.0 does not match"),
    ),
    (
        "grants.expire_time",
        "UPDATE grants SET expire_time = expire_time + 86400000000 WHERE origin_id = 'g1' AND {ann}",
        Fault("I16: grant grant:g1 does not match"),
    ),
    (
        "grants.warn_time",
        "UPDATE grants SET warn_time = warn_time + 1, next_time = next_time + 1 WHERE origin_id = '1.0.0' AND {ann}",
        Fault("I9: grant period:1.0.0 has warn_time"),
    ),
    (
        "grants.warn_time",
        "UPDATE grants SET warn_time = 9223372036854775807, next_time = expire_time WHERE origin_id = '1.0.0' AND {ann}",
        Fault("I9: grant period:1.0.0 has warn_time"),
    ),
    (
        "grants.warn_time",
        "UPDATE grants SET warn_time = expire_time - 1 WHERE origin_id = 'g1' AND {ann}",
        Fault("I9: grant grant:g1 has warn_time"),
    ),
    (
        "grants.create_time",
        "UPDATE grants SET create_time = create_time + 1 WHERE origin_id = 't5' AND {ann}",
        Fault("I2: grant top_up:t5 has create_time"),
    ),
    (
        "grants.amount",
        "UPDATE grants SET amount = amount + 1, available = available + 1 WHERE origin_id = 't5' AND {ann}",
        Fault("I2: grant top_up:t5 has amount 301, issued were 300"),
    ),
    (
        "grants.pending",
        "UPDATE grants SET pending = 1, available = available - 1 WHERE origin_id = 't5' AND {ann}",
        Fault("1 Pending, but 0 according to the postings"),
    ),
    (
        "grants.available",
        "UPDATE grants SET available = available - 1, consumed = consumed + 1 WHERE origin_id = 't5' AND {ann}",
        Fault("Available, "),
    ),
    (
        "grants.held",
        "UPDATE grants SET held = held + 1, available = available - 1 WHERE origin_id = 't5' AND {ann}",
        Fault("Held, "),
    ),
    (
        "grants.consumed",
        "UPDATE grants SET consumed = consumed - 1, available = available + 1 WHERE origin_id = 't1' AND {ann}",
        Fault("Consumed, "),
    ),
    (
        "grants.expired",
        "UPDATE grants SET expired = expired + 1, available = available - 1 WHERE origin_id = 't5' AND {ann}",
        Fault("Expired, "),
    ),
    (
        "grants.revoked",
        "UPDATE grants SET revoked = revoked + 1, available = available - 1 WHERE origin_id = 't5' AND {ann}",
        Fault("Revoked, "),
    ),
    (
        "grants.paid_out",
        "UPDATE grants SET paid_out = paid_out + 1, available = available - 1 WHERE origin_id = 't5' AND {ann}",
        Fault("PaidOut, "),
    ),
    (
        "grants.clawback",
        "UPDATE grants SET clawback = 2 WHERE origin_id = 't5' AND {ann}",
        Fault("I2: grant top_up:t5 has clawback"),
    ),
    (
        "grants.clawback",
        "UPDATE grants SET clawback = 0 WHERE origin_id = 't1' AND {bob}",
        Fault("I2: grant top_up:t1 has clawback"),
    ),
    (
        "grants.open",
        "UPDATE grants SET open = NOT open WHERE origin_id = 't5' AND {ann}",
        Fault("I2: grant top_up:t5 has open"),
    ),
    (
        "grants.next_time",
        "UPDATE grants SET next_time = next_time + 1 WHERE origin_id = '1.0.0' AND {ann}",
        Fault("I9: grant period:1.0.0 has next_time"),
    ),
    (
        "grants.next_time",
        "UPDATE grants SET next_time = 9223372036854775807 WHERE origin_id = '1.0.0' AND {ann}",
        Fault("I9: grant period:1.0.0 has next_time"),
    ),
    (
        "grants.payment",
        "UPDATE grants SET payment = 'stripe#t9' WHERE origin_id = 't5' AND {ann}",
        Fault("I11: grant top_up:t5 is found by payment"),
    ),
    (
        "grants.line",
        "UPDATE grants SET line = '2' WHERE origin_id = 't5' AND {ann}",
        Fault("I11: grant top_up:t5 is found by line"),
    ),
    (
        "grants.payment",
        "UPDATE grants SET payment = '' WHERE origin_id = 't5' AND {ann}",
        Fault("I11: grant top_up:t5 is found by payment"),
    ),
    (
        "grants.purchase",
        "UPDATE grants SET purchase = 't9' WHERE origin_id = 't5' AND {ann}",
        Fault("I11: grant top_up:t5 is found by purchase"),
    ),
    (
        "grants.details",
        "UPDATE grants SET details = replace(details, 'welcome', 'gift') WHERE origin_id = 'g3' AND {ann}",
        Fault("I16: grant grant:g3 does not match"),
    ),
    (
        "grants.details",
        "UPDATE grants SET details = replace(details, '{\"', '{\"x\":1,\"') WHERE origin_id = 'g3' AND {ann}",
        Fault("I16: grant grant:g3 does not match"),
    ),
    (
        "grants.details",
        "UPDATE grants SET details = details || ' ' WHERE origin_id = 'g3' AND {ann}",
        Fault("I16: grant grant:g3 does not match"),
    ),
    (
        "grants.details",
        "UPDATE grants SET details = '' WHERE origin_id = 'g3' AND {ann}",
        Fault("unreadable details"),
    ),
];
