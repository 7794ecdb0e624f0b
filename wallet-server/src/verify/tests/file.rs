//! The verification of a database, as the command line runs it.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Database};
use wallet_core::entry::EntryKind;

use super::commands::top_up;
use super::fixture::{Story, written};
use crate::verify::verify;

/// Executes statements, as an intruder would.
pub(super) async fn execute(url: &str, sql: &[&str]) {
    let connection = Database::connect(url).await.unwrap();
    for statement in sql {
        connection.execute_unprepared(statement).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_ledger_with_every_kind_of_entry_is_clean() {
    let stories = [
        Story::rich("ann"),
        Story::money_back("bob"),
        Story::subscribed("eve"),
        Story::closed("zoe"),
        Story::topped_up("kim"),
    ];
    let kinds: BTreeSet<EntryKind> = stories.iter().flat_map(Story::kinds).collect();
    let missing: Vec<EntryKind> = EntryKind::ALL.into_iter().filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?} do not occur");
    let (_folder, url) = written(&stories).await;
    let report = verify(&url).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.wallets, report.reservations), (5, 22), "{report}");
}

#[tokio::test]
async fn the_digest_does_not_depend_on_the_order_of_writing() {
    let (_a, one) = written(&[Story::rich("ann"), Story::of("bob")]).await;
    let (_b, other) = written(&[Story::of("bob"), Story::rich("ann")]).await;
    let (_c, longer) = written(&[Story::of("bob"), Story::rich("ann"), Story::of("eve")]).await;
    let [one, other, longer] = [verify(&one).await, verify(&other).await, verify(&longer).await]
        .map(|report| report.unwrap().digest);
    assert_eq!(one, other);
    assert_ne!(one, longer);
}

#[tokio::test]
async fn pages_join_without_losing_a_row() {
    let wallets: Vec<Story> = (0..150).map(|i| Story::rich(&format!("w{i}"))).collect();
    let (_folder, url) = written(&wallets).await;
    let report = verify(&url).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.wallets, report.reservations), (150, 150 * 9));
    assert!(report.entries > 4_000, "more than two pages: {report}");
}

#[tokio::test]
async fn an_unreadable_row_is_a_fault_and_the_others_are_read() {
    let (_folder, url) = written(&[Story::rich("ann"), Story::of("bob")]).await;
    let sql = [
        "UPDATE reservations SET terms = 'ff' WHERE reservation_id = 'j1'",
        "UPDATE grants SET details = 'none' WHERE origin_id = 'g1'",
        "UPDATE reservations SET allocations = X'ff' WHERE reservation_id = 'j2'",
    ];
    execute(&url, &sql).await;
    let report = verify(&url).await.unwrap();
    let text = report.to_string();
    assert_eq!(report.wallets, 2);
    for expected in [
        "a row of reservations is unreadable",
        "grant grant:g1 has unreadable details",
        "reservation j2 is unreadable: allocations",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_tail_that_was_cut_off_cleanly_changes_only_the_digest() {
    let (_a, whole) = written(&[Story::of("ann").and(top_up("t", "credits", 5))]).await;
    let (_b, cut) = written(&[Story::of("ann")]).await;
    let [whole, cut] = [verify(&whole).await.unwrap(), verify(&cut).await.unwrap()];
    assert!(whole.is_clean() && cut.is_clean());
    assert_ne!(whole.digest, cut.digest);
}

#[tokio::test]
async fn a_missing_database_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("none.db").display());
    assert!(verify(&url).await.is_err());
}
