//! Refunds and chargebacks: their ledger is clean, and tampering with it is found.

use wallet_core::entry::{EntryBalance, EntryKind};
use wallet_core::posting::{Part, Posting};
use wallet_core::reservation::{Allocation, Bill};
use wallet_core::wallet::Profile;
use wallet_core::{UnitId, binary};

use super::commands::{refund, top_up};
use super::fixture::Story;
use super::rows::{Rows, Tamper, alter, check_rows, repost};
use crate::store::tables::entries;

async fn check(table: &[(&str, Tamper)]) {
    let sound = Rows::of(&[Story::money_back("ann"), Story::of("bob")]).await;
    assert!(sound.clone().verified().is_clean(), "{}", sound.clone().verified());
    check_rows(&sound, table);
}

#[tokio::test]
async fn clawbacks_match_the_entries() {
    check(&[
        ("I2: grant top_up:t1 has clawback = 0, but 3 according to its entries", |r| {
            r.grant("t1").clawback = 0
        }),
        ("I2: grant top_up:t2 has clawback = 3, but 2 according to its entries", |r| {
            r.grant("t2").clawback = 3
        }),
        ("I2: grant grace:j4 has clawback = 0, but 2 according to its entries", |r| {
            r.grant("j4").clawback = 0
        }),
        ("I2: grant top_up:t4 has clawback = 2, but 0 according to its entries", |r| {
            r.grant("t4").clawback = 2
        }),
        ("I11: grant grace:j4 is found by purchase \"t9\", stems from \"t3\"", |r| {
            r.grant("j4").purchase = "t9".to_owned();
        }),
        ("I11: grant top_up:t1 is found by purchase \"t1\", stems from \"\"", |r| {
            r.grant("t1").purchase = "t1".to_owned();
        }),
        ("I3: 999 credits are owed, ", |r| r.balance("credits", |b| b.debt = 999)),
    ])
    .await;
}

/// Changes the reversed part of an allocation.
fn reversed(rows: &mut Rows, id: &str, from: i64, to: i64) {
    alter(&mut rows.reservation(id).allocations, |lines: &mut Vec<Allocation>| {
        lines.iter_mut().filter(|line| line.reversed == from).for_each(|line| line.reversed = to);
    });
}

fn unit() -> UnitId {
    "credits".parse().unwrap()
}

#[tokio::test]
async fn reversals_match_the_entries() {
    check(&[
        ("I8: reservation j6: billed 29 credits reversed", |r| {
            alter(&mut r.reservation("j6").bill, |bill: &mut Bill| _ = bill.reversed.set(&unit(), 29));
        }),
        ("I5: reservation j6: its allocations:", |r| {
            reversed(r, "j6", 30, 29);
        }),
        ("reversed 31,", |r| {
            reversed(r, "j6", 30, 31);
        }),
        ("I8: reservation j2: the debt: reversed 8 credits", |r| {
            reversed(r, "j2", 9, 8);
        }),
        ("from Consumed to Available in an entry Settled", |r| {
            r.entry_of(EntryKind::ChargeReversed, "j6").kind = EntryKind::Settled as i16;
            r.rehash();
        }),
        ("is ChargeReversed and names no reservation", |r| {
            r.entry(EntryKind::ChargeReversed).reservation_id = String::new();
            r.rehash();
        }),
    ])
    .await;
}

#[tokio::test]
async fn a_refund_takes_all_and_a_chargeback_makes_debt_of_used_credits() {
    check(&[
        ("I2: 1 of grant grace:j4 are left, but it was Refunded", |r| {
            repost(r.entry(EntryKind::TopUpRefunded), |postings| postings[0].amount -= 1);
            r.rehash();
        }),
        ("I2: grant top_up:t1 was Refunded with 50 Held, 40 Consumed", |r| {
            r.entry(EntryKind::ChargedBack).kind = EntryKind::TopUpRefunded as i16;
            r.rehash();
        }),
        ("I3: 39 credits are owed for a payment of which 40 were used", |r| {
            repost(r.entry(EntryKind::ChargedBack), |postings| {
                postings.iter_mut().filter(|p| p.to == Part::Owed).for_each(|p| p.amount -= 1);
            });
            r.rehash();
        }),
        ("I1: 30 credits of grant grace:j4 from Available to PaidOut in an entry Granted", |r| {
            r.entry(EntryKind::TopUpRefunded).kind = EntryKind::Granted as i16;
            r.rehash();
        }),
        ("I1: 9 credits consumed to repay debt, but 10 repaid", |r| {
            repost(r.entry_of(EntryKind::Settled, "j7"), |postings| {
                postings.iter_mut().filter(|p| p.from == Part::Available).for_each(|p| p.amount -= 1);
            });
            r.rehash();
        }),
        ("I3: states that 10 credits are available and 26 owed", |r| {
            let row = r.entry_of(EntryKind::Settled, "j7");
            alter(&mut row.balances, |balances: &mut Vec<EntryBalance>| balances[0].available = 10);
            r.rehash();
        }),
        ("I3: 6 credits are charged besides the hold, but 0 of the hold were clawed back", |r| {
            repost(r.entry_of(EntryKind::Failed, "j5"), |postings| postings.retain(|p| p.to == Part::Owed));
            r.rehash();
        }),
    ])
    .await;
}

