//! Audits of a wallet from the outside: of its current rows ([`rows`]), and of its ledger as it grows ([`Books`]).
//! They check the invariants and know none of the rules.

use std::collections::BTreeMap;

use wallet_core::binary::{encode, encode_sparse};
use wallet_core::catalog::Overage;
use wallet_core::entry::{Entry, EntryKind, Hash, genesis};
use wallet_core::grant::{Grant, GrantKey};
use wallet_core::posting::{Account, Part};
use wallet_core::reservation::{Reservation, State};
use wallet_core::row_digests::{Digest, RowDigests};
use wallet_core::wallet::{Balance, WalletStatus};
use wallet_core::{ReservationId, Timestamp, UnitId, Wallet};

/// The result of an audit. The error begins with the number of the invariant.
pub type Audit = Result<(), String>;

macro_rules! must {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(format!($($what)+));
        }
    };
}

/// Checks I2 to I5, I7 and I8 of a wallet's rows.
pub fn rows(wallet: &Wallet) -> Audit {
    let mut sums: BTreeMap<&UnitId, (i64, i64)> = BTreeMap::new();
    for grant in wallet.grants.values() {
        whole(grant)?;
        let sum = sums.entry(&grant.unit).or_default();
        *sum = (sum.0 + grant.parts.available, sum.1 + grant.parts.held);
    }
    // The debt of a chargeback, or of a recorded refund, may be above the limit. It remains after a won dispute if a job used
    // credits that were revoked meanwhile.
    let unlimited = |kind| matches!(kind, EntryKind::RefundRecorded | EntryKind::ChargedBack);
    let limited = !wallet.requests.values().any(|request| unlimited(request.kind));
    for (unit, balance) in &wallet.balances {
        let Balance { available, held, debt, debt_limit } = *balance;
        let sum = sums.remove(unit).unwrap_or_default();
        must!((available, held) == sum, "I4: {unit} is {available}, {held}, its grants {sum:?}");
        let owed_at_most = if limited { debt_limit } else { i64::MAX };
        must!(available >= 0 && (0..=owed_at_most).contains(&debt), "I3: {unit} {balance:?}");
        must!(available == 0 || debt == 0, "I3: {unit} is owed and available: {balance:?}");
    }
    must!(sums.values().all(|sum| *sum == (0, 0)), "I4: units without a balance: {sums:?}");
    holds(wallet)?;
    wallet.reservations.values().filter(|reservation| !reservation.state.is_open()).try_for_each(receipt)
}

/// Checks I2: the parts of a grant add up to its amount, and none is negative.
fn whole(grant: &Grant) -> Audit {
    let p = grant.parts;
    let parts = [p.pending, p.available, p.held, p.consumed, p.expired, p.revoked, p.paid_out];
    must!(parts.iter().all(|part| *part >= 0), "I2: {} {p:?}", grant.key);
    must!(parts.iter().sum::<i64>() == grant.amount, "I2: {} of {} is {p:?}", grant.key, grant.amount);
    Ok(())
}

/// Checks I5: grants hold what open reservations hold, and open reservations are counted.
fn holds(wallet: &Wallet) -> Audit {
    let open = wallet.reservations.values().filter(|reservation| reservation.state.is_open());
    let mut held: BTreeMap<&GrantKey, i64> = BTreeMap::new();
    let mut count = 0;
    for reservation in open {
        count += 1;
        for allocation in &reservation.allocations {
            if let Account::Grant(key) = &allocation.account {
                *held.entry(key).or_default() += allocation.held;
            }
        }
    }
    must!(wallet.open_reservations == count, "I5: {} of {count} open", wallet.open_reservations);
    for grant in wallet.grants.values().filter(|grant| grant.parts.held > 0) {
        let sum = held.remove(&grant.key).unwrap_or(0);
        must!(sum == grant.parts.held, "I5: {} holds {}, its jobs {sum}", grant.key, grant.parts.held);
    }
    must!(held.values().all(|sum| *sum == 0), "I5: held of missing grants: {held:?}");
    Ok(())
}

