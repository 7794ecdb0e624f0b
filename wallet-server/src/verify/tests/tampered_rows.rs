//! Rows that were changed without an entry: each value is compared with the entries.

use wallet_core::wallet::Balance;

use super::rows::{Rows, check};
use crate::store::tables::reservations;
use crate::verify::rows::Row;

fn replace(
    rows: &mut Rows,
    id: &str,
    column: fn(&mut reservations::Model) -> &mut String,
    change: [&str; 2],
) {
    let text = column(rows.reservation(id));
    let [from, to] = change;
    assert!(text.contains(from), "{from} is in {text}");
    *text = text.replacen(from, to, 1);
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
        ("reservation j1 is unreadable: terms", |r| r.reservation("j1").terms = String::new()),
        ("reservation j1 is unreadable: bill", |r| r.reservation("j1").bill = String::new()),
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
        ("I8: reservation j1: grant", |r| replace(r, "j1", |r| &mut r.allocations, ["\"c\":", "\"c\":1"])),
        ("I5: reservation j1: its allocations", |r| {
            replace(r, "j1", |r| &mut r.allocations, ["\"h\":", "\"h\":1"]);
        }),
        ("I5: reservation j1: grant top_up:t1 is Some(Purchased), but Some(Promotional) according to its receipt", |r| {
            replace(r, "j1", |r| &mut r.allocations, ["\"PURCHASED\"", "\"PROMOTIONAL\""]);
        }),
        ("I5: reservation j1: its postings", |r| r.reservation("j1").allocations = "[]".to_owned()),
        ("I5: reservation j7: its allocations hold", |r| {
            replace(r, "j7", |r| &mut r.allocations, ["\"h\":", "\"h\":1"]);
        }),
        ("of grant grant:g4 are held according to the postings, but 0 according to open reservations", |r| {
            r.reservation("j7").allocations = "[]".to_owned();
        }),
        ("credits are held according to the postings, but ", |r| r.reservation("j7").allocations = "[]".to_owned()),
        ("I8: reservation j3: returned as", |r| {
            replace(r, "j3", |r| &mut r.allocations, ["\"g\":\"grace:j3\"", "\"g\":\"grace:j3#1\""]);
        }),
        ("I8: reservation j1: billed 46 credits charged, but its allocations add up to 45", |r| {
            replace(r, "j1", |r| &mut r.bill, ["45", "46"]);
        }),
        ("I8: reservation j1: billed 16 credits returned", |r| {
            replace(r, "j1", |r| &mut r.bill, ["15", "16"])
        }),
        ("I8: reservation j2: billed 9 credits as a fee", |r| {
            replace(r, "j2", |r| &mut r.bill, ["\"fees\":{\"credits\":10", "\"fees\":{\"credits\":9"]);
        }),
        ("I8: reservation j6: charged", |r| replace(r, "j6", |r| &mut r.terms, ["500", "5"])),
        ("I7: reservation j3: (late, failed, cancelled)", |r| {
            replace(r, "j3", |r| &mut r.bill, ["\"late\":true", "\"late\":false"]);
        }),
    ])
    .await;
}