/// Returns whether an entry withholds a window.
fn holds_back(row: &entries::Model) -> bool {
    let postings: Vec<Posting> = binary::decode_sparse(&row.postings).unwrap();
    row.kind == EntryKind::AllowanceGiven as i16 && postings.iter().any(|p| p.to == Part::PaidOut)
}

#[tokio::test]
async fn a_chargeback_of_a_period_takes_all_and_makes_debt_of_used_credits() {
    let sound = Rows::of(&[Story::disputed_year("ann"), Story::of("bob")]).await;
    assert!(sound.clone().verified().is_clean(), "{}", sound.clone().verified());
    check_rows(
        &sound,
        &[
            ("I32: withholds 0 of the 1 of grant period:1.0.", |r| {
                let withholds = |row: &&mut entries::Model| holds_back(row);
                let row = r.entries().find(withholds).unwrap();
                repost(row, |postings| postings.retain(|p| p.to != Part::PaidOut));
                r.rehash();
            }),
            ("whose period was not refunded", |r| {
                r.entry(EntryKind::ChargedBack).kind = EntryKind::GrantRevoked as i16;
                r.rehash();
            }),
            ("I2: 1 of grant period:1.0.0 are left, but it was ChargedBack", |r| {
                repost(r.entry(EntryKind::ChargedBack), |postings| {
                    let taken = postings.iter_mut().find(|p| p.to == Part::PaidOut && p.amount > 1);
                    taken.unwrap().amount -= 1;
                });
                r.rehash();
            }),
            ("I3: 39 credits are owed for a payment of which 40 were used", |r| {
                repost(r.entry(EntryKind::ChargedBack), |postings| {
                    postings.iter_mut().filter(|p| p.to == Part::Owed).for_each(|p| p.amount -= 1);
                });
                r.rehash();
            }),
        ],
    );
}

#[tokio::test]
async fn credits_of_an_unpaid_period_are_revoked_when_their_charge_is_reversed() {
    let sound = Rows::of(&[Story::unpaid_and_reversed("ann"), Story::of("bob")]).await;
    assert!(sound.clone().verified().is_clean(), "{}", sound.clone().verified());
    check_rows(
        &sound,
        &[
            ("I2: grant period:1.1.0 has clawback = 0, but 0 according to its entries; 5 Revoked", |r| {
                let row = r.profile();
                let mut profile: Profile = serde_json::from_str(&row.profile).unwrap();
                profile.unpaid_periods.clear();
                row.profile = serde_json::to_string(&profile).unwrap();
            }),
            ("I2: grant period:1.1.0 has clawback = 1, but 0 according to its entries; 5 Revoked", |r| {
                r.grant("1.1.0").clawback = 1;
            }),
            ("I2: grant period:1.0.0 has clawback = 0, but 0 according to its entries; 1 Revoked", |r| {
                r.grant("1.0.0").revoked = 1;
            }),
        ],
    );
}

#[tokio::test]
async fn a_chargeback_of_a_late_payment_leaves_the_credits_used_before_it() {
    for used in [10, 15] {
        let sound = Rows::of(&[Story::unpaid_and_disputed("ann", used), Story::of("bob")]).await;
        assert!(sound.clone().verified().is_clean(), "{}", sound.clone().verified());
        check_rows(
            &sound,
            &[("I3: 6 credits are owed for a payment of which 7 were used", |r| {
                repost(r.entry(EntryKind::ChargedBack), |postings| {
                    postings.iter_mut().filter(|p| p.to == Part::Owed).for_each(|p| p.amount -= 1);
                });
                r.rehash();
            })],
        );
    }
}

#[tokio::test]
async fn a_chargeback_of_a_plan_sold_again_leaves_the_credits_of_the_earlier_sale() {
    let sound = Rows::of(&[Story::sold_again_and_disputed("ann"), Story::of("bob")]).await;
    assert!(sound.clone().verified().is_clean(), "{}", sound.clone().verified());
    check_rows(
        &sound,
        &[("I2: 1 of grant period:2.0.0 are left, but it was ChargedBack", |r| {
            repost(r.entry(EntryKind::ChargedBack), |postings| {
                let taken = postings.iter_mut().find(|p| p.to == Part::PaidOut && p.amount > 1);
                taken.unwrap().amount -= 1;
            });
            r.rehash();
        })],
    );
}

/// Returns the allocations that it takes to verify a wallet with this many refunded purchases. Not in a release build,
/// which measures speed: there, allocations are not counted.
#[cfg(debug_assertions)]
async fn work_of_refunds(purchases: usize) -> u64 {
    let mut story = Story::of("ann");
    for n in 0..purchases {
        let (purchase, request) = (format!("t{n}"), format!("f{n}"));
        story = story.and(top_up(&purchase, "credits", 10)).and(refund(&request, &purchase));
    }
    let rows = Rows::of(&[story]).await;
    let measured = allocation_counter::measure(|| assert!(rows.verified().is_clean()));
    measured.count_total
}

#[cfg(debug_assertions)]
#[tokio::test]
async fn twice_as_many_refunds_are_twice_the_work_to_verify() {
    let (once, twice) = (work_of_refunds(100).await, work_of_refunds(200).await);
    assert!(twice < once * 21 / 10, "{once} allocations for 100 refunds, {twice} for 200");
}
