//! Holds that were ended after they had expired: a ledger of them is clean, and tampering with them is found.

use wallet_core::entry::EntryKind;

use super::fixture::Story;
use super::rows::{Rows, check_rows};

#[tokio::test]
async fn a_hold_that_was_ended_late_says_what_its_entries_say() {
    let sound = Rows::of(&[Story::ended_late("ann"), Story::of("bob")]).await;
    assert!(sound.clone().verified().is_clean(), "{}", sound.clone().verified());
    check_rows(
        &sound,
        &[
            ("I7: reservation j1 is EXPIRED, CANCELLED by its entries", |r| r.reservation("j1").state = 6),
            ("I7: reservation j2 is SETTLED, FAILED by its entries", |r| r.reservation("j2").state = 3),
            ("I7: reservation j1 has finish_revision", |r| r.reservation("j1").finish_revision -= 1),
            ("I16: reservation j1 did not end as its entries say", |r| {
                let bill = &mut r.reservation("j1").bill;
                *bill = bill.replace("\"USER\"", "\"PLATFORM\"");
            }),
            ("I7: reservation j1: is Failed, after Reserved at revision 3, Expired at revision", |r| {
                let late = r.entry_of(EntryKind::Failed, "j2");
                late.reservation_id = "j1".to_owned();
                r.rehash();
            }),
            ("I7: reservation j1: is Cancelled, after", |r| {
                let settled = r.entry_of(EntryKind::SettledLate, "j3").postings.clone();
                r.entry_of(EntryKind::Cancelled, "j1").postings = settled;
                r.rehash();
            }),
        ],
    );
}
