//! Pages of rows packed into one cell, and the same rows one by one.

use super::file::execute;
use super::fixture::{Story, written};
use crate::store::Store;
use crate::verify::rows::tables;

const ODD: &str = "UPDATE wallet_profiles SET profile = 'not JSON: \"\\ \u{1}\n\u{7f} \u{fffd} \u{1f4b0}'";

#[tokio::test]
async fn a_page_says_packed_what_its_rows_say_one_by_one() {
    let stories = [Story::rich("ann"), Story::money_back("bob"), Story::subscribed("eve")];
    let (_folder, url) = written(&stories).await;
    execute(&url, &[ODD]).await;
    let snapshot = Store::open_read_only(&url).await.unwrap().snapshot().await.unwrap();
    for table in tables() {
        let packed = table.packed(&snapshot, None, &[]).await.expect("it is packed");
        let one_by_one = table.row_by_row(&snapshot, None, &[]).await.unwrap();
        assert!(!packed.rows.is_empty(), "{packed:?}");
        assert_eq!(format!("{packed:?}"), format!("{one_by_one:?}"));
    }
}

#[tokio::test]
async fn a_page_with_a_cell_of_another_type_is_not_packed() {
    let (_folder, url) = written(&[Story::rich("ann")]).await;
    let text_for_bytes = "UPDATE wallets SET head = 'as many bytes as there should be'";
    let bytes_for_text = "UPDATE reservations SET terms = X'ff' WHERE reservation_id = 'j1'";
    execute(&url, &[text_for_bytes, bytes_for_text]).await;
    let snapshot = Store::open_read_only(&url).await.unwrap().snapshot().await.unwrap();
    let mut packed = Vec::new();
    for table in tables() {
        packed.push(table.packed(&snapshot, None, &[]).await.is_some());
    }
    assert_eq!(packed, [false, true, true, true, true, true, false], "neither wallets nor reservations");
}
