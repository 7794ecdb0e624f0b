//! Pages of rows packed into one cell, compared with the same rows read one by one.

use super::file::execute;
use super::fixture::{Story, written};
use crate::store::Store;
use crate::verify::rows::{Row, tables};

const ODD: &str = "UPDATE wallet_profiles SET profile = 'not JSON: \"\\ \u{1}\n\u{7f} \u{fffd} \u{1f4b0}'";

#[tokio::test]
async fn a_packed_page_equals_its_rows_read_one_by_one() {
    let stories = [Story::rich("ann"), Story::money_back("bob"), Story::subscribed("eve")];
    let (_folder, url) = written(&stories).await;
    execute(&url, &[ODD]).await;
    let snapshot = Store::open_read_only(&url).await.unwrap().snapshot().await.unwrap();
    for table in tables() {
        let packed: Vec<_> = table.packed(&snapshot, None, &[]).await.expect("it is packed").collect();
        let one_by_one: Vec<_> = table.row_by_row(&snapshot, None, &[]).await.unwrap().collect();
        assert!(!packed.is_empty());
        assert_eq!(format!("{packed:?}"), format!("{one_by_one:?}"));
    }
}

#[tokio::test]
async fn a_cell_of_another_type_is_unreadable_in_a_packed_page() {
    let (_folder, url) = written(&[Story::rich("ann")]).await;
    let text_for_bytes = "UPDATE wallets SET head = 'as many bytes as there should be'";
    let bytes_for_text = "UPDATE reservations SET worker = X'ff' WHERE reservation_id = 'j1'";
    let fraction_for_integer = "UPDATE grants SET priority = 0.5 WHERE origin_id = 'g1'";
    execute(&url, &[text_for_bytes, bytes_for_text, fraction_for_integer]).await;
    let snapshot = Store::open_read_only(&url).await.unwrap().snapshot().await.unwrap();
    let mut unreadable = Vec::new();
    for table in tables() {
        let Some(mut page) = table.packed(&snapshot, None, &[]).await else {
            unreadable.push("a page");
            continue;
        };
        unreadable.extend(
            page.find_map(|(_, row)| if let Row::Unreadable(table, _) = row { Some(table) } else { None }),
        );
    }
    // If the last row of a page is unreadable, so is the page: the key at which the next page begins is unknown.
    assert_eq!(unreadable, ["a page", "grants", "a page"]);
}
