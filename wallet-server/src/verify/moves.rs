//! Which movement of credits belongs into which kind of entry: DESIGN's rules of money as a table.

use wallet_core::entry::{Entry, EntryBalance, EntryKind};
use wallet_core::posting::{Account, Part, Posting};
use wallet_core::{MAX_AMOUNT, UnitId};

use crate::verify::faults::Faults;

/// I1 of every posting: it moves something, between parts that its account has, as such an entry may.
pub(super) fn check(entry: &Entry, faults: &mut Faults) {
    for Posting { unit, account, from, to, amount } in &entry.postings {
        let at = entry.revision;
        faults.unless((1..=MAX_AMOUNT).contains(amount), at, || format!("I1: moves {amount} {unit}"));
        faults.unless(belongs(entry.kind, account, *from, *to), at, || {
            let account = name(account);
            format!("I1: {amount} {unit} of {account} from {from:?} to {to:?} in an entry {:?}", entry.kind)
        });
    }
    for EntryBalance { unit, .. } in &entry.balances {
        let (paid, repaid) = repayment(entry, unit);
        if matches!(entry.kind, EntryKind::Failed | EntryKind::Cancelled) && repaid == 0 {
            let (instead, gone) =
                (paid + sum(entry, unit, Part::Issued, Part::Owed), taken_from_holds(entry, unit));
            faults.unless(instead <= gone, entry.revision, || {
                format!("I3: {instead} {unit} are charged beside the hold, {gone} of it were taken back")
            });
        }
        // A charge that was debt comes off the debt without being paid.
        let reversed = entry.kind == EntryKind::ChargeReversed && paid < repaid;
        let fits = charges_available(entry, unit) || paid == repaid || reversed;
        faults.unless(fits, entry.revision, || {
            format!("I1: {paid} {unit} consumed to repay debt, {repaid} repaid")
        });
    }
}

/// Whether what becomes consumed of the available credits of a unit is a charge. Where debt is repaid it is not: credits
/// that return repay debt, and charges beside the hold leave nothing of it to return.
pub(super) fn charges_available(entry: &Entry, unit: &UnitId) -> bool {
    use EntryKind::{Cancelled, Failed, Settled, SettledLate};
    matches!(entry.kind, Settled | SettledLate | Failed | Cancelled)
        && sum(entry, unit, Part::Owed, Part::Issued) == 0
}

/// How an account is called in a fault.
pub(super) fn name(account: &Account) -> String {
    match account {
        Account::Grant(key) => format!("grant {key}"),
        Account::Debt => "the debt".to_owned(),
    }
}

/// What an entry moves of a unit between two parts, over all accounts.
pub(super) fn sum(entry: &Entry, unit: &UnitId, from: Part, to: Part) -> i128 {
    let moves = entry.postings.iter().filter(|p| p.unit == *unit && p.from == from && p.to == to);
    moves.map(|posting| i128::from(posting.amount)).sum()
}

/// What an entry makes owed, and how much of that no limit bounds: what was used of a purchase that is charged back, then
/// and later.
pub(super) fn new_debt(entry: &Entry, unit: &UnitId) -> (i128, i128) {
    let owed = sum(entry, unit, Part::Issued, Part::Owed);
    let unbounded = match entry.kind {
        EntryKind::ChargedBack => owed,
        _ => owed.min(taken_from_holds(entry, unit)),
    };
    (owed, unbounded)
}

fn taken_from_holds(entry: &Entry, unit: &UnitId) -> i128 {
    sum(entry, unit, Part::Held, Part::Revoked)
}

/// What of the available credits is consumed, which outside of charges is to repay debt, and what is repaid.
fn repayment(entry: &Entry, unit: &UnitId) -> (i128, i128) {
    (sum(entry, unit, Part::Available, Part::Consumed), sum(entry, unit, Part::Owed, Part::Issued))
}

/// Whether a plan's allowances are given by such an entry.
pub(super) const fn gives_allowances(kind: EntryKind) -> bool {
    use EntryKind::{AllowanceGiven, PaymentRecorded, PeriodBegan, PlanChanged, Subscribed, WalletCreated};
    matches!(kind, WalletCreated | Subscribed | PlanChanged | PaymentRecorded | PeriodBegan | AllowanceGiven)
}

fn belongs(kind: EntryKind, account: &Account, from: Part, to: Part) -> bool {
    use EntryKind::{
        Cancelled, ChargeReversed, ChargedBack, Failed, GrantEffective, GrantExpired, GrantRevoked, Granted,
        HoldExpired, Reserved, Settled, SettledLate, SubscriptionCancelled, SubscriptionEnded,
        SubscriptionRefunded, TopUpRefunded, ToppedUp,
    };
    use Part::{Available, Consumed, Expired, Held, Issued, Owed, PaidOut, Pending, Revoked};
    let gives_back = matches!(kind, Failed | Cancelled | HoldExpired);
    let gives = gives_back || gives_allowances(kind) || matches!(kind, ToppedUp | Granted | ChargeReversed);
    // Wherever credits become available they repay what is owed, and what a chargeback makes owed is repaid at once.
    let repays = gives || matches!(kind, GrantEffective | Settled | ChargedBack);
    let lapses =
        matches!(kind, GrantExpired | SubscriptionEnded | SubscriptionCancelled | SubscriptionRefunded);
    match (account, from, to) {
        (Account::Debt, Issued, Owed) => matches!(kind, Settled | Failed | Cancelled | ChargedBack),
        (Account::Debt, Owed, Issued) => repays,
        (Account::Debt, ..) => false,
        (_, Issued, Available) => gives,
        (_, Issued, Pending) => kind == Granted,
        (_, Pending, Available) => kind == GrantEffective,
        (_, Pending | Available, Expired) => lapses,
        (_, Pending | Available, Revoked) => matches!(kind, GrantRevoked | ChargedBack),
        (_, Pending | Available, PaidOut) => kind == TopUpRefunded,
        (_, Available, Held) => kind == Reserved,
        (_, Consumed, Available | Expired | Revoked) => kind == ChargeReversed,
        (_, Available, Consumed) => repays || kind == SettledLate,
        (_, Held, Consumed) => matches!(kind, Settled | Failed | Cancelled),
        (_, Held, Available | Expired | Revoked) => gives_back || kind == Settled,
        _ => false,
    }
}