/// Checks I7 and I8: an ended reservation has a finish, is fully accounted for and cost at most its maximum.
fn receipt(reservation: &Reservation) -> Audit {
    let id = &reservation.id;
    let Some(finish) = &reservation.finish else { return Err(format!("I7: {id} has no end")) };
    for a in reservation.allocations.iter().filter(|a| a.held > 0) {
        must!(a.charged + a.returned + a.forfeited == a.held, "I8: {id} {a:?}");
    }
    for (unit, reserved) in reservation.terms.amounts.iter() {
        let charged = finish.bill.charged.get(unit.as_str());
        let most = match (reservation.state, reservation.terms.policies.overage) {
            (State::Settled, Overage::ChargeIfAvailable | Overage::AllowNegative | Overage::RequireFull) => {
                reservation.terms.most(unit.as_str())
            }
            (State::Expired, _) => 0,
            _ => reserved,
        };
        must!(charged <= most, "I8: {id} was charged {charged} {unit}, at most {most}");
        let of_unit = reservation.allocations.iter().filter(|a| a.unit == *unit);
        let sum: i64 = of_unit.map(|a| a.charged).sum();
        must!(charged == sum, "I8: {id} bills {charged} {unit}, charged {sum}");
    }
    Ok(())
}

/// Returns whether a reservation may change from `before` to `after` (I7).
pub fn step(before: State, after: State) -> bool {
    match before {
        State::Held => true,
        State::Processing => after != State::Held,
        State::Expired => !after.is_open(),
        terminal => after == terminal,
    }
}

/// The digests of a job's terms, run and bill.
type Job = (Option<Digest>, Option<Digest>, Option<Digest>);

/// The state of a wallet according to its entries.
#[derive(Debug, Clone)]
pub struct Books {
    revision: i64,
    head: Hash,
    last: (Timestamp, Timestamp),
    grants: BTreeMap<GrantKey, BTreeMap<Part, i64>>,
    sums: BTreeMap<UnitId, (i64, i64, i64)>,
    /// The last row digests of the entries.
    row_digests: RowDigests,
    status: WalletStatus,
    jobs: BTreeMap<ReservationId, Job>,
}

impl Books {
    /// Returns the books of a wallet before its first entry.
    pub fn open(wallet: &Wallet) -> Self {
        Self {
            revision: 0,
            head: genesis(wallet.key),
            last: (Timestamp::EPOCH, Timestamp::EPOCH),
            grants: BTreeMap::new(),
            sums: BTreeMap::new(),
            row_digests: RowDigests::default(),
            status: WalletStatus::Active,
            jobs: BTreeMap::new(),
        }
    }

    /// Adds an entry. Checks I1, I4, I16 and I18.
    pub fn enter(&mut self, entry: &Entry) -> Audit {
        must!(entry.revision == self.revision + 1, "I16: {entry:?} after {}", self.revision);
        must!(entry.hash == entry.hash_after(&self.head), "I16: {entry:?} is not chained");
        let times = (entry.effective_time, entry.record_time);
        must!(times.0 <= times.1, "I18: {entry:?} is recorded before its effective time");
        must!(times.0 >= self.last.0 && times.1 >= self.last.1, "I18: {entry:?} is before {:?}", self.last);
        (self.revision, self.head, self.last) = (entry.revision, entry.hash, times);
        for posting in &entry.postings {
            must!(posting.amount > 0 && posting.from != posting.to, "I1: {posting:?} moves nothing");
            self.add(&posting.unit, &posting.account, posting.from, -posting.amount)?;
            self.add(&posting.unit, &posting.account, posting.to, posting.amount)?;
            let recorded = entry.balances.iter().any(|balance| balance.unit == posting.unit);
            must!(recorded, "I4: {entry:?} has no balance of {}", posting.unit);
        }
        for b in &entry.balances {
            let sums = self.sums.get(&b.unit).copied().unwrap_or_default();
            must!((b.available, b.held, b.debt) == sums, "I4: {b:?} in {entry:?}, {sums:?} by the postings");
            must!(b.available == 0 || b.debt == 0, "I3: {b:?} is owed and available in {entry:?}");
        }
        self.note(entry);
        Ok(())
    }

    /// Remembers the row digests of the entry.
    fn note(&mut self, entry: &Entry) {
        let RowDigests { grants, warnings, terms, run, bill, status, debt_limits, profile, silent } =
            &entry.row_digests;
        self.row_digests.silent = *silent;
        self.row_digests.warnings.extend(warnings.iter().map(|(key, at)| (key.clone(), *at)));
        self.row_digests.grants.extend(grants.iter().map(|(key, digest)| (key.clone(), *digest)));
        self.status = status.unwrap_or(self.status);
        for (unit, limit) in debt_limits.iter() {
            self.row_digests.debt_limits.set(unit, limit);
        }
        self.row_digests.profile = profile.or(self.row_digests.profile);
        if let Some(id) = &entry.reservation {
            let job = self.jobs.entry(id.clone()).or_default();
            *job = (terms.or(job.0), run.or(job.1), *bill);
        }
    }

