//! The movements of credits that each kind of entry may contain: the rules of money of `docs/design.md` as a table.

use wallet_core::entry::{Entry, EntryBalance, EntryKind};
use wallet_core::posting::{Account, Part, Posting};
use wallet_core::{MAX_AMOUNT, UnitId};

use crate::verify::faults::Faults;

/// Checks I1 for every posting: its amount is above 0, and an entry of this kind may move credits between these parts.
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
            let (instead, clawed_back) =
                (paid + sum(entry, unit, Part::Issued, Part::Owed), taken_from_holds(entry, unit));
            faults.unless(instead <= clawed_back, entry.revision, || {
                format!("I3: {instead} {unit} are charged besides the hold, but {clawed_back} of the hold were clawed back")
            });
        }
        // A reversed charge that was debt reduces the debt without a payment.
        let withdraws = matches!(
            entry.kind,
            EntryKind::ChargeReversed | EntryKind::ChargebackReversed | EntryKind::RefundRecorded
        );
        let reversed = withdraws && paid < repaid;
        let fits = charges_available(entry, unit) || paid == repaid || reversed;
        faults.unless(fits, entry.revision, || {
            format!("I1: {paid} {unit} consumed to repay debt, but {repaid} repaid")
        });
    }
}

/// Returns whether available credits of a unit that become consumed are a charge. In an entry that repays debt they
/// are not: returned credits repay debt, and charges besides the hold leave nothing of the hold to return.
pub(super) fn charges_available(entry: &Entry, unit: &UnitId) -> bool {
    use EntryKind::{Cancelled, Failed, Settled, SettledLate};
    matches!(entry.kind, Settled | SettledLate | Failed | Cancelled)
        && sum(entry, unit, Part::Owed, Part::Issued) == 0
}

/// Returns the name of an account in faults.
pub(super) fn name(account: &Account) -> String {
    match account {
        Account::Grant(key) => format!("grant {key}"),
        Account::Debt => "the debt".to_owned(),
    }
}

/// Returns the sum that an entry moves of a unit between two parts, over all accounts.
pub(super) fn sum(entry: &Entry, unit: &UnitId, from: Part, to: Part) -> i128 {
    let moves = entry.postings.iter().filter(|p| p.unit == *unit && p.from == from && p.to == to);
    moves.map(|posting| i128::from(posting.amount)).sum()
}

/// Returns the new debt of an entry and its part to which no limit applies: the used credits of a purchase that is
/// charged back or refunded, at that moment or later.
pub(super) fn new_debt(entry: &Entry, unit: &UnitId) -> (i128, i128) {
    let owed = sum(entry, unit, Part::Issued, Part::Owed);
    let unbounded = match entry.kind {
        EntryKind::ChargedBack | EntryKind::RefundRecorded => owed,
        _ => owed.min(taken_from_holds(entry, unit)),
    };
    (owed, unbounded)
}

fn taken_from_holds(entry: &Entry, unit: &UnitId) -> i128 {
    sum(entry, unit, Part::Held, Part::Revoked) + sum(entry, unit, Part::Held, Part::PaidOut)
}

/// Returns the consumed available credits, which outside charges repay debt, and the repaid debt.
fn repayment(entry: &Entry, unit: &UnitId) -> (i128, i128) {
    (sum(entry, unit, Part::Available, Part::Consumed), sum(entry, unit, Part::Owed, Part::Issued))
}

/// Returns whether entries of this kind issue allowances.
pub(super) const fn gives_allowances(kind: EntryKind) -> bool {
    use EntryKind::{
        AllowanceGiven, PaymentRecorded, PeriodBegan, PlanChanged, Subscribed, SubscriptionResumed,
        WalletCreated,
    };
    matches!(
        kind,
        WalletCreated
            | Subscribed
            | PlanChanged
            | SubscriptionResumed
            | PaymentRecorded
            | PeriodBegan
            | AllowanceGiven
    )
}

/// Returns whether entries of this kind may end a provisional period that was not paid.
pub(super) const fn ends_unpaid(kind: EntryKind) -> bool {
    use EntryKind::{PaymentMissed, PlanChanged, SubscriptionCancelled, SubscriptionEnded};
    matches!(kind, PaymentMissed | PlanChanged | SubscriptionCancelled | SubscriptionEnded)
}

fn belongs(kind: EntryKind, account: &Account, from: Part, to: Part) -> bool {
    use EntryKind::{
        AllowanceGiven, Cancelled, ChargeReversed, ChargebackReversed, ChargedBack, Failed, GrantEffective,
        GrantExpired, GrantRevoked, Granted, HoldExpired, PlanChanged, RefundRecorded, Reserved, Settled,
        SettledLate, SubscriptionCancelled, SubscriptionEnded, SubscriptionRefunded, TopUpRefunded, ToppedUp,
        WalletClosed,
    };
    use Part::{Available, Consumed, Expired, Held, Issued, Owed, PaidOut, Pending, Revoked};
    let gives_back = matches!(kind, Settled | Failed | Cancelled | HoldExpired);
    let gives = gives_back
        || gives_allowances(kind)
        || matches!(kind, ToppedUp | Granted | ChargeReversed | ChargebackReversed | RefundRecorded);
    // Credits that become available repay debt, and the debt of a chargeback is repaid at once.
    let repays = gives || matches!(kind, GrantEffective | ChargedBack);
    let expires = matches!(
        kind,
        GrantExpired | PlanChanged | SubscriptionEnded | SubscriptionCancelled | SubscriptionRefunded
    );
    match (account, from, to) {
        (Account::Debt, Issued, Owed) => {
            matches!(kind, Settled | Failed | Cancelled | ChargedBack | RefundRecorded)
        }
        (Account::Debt, Owed, Issued) => repays,
        (Account::Debt, ..) => false,
        (_, Issued, Available) => gives,
        (_, Issued, Pending) => kind == Granted,
        (_, Pending, Available) => kind == GrantEffective,
        (_, Pending | Available, Expired) => expires,
        // The unspent credits of a provisional period that was not paid.
        (_, Available, Revoked) if ends_unpaid(kind) => true,
        (_, Pending | Available, Revoked) => matches!(kind, GrantRevoked | ChargedBack | WalletClosed),
        (_, Pending | Available, PaidOut) if matches!(kind, TopUpRefunded | RefundRecorded | ChargedBack) => {
            true
        }
        // Windows of a period that was refunded before they began. During a dispute they come, and go when it is won.
        (_, Available, PaidOut) => matches!(kind, AllowanceGiven | PlanChanged | ChargebackReversed),
        // A refund that failed, or a dispute about a period that was won, gives credits back.
        (_, PaidOut, Available | Expired | Revoked) => matches!(kind, RefundRecorded | ChargebackReversed),
        (_, Available, Held) => kind == Reserved,
        (_, Consumed, Available | Expired | Revoked | PaidOut) => kind == ChargeReversed,
        (_, Revoked, Available | Expired) => kind == ChargebackReversed,
        (_, Available, Consumed) => repays || kind == SettledLate,
        (_, Held, Consumed) => matches!(kind, Settled | Failed | Cancelled),
        (_, Held, Available | Expired | Revoked | PaidOut) => gives_back,
        _ => false,
    }
}
