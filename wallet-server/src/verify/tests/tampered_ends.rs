//! Holds that were ended after their expiry: their ledger is clean, and tampering with it is found.

use wallet_core::entry::EntryKind;
use wallet_core::reservation::{Bill, CancelReason};

use super::fixture::Story;
use super::rows::{Rows, alter, check_rows};

#[tokio::test]
async fn a_hold_that_was_ended_late_matches_its_entries() {
    let sound = Rows::of(&[Story::ended_late("ann"), Story::of("bob")]).await;
    assert!(sound.clone().verified().is_clean(), "{}", sound.clone().verified());
    check_rows(
        &sound,
        &[
            ("I7: reservation j1 is EXPIRED, but CANCELLED according to its entries", |r| {
                r.reservation("j1").state = 6
            }),
            ("I7: reservation j2 is SETTLED, but FAILED according to its entries", |r| {
                r.reservation("j2").state = 3
            }),
            ("I7: reservation j1 has finish_revision", |r| r.reservation("j1").finish_revision -= 1),
            ("I16: reservation j1 has an end that does not match its entries", |r| {
                alter(&mut r.reservation("j1").bill, |bill: &mut Bill| {
                    bill.cancel_reason = Some(CancelReason::Platform);
                });
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