    fn add(&mut self, unit: &UnitId, account: &Account, part: Part, amount: i64) -> Audit {
        if let Account::Grant(key) = account {
            let of_part = self.grants.entry(key.clone()).or_default().entry(part).or_default();
            *of_part += amount;
            must!(*of_part >= 0 || part == Part::Issued, "I2: {of_part} {part:?} of {key}");
        }
        let sums = self.sums.entry(unit.clone()).or_default();
        match part {
            Part::Available => sums.0 += amount,
            Part::Held => sums.1 += amount,
            Part::Owed => sums.2 += amount,
            _ => {}
        }
        must!(sums.0 >= 0 && sums.1 >= 0 && sums.2 >= 0, "I3: {sums:?} {unit}");
        Ok(())
    }

    /// I4: checks that the rows match the entries.
    pub fn agree(&self, wallet: &Wallet) -> Audit {
        must!((wallet.revision, wallet.head) == (self.revision, self.head), "I16: the wallet's head");
        for (unit, b) in &wallet.balances {
            let sums = self.sums.get(unit).copied().unwrap_or_default();
            must!((b.available, b.held, b.debt) == sums, "I4: {unit} {b:?}, {sums:?} by the entries");
        }
        for (key, grant) in &wallet.grants {
            let Some(recorded) = self.grants.get(key) else {
                return Err(format!("I4: {key} was never issued"));
            };
            let p = grant.parts;
            for (part, amount) in [
                (Part::Pending, p.pending),
                (Part::Available, p.available),
                (Part::Held, p.held),
                (Part::Consumed, p.consumed),
                (Part::Expired, p.expired),
                (Part::Revoked, p.revoked),
                (Part::PaidOut, p.paid_out),
                (Part::Issued, -grant.amount),
            ] {
                let recorded = recorded.get(&part).copied().unwrap_or(0);
                must!(amount == recorded, "I4: {amount} {part:?} of {key}, {recorded} by the entries");
            }
        }
        Ok(())
    }

    /// Checks that the rows match the row digests of the entries. Slower than [`Books::agree`]; meant for the end
    /// of a history.
    pub fn agree_in_words(&self, wallet: &Wallet) -> Audit {
        fn json(value: &impl serde::Serialize) -> String {
            serde_json::to_string(value).expect("a stored value is JSON")
        }
        must!(
            wallet.status == self.status,
            "the wallet is {:?}, {:?} by the entries",
            wallet.status,
            self.status
        );
        for (unit, b) in &wallet.balances {
            let recorded = self.row_digests.debt_limits.get(unit.as_str());
            must!(
                b.debt_limit == recorded,
                "the debt limit is {} {unit}, {recorded} by the entries",
                b.debt_limit
            );
        }
        let profile = wallet.exists().then(|| Digest::of_profile(&json(&wallet.profile)));
        must!(
            self.row_digests.profile == profile,
            "{:?} does not match the profile's digest",
            wallet.profile
        );
        for (key, grant) in &wallet.grants {
            let recorded = self.row_digests.grants.get(key);
            let is = Digest::of_grant(grant, &json(&grant.details));
            must!(recorded == Some(&is), "{grant:?} does not match its digest");
            let warned = self.row_digests.warnings.get(key);
            let is_as_recorded = grant.warn_time == Timestamp::NEVER || warned == Some(&grant.warn_time);
            must!(is_as_recorded, "{grant:?} has another warning time than the entries, {warned:?}");
        }
        let silent = wallet.version - wallet.revision;
        must!(
            silent >= self.row_digests.silent,
            "I16: {silent} writes had no entry, {} by the entries",
            self.row_digests.silent
        );
        for (id, job) in &wallet.reservations {
            let terms = Digest::of_terms(&encode(&*job.terms), &encode_sparse(&job.fingerprint));
            let worker = job.worker.as_ref().map_or("", |worker| worker.as_str());
            let lease = job.lease.map_or(0, |lease| i64::try_from(lease.as_micros()).unwrap_or(i64::MAX));
            let run = job.start_time.map(|_| Digest::of_run(job.attempt, worker, lease));
            let finish = job.finish.as_ref();
            let bill = finish
                .map(|f| Digest::of_bill(&encode(&f.bill), &encode_sparse(&f.fingerprint), job.deadline));
            must!(self.jobs.get(id) == Some(&(Some(terms), run, bill)), "{job:?} does not match its digests");
        }
        Ok(())
    }
}
