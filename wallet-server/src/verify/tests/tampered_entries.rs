//! Entries that were changed and rehashed by a forger: the postings show it.

use wallet_core::binary;
use wallet_core::entry::{EntryBalance, EntryKind};
use wallet_core::posting::{Account, Part, Posting};
use wallet_core::reservation::Terms;

use super::fixture::Story;
use super::rows::{Rows, alter, check, check_rows, repost};
use crate::store::tables::entries;

/// Changes an amount in an entry and rehashes the chain.
fn add(rows: &mut Rows, row: fn(&mut Rows) -> &mut entries::Model, amount: i64) {
    repost(row(rows), |postings| postings[0].amount += amount);
    rows.rehash();
}

#[tokio::test]
async fn a_posting_moves_credits_only_as_its_kind_of_entry_may() {
    check(&[
        ("I1: moves 0 credits", |r| add(r, |r| r.entry_of(EntryKind::Reserved, "j8"), -5)),
        ("I1: moves -1 credits", |r| add(r, |r| r.entry_of(EntryKind::Reserved, "j8"), -6)),
        ("from Available to Available in an entry Reserved", |r| {
            repost(r.entry(EntryKind::Reserved), |postings| postings[0].to = Part::Available);
        }),
        ("from Available to PaidOut in an entry Settled", |r| {
            repost(r.entry(EntryKind::Settled), |postings| {
                (postings[0].from, postings[0].to) = (Part::Available, Part::PaidOut);
            });
        }),
        ("from Owed to Held in an entry Reserved", |r| {
            repost(r.entry(EntryKind::Reserved), |postings| postings[0].from = Part::Owed);
        }),
        ("of the debt from Available to Held", |r| {
            repost(r.entry(EntryKind::Reserved), |postings| postings[0].account = Account::Debt);
        }),
        ("I1: 0 credits consumed to repay debt, ", |r| {
            let is_debt = |row: &&mut entries::Model| {
                let postings: Vec<Posting> = binary::decode_sparse(&row.postings).unwrap();
                postings.iter().any(|posting| posting.from == Part::Owed)
            };
            let granted = r.0.iter_mut().filter_map(|(_, row)| match row {
                crate::verify::rows::Row::Entry(row) if row.kind == EntryKind::Granted as i16 => Some(row),
                _ => None,
            });
            let row = granted.into_iter().find(is_debt).unwrap();
            repost(row, |postings| postings.retain(|p| p.to != Part::Consumed));
        }),
    ])
    .await;
}

#[tokio::test]
async fn parts_and_balances_are_the_fold_of_the_postings() {
    check(&[
        (
            "revision 2: I4: states 100 available, 0 held, 0 owed credits, but according to the postings 101",
            |r| {
                add(r, |r| r.entry(EntryKind::ToppedUp), 1);
            },
        ),
        ("I2: grant top_up:t1 has amount 100, issued were 101", |r| {
            add(r, |r| r.entry(EntryKind::ToppedUp), 1);
        }),
        ("I2: grant grant:g1 has 0 Held, but 1 according to the postings", |r| {
            add(r, |r| r.entry_of(EntryKind::Reserved, "j1"), 1)
        }),
        ("I3: -960 are Available in grant grant:g1", |r| {
            add(r, |r| r.entry_of(EntryKind::Reserved, "j1"), 960)
        }),
        ("were charged to the debt, but at most 50 may be", |r| {
            repost(r.entry_of(EntryKind::Settled, "j6"), |postings| {
                postings.iter_mut().filter(|p| p.to == Part::Owed).for_each(|p| p.amount += 100);
            });
            r.rehash();
        }),
        ("I4: the balance is", |r| add(r, |r| r.entry(EntryKind::SettledLate), 1)),
        ("I6: ", |r| {
            let other = "trainings".parse().unwrap();
            repost(r.entry(EntryKind::GrantExpired), |postings| postings[0].unit = other);
        }),
        ("I4: states", |r| {
            let row = r.entry(EntryKind::GrantExpired);
            alter(&mut row.balances, |balances: &mut Vec<EntryBalance>| balances[0].held += 1);
            r.rehash();
        }),
        ("I4: the units it moves", |r| {
            r.entry(EntryKind::GrantExpired).balances.clear();
            r.rehash();
        }),
        ("I2: grant top_up:t1 is issued again, after revision 2", |r| {
            repost(r.entry(EntryKind::ToppedUp), |postings| postings.push(postings[0].clone()));
        }),
        ("I2: grant grant:g1 is issued by an entry ToppedUp of another origin", |r| {
            r.entry(EntryKind::Granted).kind = EntryKind::ToppedUp as i16;
        }),
        ("I2: grant grant:g9 of 40 credits was not issued", |r| r.grant("g1").origin_id = "g9".to_owned()),
    ])
    .await;
}

