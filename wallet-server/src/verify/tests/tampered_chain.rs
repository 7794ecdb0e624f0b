//! Tampering with the chain, the row of a wallet, and rows that belong to no wallet.

use wallet_core::TenantId;
use wallet_core::entry::EntryKind;

use super::rows::{Rows, Tamper, ann, check};
use crate::verify::rows::Row;

#[tokio::test]
async fn an_unchanged_ledger_has_no_faults() {
    let report = Rows::of_ann_bob_and_eve().await.verified();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.wallets, report.reservations), (3, 9));
}

#[tokio::test]
async fn a_changed_entry_breaks_the_chain_once() {
    let changes: &[(&str, Tamper)] = &[
        ("revision 2: I16: has hash", |r| r.entry(EntryKind::ToppedUp).reason = "gift".to_owned()),
        ("I16: has hash", |r| r.entry(EntryKind::GrantRevoked).request_id = "r9".to_owned()),
        ("I16: has hash", |r| r.entry(EntryKind::Reserved).actor = "max".to_owned()),
        ("I16: has hash", |r| r.entry(EntryKind::WalletUpdated).fingerprint.clear()),
        ("I16: has hash", |r| r.entry(EntryKind::HoldExpired).record_time += 1),
        ("I16: has hash", |r| r.entry(EntryKind::Started).hash[7] ^= 1),
    ];
    check(changes).await;
    let mut rows = Rows::of_ann_bob_and_eve().await;
    rows.entry(EntryKind::ToppedUp).reason = "gift".to_owned();
    assert_eq!(rows.verified().faults, 1);
}

#[tokio::test]
async fn the_chain_has_no_gaps_and_time_never_decreases() {
    check(&[
        ("I16: follows revision 4", |r| r.remove(|row| matches!(row, Row::Entry(e) if e.revision == 5))),
        ("I16: the wallet has revision", |r| r.wallet().revision -= 1),
        ("I16: the wallet has head", |r| r.wallet().head[0] ^= 1),
        ("I16: the wallet has version 1, less", |r| r.wallet().version = 1),
        ("I16: is Started; a wallet is created once", |r| r.entry(EntryKind::WalletCreated).kind = 9),
        ("I16: is WalletCreated; a wallet is created once", |r| r.entry(EntryKind::Started).kind = 1),
        ("I18: recorded at", |r| {
            r.entry(EntryKind::GrantRevoked).record_time -= 7_200_000_000;
            r.rehash();
        }),
        ("I18: effective at", |r| {
            r.entry(EntryKind::GrantRevoked).effective_time -= 7_200_000_000;
            r.rehash();
        }),
        ("which is after it was recorded", |r| {
            r.entry(EntryKind::GrantRevoked).effective_time += 1;
            r.rehash();
        }),
        ("I18: the wallet was last written at", |r| r.wallet().last_time -= 7_200_000_000),
        ("I18: its profile has create_time", |r| r.profile().create_time += 1),
        ("has format 2, which is unknown", |r| r.entry(EntryKind::Started).format = 2),
        ("has kind 99, which is unknown", |r| r.entry(EntryKind::Started).kind = 99),
        ("the entry is unreadable: fingerprint", |r| r.entry(EntryKind::Started).fingerprint = b"x".to_vec()),
        ("the entry is unreadable", |r| r.entry(EntryKind::Settled).postings = b"[{}]".to_vec()),
    ])
    .await;
}

#[tokio::test]
async fn a_wallet_has_one_row_of_each_kind_under_the_key_of_its_id() {
    check(&[
        ("its key is", |r| r.profile().tenant = TenantId(uuid::Uuid::nil()).0),
        ("its profile is unreadable", |r| r.profile().profile = "none".to_owned()),
        ("I16: has status 5, but is Active according to its entries", |r| r.wallet().status = 5),
        ("has rows under", |r| r.remove(|row| matches!(row, Row::Wallet(_)))),
    ])
    .await;
    let mut rows = Rows::of_ann_bob_and_eve().await;
    rows.profile().wallet_id.push(' ');
    assert!(rows.clone().verified().to_string().contains("its wallet_id contains ' '"));
    rows.remove(|row| matches!(row, Row::Profile(_)));
    assert!(rows.verified().to_string().contains(&format!("wallet {}: has no profile", ann().1)));
}

#[tokio::test]
async fn rows_without_a_wallet_are_found() {
    let mut rows = Rows::of_ann_bob_and_eve().await;
    let is_grant = |row: &Row| matches!(row, Row::Grant(_));
    let (key, row) = rows.0.iter().find(|(_, row)| is_grant(row)).cloned().unwrap();
    rows.0.push(((i16::MAX, key.1), row));
    let report = rows.verified();
    assert!(report.to_string().contains(&format!("has rows under (32767, {})", key.1)), "{report}");
}
