//! Carries out a decision on the wallet in memory.

use std::collections::BTreeSet;

use crate::decide::decision::Decision;
use crate::ledger::entry::{Entry, EntryBalance, EntryKind};
use crate::ledger::in_feed::InFeed;
use crate::ledger::posting::{Account, Part, Posting};
use crate::ledger::row_digests::RowDigests;
use crate::value::author::Author;
use crate::value::grant_key::GrantKey;
use crate::value::ids::UnitId;
use crate::value::time::Timestamp;
use crate::wallet::grant::Grant;
use crate::wallet::{Balance, InvariantViolation, RequestRecord, UNNUMBERED, Wallet};

/// Carries out a decision that was made on this state. Returns the entry to append, if the decision makes one: it is
/// not hashed yet, and not the head of the chain.
pub(crate) fn carry_out(
    wallet: &mut Wallet,
    decision: Decision,
    now: Timestamp,
    author: &Author,
) -> Result<Option<Entry>, InvariantViolation> {
    let row_digests = RowDigests::of(&decision, wallet);
    let moved = move_credits(wallet, &decision)?;
    let revision = wallet.revision + i64::from(decision.entry.is_some());
    put_reservation(wallet, &decision, revision)?;
    for (key, why) in &decision.clawback {
        let grant = grant_mut(wallet, key)?;
        (grant.clawback, grant.warn_time) = (grant.clawback.max(Some(*why)), Timestamp::NEVER);
    }
    for (key, before) in &decision.withdrawn {
        grant_mut(wallet, key)?.clawback = *before;
    }
    if let Some(draft) = &decision.entry {
        for key in &decision.expiring {
            let grant = grant_mut(wallet, key)?;
            (grant.expire_time, grant.warn_time) = (draft.effective_time, Timestamp::NEVER);
        }
    }
    for key in decision.events.iter().filter_map(|event| event.grant.as_ref()) {
        grant_mut(wallet, key)?.warn_time = Timestamp::NEVER;
    }
    if let Some(change) = decision.change {
        wallet.status = change.status;
        wallet.profile = change.profile;
        for (unit, limit) in change.debt_limits.iter() {
            wallet.balances.entry(unit.clone()).or_default().debt_limit = limit;
        }
    }
    if wallet.revision == 0 {
        wallet.create_time = now;
    }
    wallet.version += 1;
    wallet.last_time = now;
    let Some(draft) = decision.entry else { return Ok(None) };
    let (request, fingerprint) = decision.request.unzip();
    let entry = Entry {
        revision,
        kind: draft.kind,
        effective_time: draft.effective_time,
        record_time: now,
        reservation: draft.reservation,
        request,
        fingerprint: fingerprint.unwrap_or_default(),
        actor: draft.actor,
        author: author.clone(),
        reason: draft.reason,
        row_digests,
        postings: decision.postings,
        balances: moved.iter().map(|unit| entry_balance(wallet, unit)).collect(),
        events: decision.events,
        in_feed: InFeed::default(),
        hash: [0; 32],
    };
    wallet.revision = revision;
    if let Some(request) = &entry.request {
        let record = RequestRecord {
            kind: entry.kind,
            fingerprint: entry.fingerprint.clone(),
            postings: entry.postings.clone(),
        };
        wallet.requests.insert(request.clone(), record);
    }
    Ok(Some(entry))
}

/// Moves the credits. Returns the units that moved.
fn move_credits(wallet: &mut Wallet, decision: &Decision) -> Result<BTreeSet<UnitId>, InvariantViolation> {
    for grant in &decision.issued {
        if wallet.grants.insert(grant.key.clone(), grant.clone()).is_some() {
            return Err(broken(wallet, format!("grant {} is issued twice", grant.key)));
        }
    }
    let mut moved = BTreeSet::new();
    for posting in &decision.postings {
        post(wallet, posting)?;
        if !moved.contains(&posting.unit) {
            moved.insert(posting.unit.clone());
        }
    }
    for grant in &decision.issued {
        let total = wallet.grants.get(&grant.key).and_then(|grant| grant.parts.total());
        if total != Some(grant.amount) {
            return Err(broken(wallet, format!("grant {} is not issued in full", grant.key)));
        }
    }
    for unit in &moved {
        if let Some(what) = wallet.balance(unit.as_str()).owes_what_it_has(unit) {
            return Err(broken(wallet, what));
        }
    }
    Ok(moved)
}

fn post(wallet: &mut Wallet, posting: &Posting) -> Result<(), InvariantViolation> {
    let Posting { unit, account, from, to, amount } = posting;
    if *amount <= 0 || from == to {
        return Err(broken(wallet, format!("empty posting {posting:?}")));
    }
    if let Account::Grant(key) = account {
        let grant = grant_mut(wallet, key)?;
        let moved = grant.parts.moved(*from, *to, *amount).filter(|_| grant.unit == *unit);
        match moved {
            Some(parts) => grant.parts = parts,
            None => return Err(broken(wallet, format!("{posting:?} does not fit its grant"))),
        }
        if !grant.is_open() {
            grant.warn_time = Timestamp::NEVER;
        }
    }
    let balance = wallet.balances.entry(unit.clone()).or_default();
    for (part, change) in [(*from, -*amount), (*to, *amount)] {
        let figure = match part {
            Part::Available => &mut balance.available,
            Part::Held => &mut balance.held,
            Part::Owed => &mut balance.debt,
            _ => continue,
        };
        match figure.checked_add(change).filter(|sum| *sum >= 0) {
            Some(sum) => *figure = sum,
            None => return Err(broken(wallet, format!("{posting:?} does not fit the balance"))),
        }
    }
    Ok(())
}

fn put_reservation(
    wallet: &mut Wallet,
    decision: &Decision,
    revision: i64,
) -> Result<(), InvariantViolation> {
    let Some(next) = &decision.reservation else { return Ok(()) };
    let was_open = wallet.reservations.get(&next.id).is_some_and(|before| before.state.is_open());
    let mut next = next.clone();
    let reserved = decision.entry.as_ref().is_some_and(|draft| draft.kind == EntryKind::Reserved);
    if reserved {
        next.reserve_revision = revision;
    }
    if let Some(finish) = next.finish.as_mut().filter(|finish| finish.revision == UNNUMBERED) {
        finish.revision = revision;
    }
    wallet.open_reservations += i64::from(next.state.is_open()) - i64::from(was_open);
    if wallet.open_reservations < 0 {
        return Err(broken(wallet, "more reservations closed than were open".to_owned()));
    }
    wallet.reservations.insert(next.id.clone(), next);
    Ok(())
}

fn entry_balance(wallet: &Wallet, unit: &UnitId) -> EntryBalance {
    let Balance { available, held, debt, .. } = wallet.balance(unit.as_str());
    EntryBalance { unit: unit.clone(), available, held, debt }
}

fn grant_mut<'a>(wallet: &'a mut Wallet, key: &GrantKey) -> Result<&'a mut Grant, InvariantViolation> {
    let id = &wallet.id;
    let missing = || InvariantViolation { wallet: id.clone(), what: format!("grant {key} is not there") };
    wallet.grants.get_mut(key).ok_or_else(missing)
}

fn broken(wallet: &Wallet, what: String) -> InvariantViolation {
    InvariantViolation { wallet: wallet.id.clone(), what }
}
