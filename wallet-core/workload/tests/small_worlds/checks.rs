//! Checks that every command on a wallet must pass.

use wallet_core::decide::{Outcome, Reserve, Settle};
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::finalize::GRACE_BOUND;
use wallet_core::posting::Part;
use wallet_core::reservation::{LATE_SETTLE, Reservation, State};
use wallet_core::view::Shown;
use wallet_core::{Amounts, Answer, ChangeSet, Command, Finished, Reply, Timestamp, UnitOfWork, Wallet};
use wallet_workload::{audit, catalogs};

/// Runs a command on the wallet in memory, with the checks that are possible only here.
pub(crate) fn run(wallet: &mut Wallet, now: Timestamp, command: &Command) -> (Reply, Finished) {
    let before = wallet.clone();
    let mut work = UnitOfWork::open(wallet, now);
    let reply = work.execute(command, catalogs()).unwrap();
    let finished = work.finish();
    chained(&before, wallet, &finished.entries);
    announced(&before, wallet, &finished.changes);
    finished.entries.iter().for_each(|entry| owes_within_its_limit(&before, entry));
    kept(wallet, now, command, &reply);
    for (id, reservation) in &before.reservations {
        let after = wallet.reservations[id].state;
        assert!(
            audit::step(reservation.state, after),
            "I7: {id} was {:?} and is {after:?}",
            reservation.state
        );
    }
    (reply, finished)
}

/// I1, I16, I18: entries move amounts, form a chain and contain the resulting balances.
fn chained(before: &Wallet, after: &Wallet, entries: &[Entry]) {
    let mut head = before.head;
    for (n, entry) in (1..).zip(entries) {
        assert_eq!(entry.revision, before.revision + n, "I16: {entry:?}");
        assert_eq!(entry.hash, entry.hash_after(&head), "I16: {entry:?}");
        assert!(entry.effective_time <= entry.record_time, "I18: {entry:?}");
        assert!(entry.postings.iter().all(|p| p.amount > 0 && p.from != p.to), "I1: {entry:?}");
        head = entry.hash;
    }
    for pair in entries.windows(2) {
        assert!(pair[0].effective_time <= pair[1].effective_time, "I18: {pair:?}");
    }
    assert_eq!(after.head, head, "I16");
    for (unit, balance) in &after.balances {
        let recorded =
            entries.iter().rev().flat_map(|entry| &entry.balances).find(|recorded| recorded.unit == *unit);
        let recorded =
            recorded.map_or_else(|| before.balance(unit.as_str()).available, |recorded| recorded.available);
        assert_eq!(balance.available, recorded, "I4: {unit}");
    }
}

/// Checks that the change set contains every change.
fn announced(before: &Wallet, after: &Wallet, changes: &ChangeSet) {
    for (key, grant) in &after.grants {
        let same = before.grants.get(key) == Some(grant);
        assert!(same || changes.grants.contains(key), "{key} changed and would not be written");
    }
    for (id, reservation) in &after.reservations {
        let same = before.reservations.get(id) == Some(reservation);
        assert!(same || changes.reservations.contains(id), "{id} changed and would not be written");
    }
    assert!(
        before.balances == after.balances || changes.raises_version,
        "the balances changed and would not be written"
    );
    assert!((before.status, &before.profile) == (after.status, &after.profile) || changes.profile);
}

/// I3: no unit has both debt and available credits, and the debt of overage is within the limit, apart from the
/// debt of chargebacks.
fn owes_within_its_limit(before: &Wallet, entry: &Entry) {
    for balance in &entry.balances {
        assert!(balance.available == 0 || balance.debt == 0, "I3: owed and available: {entry:?}");
        let sum = |from, to| -> i64 {
            let moves = entry.postings.iter().filter(|p| p.unit == balance.unit);
            moves.filter(|p| (p.from, p.to) == (from, to)).map(|p| p.amount).sum()
        };
        let (owed, gone) = (sum(Part::Issued, Part::Owed), sum(Part::Held, Part::Revoked));
        let limit = before.balance(balance.unit.as_str()).debt_limit;
        let within = balance.debt <= limit.max(balance.debt - owed + gone);
        let limited = owed > 0 && entry.kind != EntryKind::ChargedBack;
        assert!(!limited || within, "I3: the debt is {}, the limit {limit}: {entry:?}", balance.debt);
    }
}

