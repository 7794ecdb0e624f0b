//! Text and settings in rows that were changed consistently: only the row digests in the entries show it.

use wallet_core::catalog::Overage;
use wallet_core::decide::Cost;
use wallet_core::entry::EntryKind;
use wallet_core::grant::GrantKey;
use wallet_core::reservation::{Bill, CancelReason, Terms};
use wallet_core::row_digests::RowDigests;
use wallet_core::{Amounts, Timestamp};

use super::commands::{
    buy, credits, end as cancel_subscription, reserve, settle, subscribe, suspend, top_up,
};
use super::fixture::{MINUTE, START, Story};
use super::rows::{Rows, Tamper, alter, check, check_rows};
use crate::store::tables::grants;

/// Replaces the first occurrence of a text, which must exist.
fn replace(text: &mut String, [from, to]: [&str; 2]) {
    assert!(text.contains(from), "{from} is in {text}");
    *text = text.replacen(from, to, 1);
}

/// Moves the expiry of a grant, and its `next_time` with it.
fn end(grant: &mut grants::Model, days: u32) {
    let end = START.plus(MINUTE * 24 * 60 * days).as_micros();
    (grant.expire_time, grant.next_time) = (end, end);
}

#[tokio::test]
async fn a_grant_matches_the_entry_that_issued_it() {
    const T1: &str = "I16: grant top_up:t1 does not match its entries";
    const G3: &str = "I16: grant grant:g3 does not match its entries";
    check(&[
        (T1, |r| r.grant("t1").source = 6),
        (T1, |r| r.grant("t1").priority = -1),
        (T1, |r| end(r.grant("t1"), 400)),
        (G3, |r| end(r.grant("g3"), 400)),
        (G3, |r| r.grant("g3").effective_time += 1_000),
        ("I16: grant grant:g2 does not match", |r| {
            let grant = r.grant("g2");
            (grant.expire_time, grant.next_time) =
                (Timestamp::NEVER.as_micros(), Timestamp::NEVER.as_micros());
        }),
        (T1, |r| {
            replace(&mut r.grant("t1").details, ["\"id\":\"t1\"", "\"id\":\"t9\""]);
            r.grant("t1").payment = "stripe#t9".to_owned();
        }),
        (G3, |r| replace(&mut r.grant("g3").details, ["welcome", "refund!"])),
        (G3, |r| replace(&mut r.grant("g3").details, ["\"fingerprint\":\"", "\"fingerprint\":\"x=y;"])),
        (G3, |r| replace(&mut r.grant("g3").details, ["{", "{\"with_subscription\":true,"])),
        (G3, |r| replace(&mut r.grant("g3").details, ["{", "{ "])),
        ("I16: grant grace:j3 does not match", |r| {
            replace(
                &mut r.grant("j3").details,
                ["\"stems_from\":\"grant:g5\"", "\"stems_from\":\"grant:g1\""],
            );
        }),
    ])
    .await;
}

#[tokio::test]
async fn a_grant_that_ended_with_its_subscription_matches_the_entry() {
    let story = Story::of("ann").and(subscribe("s1", "basic")).and(buy("t1", "with"));
    // Everything is held, so no posting shows when the grant ends.
    let story = story.and(reserve("j1", 39, 39, None)).and(cancel_subscription("e1", true));
    let sound = Rows::of(&[story, Story::of("bob")]).await;
    assert!(sound.clone().verified().is_clean(), "{}", sound.clone().verified());
    check_rows(
        &sound,
        &[
            ("I16: grant period:1.0.0 does not match", |r| end(r.grant("1.0.0"), 7)),
            ("I16: grant top_up:t1 does not match", |r| end(r.grant("t1"), 400)),
        ],
    );
}

#[tokio::test]
async fn status_and_debt_limits_match_the_entries() {
    let suspended = Rows::of(&[Story::rich("ann").and(suspend("s1")), Story::of("bob")]).await;
    assert!(suspended.clone().verified().is_clean(), "{}", suspended.clone().verified());
    let table: &[(&str, Tamper)] = &[
        ("I16: has status 1, but is Suspended according to its entries", |r| r.wallet().status = 1),
        ("I16: the debt limit is 5000 credits, but 70 according to the entries", |r| {
            r.balance("credits", |b| b.debt_limit = 5_000)
        }),
        ("I16: the debt limit is 1 trainings, but 0 according to the entries", |r| {
            r.balance("trainings", |b| b.debt_limit = 1)
        }),
    ];
    check_rows(&suspended, table);
    check(&[
        ("I16: has status 2, but is Active according to its entries", |r| r.wallet().status = 2),
        ("I16: has status 3, but is Active according to its entries", |r| r.wallet().status = 3),
        ("I16: the debt limit is 51 credits, but 50 according to the entries", |r| {
            r.balance("credits", |b| b.debt_limit = 51)
        }),
    ])
    .await;
}

