//! Edits of a wallet's own rows.

use std::collections::BTreeMap;

use wallet_core::UnitId;
use wallet_core::wallet::Balance;

use super::Finds::{Fault, Note, Nothing};
use super::{BinaryEdit, Edit, changed};

type Balances = BTreeMap<UnitId, Balance>;

pub(super) const EDITS: &[Edit] = &[
    ("wallets.bucket", "UPDATE wallets SET bucket = 63 - bucket WHERE {ann}", Fault("has rows under")),
    ("wallets.wallet_key", "UPDATE wallets SET wallet_key = {uuid} WHERE {ann}", Fault("has rows under")),
    ("wallets.wallet_key", "DELETE FROM wallets WHERE {ann}", Fault("has rows under")),
    (
        "wallets.status",
        "UPDATE wallets SET status = 2 WHERE {ann}",
        Fault("I16: has status 2, but is Active"),
    ),
    ("wallets.frozen", "UPDATE wallets SET frozen = true WHERE {ann}", Note("is frozen")),
    (
        "wallets.version",
        "UPDATE wallets SET version = version - 100 WHERE {ann}",
        Fault("I16: the wallet has version"),
    ),
    (
        "wallets.version",
        "UPDATE wallets SET version = version + 1000000000000000 WHERE {ann}",
        Fault("I16: the wallet has version"),
    ),
    // Eve has no open hold, so nothing was written without an entry.
    (
        "wallets.version",
        "UPDATE wallets SET version = version + 17 WHERE {eve}",
        Fault("I16: the wallet has version"),
    ),
    (
        "wallets.version",
        "UPDATE wallets SET version = version + 1 WHERE {ann}",
        Nothing("The version of a wallet"),
    ),
    (
        "wallets.revision",
        "UPDATE wallets SET revision = revision - 1 WHERE {ann}",
        Fault("I16: the wallet has revision"),
    ),
    (
        "wallets.revision",
        "UPDATE wallets SET revision = revision + 1 WHERE {ann}",
        Fault("I16: the wallet has revision"),
    ),
    ("wallets.head", "UPDATE wallets SET head = {bytes} WHERE {ann}", Fault("I16: the wallet has head")),
    (
        "wallets.last_time",
        "UPDATE wallets SET last_time = last_time - 7200000000 WHERE {ann}",
        Fault("I18: the wallet was last written at"),
    ),
    (
        "wallets.last_time",
        "UPDATE wallets SET last_time = last_time + 631152000000000 WHERE {ann}",
        Fault("I18: the wallet was last written at"),
    ),
    (
        "wallets.last_time",
        "UPDATE wallets SET last_time = last_time + 1 WHERE {eve}",
        Fault("I18: the wallet was last written at"),
    ),
    ("wallets.last_time", "UPDATE wallets SET last_time = last_time + 1 WHERE {ann}", Nothing("Heartbeats")),
    (
        "wallets.open_reservations",
        "UPDATE wallets SET open_reservations = open_reservations + 1 WHERE {ann}",
        Fault("I5: counts "),
    ),
    (
        "wallet_profiles.bucket",
        "UPDATE wallet_profiles SET bucket = 63 - bucket WHERE {ann}",
        Fault("has no profile"),
    ),
    (
        "wallet_profiles.wallet_key",
        "UPDATE wallet_profiles SET wallet_key = {uuid} WHERE {ann}",
        Fault("has no profile"),
    ),
    ("wallet_profiles.wallet_key", "DELETE FROM wallet_profiles WHERE {ann}", Fault("has no profile")),
    ("wallet_profiles.tenant", "UPDATE wallet_profiles SET tenant = {uuid} WHERE {ann}", Fault("its tenant")),
    (
        "wallet_profiles.wallet_id",
        "UPDATE wallet_profiles SET wallet_id = 'max' WHERE {ann}",
        Fault("its key is"),
    ),
    (
        "wallet_profiles.create_time",
        "UPDATE wallet_profiles SET create_time = create_time + 1 WHERE {ann}",
        Fault("I18: its profile has create_time"),
    ),
    (
        "wallet_profiles.profile",
        "UPDATE wallet_profiles SET profile = replace(profile, '\"plus\"', '\"yearly\"') WHERE {ann}",
        Fault("I16: its profile does not match its entries"),
    ),
    (
        "wallet_profiles.profile",
        "UPDATE wallet_profiles SET profile = replace(profile, '\"rank\":1', '\"rank\":9') WHERE {ann}",
        Fault("I16: its profile does not match its entries"),
    ),
    (
        "wallet_profiles.profile",
        "UPDATE wallet_profiles SET profile = replace(profile, '{\"', '{\"x\":1,\"') WHERE {ann}",
        Fault("I16: its profile does not match its entries"),
    ),
    (
        "wallet_profiles.profile",
        "UPDATE wallet_profiles SET profile = 'none' WHERE {ann}",
        Fault("its profile is unreadable"),
    ),
    (
        "wallet_profiles.next_time",
        "UPDATE wallet_profiles SET next_time = 9223372036854775807 WHERE {ann}",
        Fault("I9: its profile has next_time"),
    ),
    (
        "wallet_profiles.next_time",
        "UPDATE wallet_profiles SET next_time = next_time + 1 WHERE {ann}",
        Fault("I9: its profile has next_time"),
    ),
];

pub(super) const BINARY: &[BinaryEdit] = &[
    (
        "wallets.balances",
        "{ann}",
        |bytes| changed(bytes, |all: &mut Balances| credits(all).available += 1),
        Fault("I4: the balance is"),
    ),
    (
        "wallets.balances",
        "{ann}",
        |bytes| changed(bytes, |all: &mut Balances| credits(all).held += 1),
        Fault("I4: the balance is"),
    ),
    (
        "wallets.balances",
        "{ann}",
        |bytes| changed(bytes, |all: &mut Balances| credits(all).debt += 1),
        Fault("I4: the balance is"),
    ),
    (
        "wallets.balances",
        "{ann}",
        |bytes| changed(bytes, |all: &mut Balances| credits(all).debt_limit = 1_000),
        Fault("I16: the debt limit is 1000 credits, but 50 according to the entries"),
    ),
    (
        "wallets.balances",
        "{ann}",
        |bytes| changed(bytes, |all: &mut Balances| _ = all.remove("credits")),
        Fault("have no stored balance"),
    ),
    (
        "wallets.balances",
        "{ann}",
        |bytes| {
            changed(bytes, |all: &mut Balances| _ = all.insert("coins".parse().unwrap(), Balance::default()))
        },
        Fault("I6: there is a balance of coins"),
    ),
    ("wallets.balances", "{ann}", |bytes| [bytes, &[0]].concat(), Fault("its balances are unreadable")),
    ("wallets.balances", "{ann}", |bytes| bytes[..4].to_vec(), Fault("its balances are unreadable")),
    ("wallets.balances", "{ann}", |bytes| [&[2], &bytes[1..]].concat(), Fault("the unknown format 2")),
];

fn credits(balances: &mut Balances) -> &mut Balance {
    balances.get_mut("credits").unwrap()
}