/// Checks the promises that hold after every command.
fn kept(wallet: &Wallet, now: Timestamp, command: &Command, reply: &Reply) {
    for reservation in wallet.reservations.values() {
        assert!(!reservation.is_due(now), "I9: {} is open after its deadline", reservation.id);
        let longest = reservation.last_deadline();
        assert!(reservation.deadline <= longest, "{} is held for longer than a day", reservation.id);
        let Some(finish) = &reservation.finish else { continue };
        for (unit, fee) in finish.bill.fees.iter() {
            let reserved = reservation.terms.amounts.get(unit.as_str());
            assert!(2 * fee <= reserved, "{}: a fee of {fee} for {reserved}", reservation.id);
        }
    }
    for grant in wallet.grants.values() {
        assert!(grant.parts.available == 0 || grant.expire_time > now, "{} has expired", grant.key);
        let first = grant.details.stems_from.as_ref().and_then(|first| wallet.grants.get(first));
        let bound = first.map(|first| first.expire_time.plus(GRACE_BOUND));
        assert!(bound.is_none_or(|bound| grant.expire_time <= bound), "{} outlives its grace", grant.key);
    }
    let Ok(answer) = &reply.result else { return };
    match (command, answer.shown.reservation()) {
        (Command::Settle(Settle { attempt: Some(attempt), .. }), Some(job)) => {
            assert!(!job.state.is_open() && *attempt >= job.attempt, "{job:?} was settled by {attempt}");
        }
        // A job whose cancel was confirmed is never charged later.
        (Command::Cancel(_), Some(job)) => {
            let too_late = job.state == State::Expired && now >= job.deadline.plus(LATE_SETTLE);
            assert!(job.state == State::Cancelled || too_late, "{job:?} was cancelled");
        }
        (Command::Settle(Settle { outcome: Outcome::Failed(_), .. }), Some(job)) => {
            let too_late = job.state == State::Expired && now >= job.deadline.plus(LATE_SETTLE);
            assert!(job.state == State::Failed || too_late, "{job:?} failed");
        }
        (Command::Settle(_), Some(job)) => {
            assert!(!job.state.is_open(), "{job:?} was ended");
        }
        (Command::Reserve(Reserve { start: Some(_), .. }) | Command::Start(_), Some(job)) => {
            assert!(job.state.is_open(), "{job:?} has ended and may run again");
        }
        (Command::Settle(_) | Command::Cancel(_), None) => panic!("no job, but {:?}", answer.shown),
        (Command::TopUp(_), None) if !answer.replayed => {
            let grants = answer.shown.grants().expect("a purchase shows its grants");
            for grant in grants.iter().filter(|grant| grant.parts.available > 0) {
                assert_eq!(wallet.balance(grant.unit.as_str()).debt, 0, "{} repaid nothing", grant.key);
            }
        }
        _ => {}
    }
}

/// I11, I12: a repeated command has no second effect, and its reply equals the first one, except for balances and
/// for the current state of a job that has continued since.
pub(crate) fn replayed(command: &Command, first: &Shown, reply: &Reply, entries: &[Entry], due: usize) {
    assert_eq!(entries.len(), due, "I11: {command:?} has a second effect: {entries:?}");
    match (command, &reply.result) {
        // A heartbeat is not a replay: it moves the deadline each time.
        (Command::Extend(_), _) => {}
        // A repeated Reserve shows the job in its current state. Only permission to run it may be refused.
        (Command::Reserve(Reserve { start: Some(_), .. }) | Command::Start(_), Err(rejection)) => {
            let reason = rejection.reason();
            let moved_on = reason.starts_with("RESERVATION_") || reason == "STALE_ATTEMPT";
            assert!(moved_on, "I12: {command:?} is refused: {reason}");
        }
        (_, Ok(answer)) => {
            assert!(answer.replayed, "I12: {command:?} is not recognised");
            same_answer(command, first, answer);
        }
        (_, Err(rejection)) => panic!("I12: {command:?} is refused: {rejection}"),
    }
}

fn same_answer(command: &Command, first: &Shown, again: &Answer) {
    let again = &again.shown;
    assert_eq!(
        first.wallet().is_some(),
        again.wallet().is_some(),
        "I12: {command:?}: {first:?}, then {again:?}"
    );
    match (first.reservation(), again.reservation()) {
        (Some(first), Some(again)) => {
            let final_word = matches!(command, Command::Settle(_) | Command::Cancel(_));
            let same = without_reversals(first) == without_reversals(again);
            assert!(!final_word || same, "I12: {command:?}: {first:?}, then {again:?}");
            assert_eq!((&first.id, &first.terms), (&again.id, &again.terms), "I12");
            assert_eq!(
                (first.reserve_time, first.reserve_revision),
                (again.reserve_time, again.reserve_revision)
            );
        }
        (None, None) => {
            let recorded = |shown: &Shown| -> Option<Vec<_>> {
                let grants = shown.grants()?.iter();
                Some(grants.map(|g| (g.key.clone(), g.amount, g.source, g.create_time)).collect())
            };
            assert_eq!(recorded(first), recorded(again), "I12: {command:?}");
        }
        (first, again) => panic!("I12: {command:?}: {first:?}, then {again:?}"),
    }
}

/// Returns a job as it was before any of its charge was reversed.
fn without_reversals(job: &Reservation) -> Reservation {
    let mut job = job.clone();
    job.allocations.iter_mut().for_each(|allocation| allocation.reversed = 0);
    if let Some(finish) = &mut job.finish {
        finish.bill.reversed = Amounts::none();
    }
    job
}

/// Returns the wallet after all due events, processed in steps of `most` events.
pub(crate) fn advanced_by(most: usize, wallet: &Wallet, now: Timestamp) -> Wallet {
    let mut copy = wallet.clone();
    while !UnitOfWork::open(&mut copy, now).process_due_within(most).unwrap() {}
    copy
}

/// Returns the wallet after all due events, and the number of their entries.
pub(crate) fn advanced(wallet: &Wallet, now: Timestamp) -> (Wallet, usize) {
    let mut copy = wallet.clone();
    let mut work = UnitOfWork::open(&mut copy, now);
    work.process_due().unwrap();
    let due = work.finish().entries.len();
    (copy, due)
}