#[tokio::test]
async fn a_reservation_ends_once_and_a_request_is_carried_out_once() {
    check(&[
        ("I7: reservation j1: is Settled, after Reserved at revision 6, Settled at revision", |r| {
            r.entry_of(EntryKind::Cancelled, "j2").reservation_id = "j1".to_owned();
            r.entry_of(EntryKind::Cancelled, "j1").kind = EntryKind::Settled as i16;
        }),
        ("I7: reservation j1: is Reserved, after Reserved at revision 6", |r| {
            r.entry_of(EntryKind::Started, "j1").kind = EntryKind::Reserved as i16;
        }),
        ("I7: reservation j2: is SettledLate, after Reserved at revision", |r| {
            r.entry_of(EntryKind::Cancelled, "j2").kind = EntryKind::SettledLate as i16;
        }),
        ("I7: is Started and names no reservation", |r| {
            r.entry(EntryKind::Started).reservation_id = String::new();
        }),
        ("is ToppedUp, and names a reservation", |r| {
            r.entry_of(EntryKind::Started, "j1").kind = EntryKind::ToppedUp as i16;
        }),
        ("I11: request r1 was carried out before", |r| {
            r.entry(EntryKind::WalletUpdated).request_id = "r1".to_owned();
            r.rehash();
        }),
    ])
    .await;
}

#[tokio::test]
async fn credits_expire_come_into_effect_and_are_revoked_as_a_whole() {
    check(&[
        ("I2: 1 of grant grant:g6 are left, of which 2 became Expired", |r| {
            add(r, |r| r.entry(EntryKind::GrantExpired), -1);
        }),
        ("I2: 1 of grant grant:g2 are left, of which 29 became Available", |r| {
            add(r, |r| r.entry(EntryKind::GrantEffective), -1);
        }),
        ("I2: 1 of grant grant:g4 are left, of which ", |r| {
            add(r, |r| r.entry(EntryKind::GrantRevoked), -1);
        }),
        ("I9: 3 of grant grant:g1 are usable at ", |r| r.grant("g1").available = 3),
        ("I9: 3 of grant grant:g2 are pending at ", |r| r.grant("g2").pending = 3),
    ])
    .await;
    let closed = Rows::of(&[Story::closed("ann"), Story::of("bob")]).await;
    check_rows(
        &closed,
        &[("are left in a wallet that is closed", |r| {
            repost(r.entry(EntryKind::WalletClosed), |postings| _ = postings.pop());
        })],
    );
}

#[tokio::test]
async fn amounts_are_those_that_the_commands_asked_for() {
    check(&[
        ("I2: grant top_up:t1 has 101 credits, but its command asked for others", |r| {
            r.grant("t1").amount = 101
        }),
        ("I2: grant grant:g1 has 41 credits, but its command asked for others", |r| {
            r.grant("g1").amount = 41
        }),
        ("I5: reservation j1 was agreed for other amounts than its Reserve asked for", |r| {
            alter(&mut r.reservation("j1").terms, |terms: &mut Terms| {
                _ = terms.amounts.set(&"credits".parse().unwrap(), 61);
            });
        }),
    ])
    .await;
}
