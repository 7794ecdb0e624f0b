//! Rows that were changed without an entry: each value is compared with the entries.

use wallet_core::reservation::{Allocation, Bill, Terms};
use wallet_core::wallet::Balance;
use wallet_core::{Source, UnitId};

use super::rows::{Rows, alter, check};
use crate::verify::rows::Row;

/// Changes the first allocation of a job.
fn line(rows: &mut Rows, id: &str, change: fn(&mut Allocation)) {
    alter(&mut rows.reservation(id).allocations, |lines: &mut Vec<Allocation>| change(&mut lines[0]));
}

fn bill(rows: &mut Rows, id: &str, change: fn(&mut Bill)) {
    alter(&mut rows.reservation(id).bill, change);
}

fn unit() -> UnitId {
    "credits".parse().unwrap()
}

#[tokio::test]
async fn a_grant_matches_its_postings() {
    check(&[
        ("I2: grant top_up:t1 has 101 Available", |r| {
            let grant = r.grant("t1");
            grant.available = 101;
        }),
        ("its parts add up to", |r| r.grant("t1").expired += 1),
        ("I2: grant top_up:t1 has amount 99, issued were 100", |r| r.grant("t1").amount = 99),
        ("Pending, but 0 according to the postings", |r| r.grant("g2").pending = 1),
        ("Held, ", |r| r.grant("g4").held += 1),
        ("Consumed, ", |r| r.grant("t1").consumed -= 1),
        ("Revoked, ", |r| r.grant("t1").revoked += 1),
        ("1 PaidOut, but 0 according to the postings", |r| r.grant("t1").paid_out += 1),
        ("I3: grant top_up:t1 has -1 PaidOut", |r| r.grant("t1").paid_out = -1),
        ("I6: grant top_up:t1 has unit trainings", |r| r.grant("t1").unit = "trainings".to_owned()),
        ("I2: grant grant:g1 has open = true", |r| r.grant("g1").open = true),
        ("I2: grant grant:g4 has clawback = 0, but 1 according to its entries", |r| {
            r.grant("g4").clawback = 0
        }),
        ("I2: grant grant:g3 has clawback = 1, but 0 according to its entries", |r| {
            r.grant("g3").clawback = 1
        }),
        ("I2: grant grant:g6 has expire_time", |r| r.grant("g6").expire_time += 1),
        ("I2: grant grant:g2 has effective_time", |r| r.grant("g2").effective_time += 1),
        ("I2: grant top_up:t1 has create_time", |r| r.grant("t1").create_time += 1),
        ("and was issued with pending = true", |r| r.grant("g2").effective_time = 0),
        ("I9: grant grant:g2 has next_time", |r| r.grant("g2").next_time = 5),
        ("I11: grant top_up:t1 is found by payment", |r| r.grant("t1").payment = "stripe#t9".to_owned()),
        ("grant top_up:t1 has unreadable details", |r| r.grant("t1").details = String::new()),
        ("has source 9, which is unknown", |r| r.grant("t1").source = 9),
        ("a grant has origin 9, which is unknown", |r| r.grant("t1").origin = 9),
        ("I2: grant top_up:t1 has no row", |r| {
            r.remove(|row| matches!(row, Row::Grant(row) if row.origin_id == "t1"));
        }),
    ])
    .await;
}

#[tokio::test]
async fn a_balance_matches_the_postings() {
    check(&[
        ("I4: the balance is", |r| r.balance("credits", |b| b.available += 1)),
        ("I4: the balance is", |r| r.balance("credits", |b| b.held -= 1)),
        ("I4: the balance is 3 available, 0 held, 1 owed trainings", |r| {
            r.balance("trainings", |b| b.debt = 1)
        }),
        ("I3: 60 credits are owed, but at most 50 may be", |r| r.balance("credits", |b| b.debt = 60)),
        ("trainings according to the postings have no stored balance", |r| {
            r.balances(|all| _ = all.remove("trainings"));
        }),
        ("I4: the balance is 1 available, 0 held, 0 owed coins", |r| {
            r.balances(|all| {
                let moved = all.remove("credits").unwrap();
                all.insert("coins".parse().unwrap(), Balance { available: 1, held: 0, ..moved });
            });
        }),
        ("I5: counts 3 open reservations, but has 2", |r| r.wallet().open_reservations = 3),
    ])
    .await;
}

