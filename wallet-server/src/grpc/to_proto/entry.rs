//! Renders ledger entries.

use wallet_core::catalog::Catalog;
use wallet_core::entry::{Entry, EntryBalance, EntryKind};
use wallet_core::posting::{Account, Part, Posting};
use wallet_proto::v1;

use super::amount::amount;
use super::time::instant;

pub(crate) fn entry(catalog: &Catalog, entry: &Entry) -> v1::Entry {
    v1::Entry {
        revision: entry.revision,
        kind: kind(entry.kind).into(),
        effective_time: instant(entry.effective_time),
        record_time: instant(entry.record_time),
        reservation_id: entry.reservation.as_ref().map(ToString::to_string).unwrap_or_default(),
        request_id: entry.request.as_ref().map(ToString::to_string).unwrap_or_default(),
        actor: entry.actor.as_ref().map(ToString::to_string).unwrap_or_default(),
        principal: entry.author.principal.to_string(),
        call_id: entry.author.call.as_ref().map(ToString::to_string).unwrap_or_default(),
        reason: entry.reason.clone(),
        postings: entry.postings.iter().map(posting).collect(),
        balances: entry.balances.iter().map(|after| balance(catalog, after)).collect(),
        hash: entry.hash.to_vec(),
    }
}

fn posting(posting: &Posting) -> v1::Posting {
    let grant_id = match &posting.account {
        Account::Grant(key) => key.to_string(),
        Account::Debt => String::new(),
    };
    v1::Posting {
        unit: posting.unit.to_string(),
        grant_id,
        from: part(posting.from).into(),
        to: part(posting.to).into(),
        amount: posting.amount,
    }
}

fn balance(catalog: &Catalog, after: &EntryBalance) -> v1::EntryBalance {
    v1::EntryBalance {
        unit: after.unit.to_string(),
        available: Some(amount(catalog, &after.unit, after.available)),
        held: Some(amount(catalog, &after.unit, after.held)),
        debt: Some(amount(catalog, &after.unit, after.debt)),
    }
}

fn kind(kind: EntryKind) -> v1::EntryKind {
    match kind {
        EntryKind::WalletCreated => v1::EntryKind::WalletCreated,
        EntryKind::WalletUpdated => v1::EntryKind::WalletUpdated,
        EntryKind::ToppedUp => v1::EntryKind::ToppedUp,
        EntryKind::Granted => v1::EntryKind::Granted,
        EntryKind::GrantEffective => v1::EntryKind::GrantEffective,
        EntryKind::GrantExpired => v1::EntryKind::GrantExpired,
        EntryKind::GrantRevoked => v1::EntryKind::GrantRevoked,
        EntryKind::Reserved => v1::EntryKind::Reserved,
        EntryKind::Started => v1::EntryKind::Started,
        EntryKind::Settled => v1::EntryKind::Settled,
        EntryKind::Failed => v1::EntryKind::Failed,
        EntryKind::Cancelled => v1::EntryKind::Cancelled,
        EntryKind::HoldExpired => v1::EntryKind::HoldExpired,
        EntryKind::SettledLate => v1::EntryKind::SettledLate,
        EntryKind::Subscribed => v1::EntryKind::Subscribed,
        EntryKind::PlanChanged => v1::EntryKind::PlanChanged,
        EntryKind::SubscriptionCancelled => v1::EntryKind::SubscriptionCancelled,
        EntryKind::SubscriptionPaused => v1::EntryKind::SubscriptionPaused,
        EntryKind::PauseBegan => v1::EntryKind::PauseBegan,
        EntryKind::AutoTopUpSet => v1::EntryKind::AutoTopUpSet,
        EntryKind::AutoTopUpFailed => v1::EntryKind::AutoTopUpFailed,
        EntryKind::AutoTopUpDue => v1::EntryKind::AutoTopUpDue,
        EntryKind::SubscriptionResumed => v1::EntryKind::SubscriptionResumed,
        EntryKind::PaymentRecorded => v1::EntryKind::PaymentRecorded,
        EntryKind::PeriodBegan => v1::EntryKind::PeriodBegan,
        EntryKind::AllowanceGiven => v1::EntryKind::AllowanceGiven,
        EntryKind::PaymentMissed => v1::EntryKind::PaymentMissed,
        EntryKind::SubscriptionEnded => v1::EntryKind::SubscriptionEnded,
        EntryKind::TopUpRefunded => v1::EntryKind::TopUpRefunded,
        EntryKind::ChargedBack => v1::EntryKind::ChargedBack,
        EntryKind::ChargebackReversed => v1::EntryKind::ChargebackReversed,
        EntryKind::WalletClosed => v1::EntryKind::WalletClosed,
        EntryKind::RefundRecorded => v1::EntryKind::RefundRecorded,
        EntryKind::ChargeReversed => v1::EntryKind::ChargeReversed,
        EntryKind::SubscriptionRefunded => v1::EntryKind::SubscriptionRefunded,
        EntryKind::GrantExpiring => v1::EntryKind::GrantExpiring,
    }
}

fn part(part: Part) -> v1::Part {
    match part {
        Part::Issued => v1::Part::Issued,
        Part::Pending => v1::Part::Pending,
        Part::Available => v1::Part::Available,
        Part::Held => v1::Part::Held,
        Part::Consumed => v1::Part::Consumed,
        Part::Expired => v1::Part::Expired,
        Part::Revoked => v1::Part::Revoked,
        Part::PaidOut => v1::Part::PaidOut,
        Part::Owed => v1::Part::Owed,
    }
}
