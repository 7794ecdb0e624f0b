//! Edits of the feed. It has a change of the tenant and the items of ann and bob, and the outbox has those of eve.

use super::Finds::{Fault, Nothing};
use super::{BinaryEdit, Edit, changed};
use crate::store::tables::feed_outbox::{NewItems, WalletItems};

pub(super) const EDITS: &[Edit] = &[
    (
        "feed_outbox.bucket",
        "UPDATE feed_outbox SET bucket = 63 - bucket",
        Fault("I33: the outbox has wallet"),
    ),
    ("feed_outbox.bucket", "DELETE FROM feed_outbox", Fault("I33: the feed lacks the first")),
    (
        "audit_events.event_id",
        "UPDATE audit_events SET event_id = {uuid} WHERE action = 'catalog.publish' AND subject = '2'",
        Fault("which the audit does not have"),
    ),
    (
        "audit_events.event_time",
        "DELETE FROM audit_events WHERE action = 'catalog.publish' AND subject = '2'",
        Fault("which the audit does not have"),
    ),
    (
        "feed_blocks.first_position",
        "DELETE FROM feed_blocks WHERE first_position = 1",
        Fault("I33: the feed lacks the change"),
    ),
    (
        "audit_events.in_feed",
        "UPDATE audit_events SET in_feed = false WHERE action = 'catalog.publish' AND subject = '2'",
        Fault("which the audit does not have"),
    ),
    (
        "audit_events.in_feed",
        "UPDATE audit_events SET in_feed = true WHERE action = 'catalog.publish' AND subject = '1'",
        Fault("which never has \"catalog.publish\" of \"1\""),
    ),
    (
        "entries.in_feed",
        "UPDATE entries SET in_feed = 0 WHERE revision = 2 AND {ann}",
        Fault("I33: from revision 1 on, the feed has"),
    ),
    (
        "entries.in_feed",
        "UPDATE entries SET in_feed = 1 WHERE in_feed = 0 AND {ann}",
        Fault("I33: from revision 1 on, the feed has"),
    ),
    (
        "entries.in_feed",
        "UPDATE entries SET in_feed = in_feed + 64 WHERE revision = 2 AND {ann}",
        Fault("some of which it does not have"),
    ),
    (
        "entries.in_feed",
        "UPDATE entries SET in_feed = 256 WHERE revision = 2 AND {ann}",
        Fault("in_feed is 256"),
    ),
    (
        "feed_outbox.batch_id",
        "INSERT INTO feed_outbox (bucket, batch_id, items) SELECT bucket, {uuid}, items FROM feed_outbox",
        Fault("I33: the outbox has item"),
    ),
    ("feed_outbox.batch_id", "UPDATE feed_outbox SET batch_id = {uuid}", Nothing("The feed")),
    ("feed_heads.tenant", "UPDATE feed_heads SET tenant = {uuid}", Fault("which does not exist")),
    ("feed_heads.tenant", "DELETE FROM feed_heads", Fault("I33: a block of the feed begins at 1, not 0")),
    (
        "feed_heads.first_position",
        "UPDATE feed_heads SET first_position = 2",
        Fault("I33: a block of the feed begins at 1, not 2"),
    ),
    (
        "feed_heads.last_position",
        "UPDATE feed_heads SET last_position = last_position + 1",
        Fault("I33: the feed of tenant"),
    ),
    (
        "feed_blocks.tenant",
        "UPDATE feed_blocks SET tenant = {uuid}",
        Fault("I33: a block of the feed begins at"),
    ),
    ("feed_blocks.tenant", "DELETE FROM feed_blocks", Fault("I33: the feed of tenant")),
    (
        "feed_blocks.last_position",
        "UPDATE feed_blocks SET last_position = last_position + 1",
        Fault("a row of feed_blocks is unreadable"),
    ),
    (
        "feed_blocks.first_position",
        "UPDATE feed_blocks SET first_position = 0",
        Fault("a row of feed_blocks is unreadable"),
    ),
    ("feed_blocks.create_time", "UPDATE feed_blocks SET create_time = 5", Nothing("The feed")),
];

/// The condition of the only row of the outbox.
const ALL: &str = "1 = 1";
/// The condition of the block with the items of wallets. The block before it has the change of the tenant.
const WALLETS: &str = "first_position > 1";

pub(super) const BINARY: &[BinaryEdit] = &[
    (
        "feed_outbox.items",
        ALL,
        |bytes| changed(bytes, |new: &mut Vec<NewItems>| _ = new[0].items.items.pop()),
        Fault("I33: from revision 1 on, the feed has"),
    ),
    ("feed_outbox.items", ALL, |_| b"x".to_vec(), Fault("a row of feed_outbox is unreadable")),
    (
        "feed_blocks.items",
        WALLETS,
        |bytes| changed(bytes, |wallets: &mut Vec<WalletItems>| wallets[0].items[1].2 += 1),
        Fault("I33: from revision 1 on, the feed has"),
    ),
    (
        "feed_blocks.items",
        WALLETS,
        |bytes| changed(bytes, |wallets: &mut Vec<WalletItems>| wallets[0].items.swap(0, 1)),
        Fault("I33: the feed has (1, 0) of wallet"),
    ),
    ("feed_blocks.items", WALLETS, |_| b"x".to_vec(), Fault("a row of feed_blocks is unreadable")),
];