#[tokio::test]
async fn a_reservation_matches_its_entries() {
    check(&[
        ("I7: reservation j1 is FAILED, but SETTLED according to its entries", |r| {
            r.reservation("j1").state = 4
        }),
        ("I7: reservation j7 is PROCESSING, but HELD according to its entries", |r| {
            r.reservation("j7").state = 2
        }),
        ("I9: reservation j1 is open, but has no hold at its sweep_at", |r| r.reservation("j1").state = 1),
        ("I7: reservation j1 has revision 5, but 6 according", |r| r.reservation("j1").revision = 5),
        ("I7: reservation j1 has finish_revision", |r| r.reservation("j1").finish_revision += 1),
        ("I7: reservation j3 has finish_revision", |r| r.reservation("j3").finish_revision -= 1),
        ("I7: reservation j4 has reserve_time", |r| r.reservation("j4").reserve_time += 1),
        ("I7: reservation j1 has finish_time", |r| r.reservation("j1").finish_time += 1),
        ("I7: reservation j1 has start_time", |r| r.reservation("j1").start_time += 1),
        ("I16: reservation j2 has a run that does not match its entries: attempt 0", |r| {
            r.reservation("j2").attempt = 0
        }),
        ("I9: reservation j3 has deadline", |r| r.reservation("j3").deadline += 1),
        ("I9: reservation j1 has deadline", |r| r.reservation("j1").deadline = 0),
        ("I9: reservation j8 has deadline", |r| r.reservation("j8").sweep_at = i64::MAX),
        ("reservation j8 is unreadable: id", |r| r.reservation("j8").worker = " ".to_owned()),
        ("reservation j1 is unreadable: terms", |r| r.reservation("j1").terms.clear()),
        ("reservation j1 is unreadable: bill", |r| r.reservation("j1").bill.clear()),
        ("I7: reservation j9 is in no entry", |r| r.reservation("j1").reservation_id = "j9".to_owned()),
        ("I7: reservation j1 has no row", |r| {
            r.remove(|row| matches!(row, Row::Reservation(row) if row.reservation_id == "j1"));
        }),
    ])
    .await;
}

#[tokio::test]
async fn a_receipt_matches_the_postings_and_its_bill() {
    check(&[
        ("I8: reservation j1: grant", |r| line(r, "j1", |line| line.charged += 100)),
        ("I5: reservation j1: its allocations", |r| line(r, "j1", |line| line.held += 100)),
        ("I5: reservation j1: grant top_up:t1 is Some(Purchased), but Some(Promotional) according to its receipt", |r| {
            alter(&mut r.reservation("j1").allocations, |lines: &mut Vec<Allocation>| {
                let bought = lines.iter_mut().find(|line| line.source == Some(Source::Purchased)).unwrap();
                bought.source = Some(Source::Promotional);
            });
        }),
        ("I5: reservation j1: its postings", |r| r.reservation("j1").allocations.clear()),
        ("I5: reservation j7: its allocations hold", |r| line(r, "j7", |line| line.held += 100)),
        ("of grant grant:g4 are held according to the postings, but 0 according to open reservations", |r| {
            r.reservation("j7").allocations.clear();
        }),
        ("credits are held according to the postings, but ", |r| r.reservation("j7").allocations.clear()),
        ("I8: reservation j3: returned as", |r| {
            alter(&mut r.reservation("j3").allocations, |lines: &mut Vec<Allocation>| {
                let graces = lines.iter_mut().filter_map(|line| line.grace.as_mut());
                graces.for_each(|grace| grace.n += 1);
            });
        }),
        ("I8: reservation j1: billed 46 credits charged, but its allocations add up to 45", |r| {
            bill(r, "j1", |bill| _ = bill.charged.set(&unit(), 46));
        }),
        ("I8: reservation j1: billed 16 credits returned", |r| {
            bill(r, "j1", |bill| _ = bill.returned.set(&unit(), 16));
        }),
        ("I8: reservation j2: billed 9 credits as a fee", |r| {
            bill(r, "j2", |bill| _ = bill.fees.set(&unit(), 9));
        }),
        ("I8: reservation j6: charged", |r| {
            alter(&mut r.reservation("j6").terms, |terms: &mut Terms| _ = terms.max_amounts.set(&unit(), 5));
        }),
        ("I7: reservation j3: (late, failed, cancelled)", |r| bill(r, "j3", |bill| bill.late = false)),
    ])
    .await;
}