#[tokio::test]
async fn a_profile_matches_the_last_entry() {
    const SAID: &str = "I16: its profile does not match its entries";
    check(&[
        (SAID, |r| replace(&mut r.profile().profile, ["Ann", "Bob"])),
        (SAID, |r| replace(&mut r.profile().profile, ["\"sales\":0", "\"sales\":1"])),
        (SAID, |r| {
            replace(&mut r.profile().profile, ["\"low_balance\":{\"credits\"", "\"low_balance\":{\"coins\""])
        }),
        (SAID, |r| r.profile().profile = "{}".to_owned()),
    ])
    .await;
    let subscribed = Rows::of(&[Story::subscribed("ann"), Story::of("bob")]).await;
    let table: &[(&str, Tamper)] = &[
        (SAID, |r| replace(&mut r.profile().profile, ["\"amount\":30", "\"amount\":9000"])),
        (SAID, |r| replace(&mut r.profile().profile, ["\"first\":", "\"first\":9"])),
        (SAID, |r| replace(&mut r.profile().profile, ["\"anchor\":", "\"anchor\":1"])),
    ];
    check_rows(&subscribed, table);
    let refunded = Rows::of(&[Story::money_back("ann"), Story::of("bob")]).await;
    check_rows(
        &refunded,
        &[(SAID, |r| replace(&mut r.profile().profile, ["\"refunds\":{\"f3\"", "\"refunds\":{\"f4\""]))],
    );
}

#[tokio::test]
async fn the_terms_of_a_reservation_match_its_entry() {
    const J7: &str = "I16: reservation j7 does not match its entries";
    fn terms(rows: &mut Rows, change: fn(&mut Terms)) {
        alter(&mut rows.reservation("j7").terms, change);
    }
    check(&[
        (J7, |r| {
            terms(r, |terms| _ = terms.max_amounts.set(&credits(1).units().next().unwrap().clone(), 99))
        }),
        (J7, |r| terms(r, |terms| terms.policies.overage = Overage::RequireFull)),
        (J7, |r| terms(r, |terms| terms.labels.values_mut().for_each(|label| *label = "p2".to_owned()))),
        (J7, |r| terms(r, |terms| terms.actor = Some("max".parse().unwrap()))),
        (J7, |r| r.reservation("j7").fingerprint = Vec::new()),
    ])
    .await;
}

#[tokio::test]
async fn the_text_of_a_bill_matches_the_entry() {
    fn bill(rows: &mut Rows, id: &str, change: fn(&mut Bill)) {
        alter(&mut rows.reservation(id).bill, change);
    }
    const J5: &str = "I16: reservation j5 has an end that does not match its entries";
    const J2: &str = "I16: reservation j2 has an end that does not match its entries";
    check(&[
        (J5, |r| bill(r, "j5", |bill| bill.failure.as_mut().unwrap().code = "GPU".to_owned())),
        (J5, |r| r.reservation("j5").finalizer = Vec::new()),
        (J2, |r| bill(r, "j2", |bill| bill.cancel_reason = Some(CancelReason::Platform))),
        ("I16: reservation j1 has an end", |r| bill(r, "j1", |bill| bill.uncollected = credits(5))),
    ])
    .await;
    let story = Story::with_overage("CAP_AT_RESERVED", "ann").and(top_up("t", "credits", 9));
    let story = story.and(reserve("j", 5, 5, None)).and(settle("j", Cost::Amounts(credits(7)), false));
    let sound = Rows::of(&[story, Story::of("bob")]).await;
    check_rows(
        &sound,
        &[
            ("I16: reservation j has an end", |r| bill(r, "j", |bill| bill.uncollected = credits(1))),
            ("I16: reservation j has an end", |r| bill(r, "j", |bill| bill.uncollected = Amounts::none())),
        ],
    );
}

#[tokio::test]
async fn the_facts_of_an_entry_are_readable_and_hashed() {
    check(&[
        ("I16: has hash", |r| r.entry(EntryKind::Reserved).row_digests.clear()),
        ("is unreadable", |r| r.entry(EntryKind::Reserved).row_digests.truncate(1)),
        ("is unreadable", |r| r.entry(EntryKind::Reserved).row_digests.push(0)),
        ("the entry is unreadable", |r| r.entry(EntryKind::Reserved).row_digests = b"x".to_vec()),
        ("I16: concerns grant top_up:t9, which was not issued", |r| {
            alter(&mut r.entry(EntryKind::ToppedUp).row_digests, |digests: &mut RowDigests| {
                let digest = digests.grants.pop_first().unwrap().1;
                digests.grants.insert(GrantKey::parse("top_up:t9").unwrap(), digest);
            });
            r.rehash();
        }),
        ("I16: grant top_up:t1 does not match its entries", |r| {
            r.entry(EntryKind::ToppedUp).row_digests.clear();
            r.rehash();
        }),
    ])
    .await;
}
