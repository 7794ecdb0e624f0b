//! Usage: totals over a wallet's jobs that finished within a time range, in groups. Jobs are read in pages and
//! added up at once.
//!
//! No index by finish time exists, because every settle would write it. Jobs are found by reserve time instead:
//! none finishes later than [`LONGEST_LIFE`] after it.

use std::collections::BTreeMap;
use std::time::Duration;

use wallet_core::decide::ReadSet;
use wallet_core::reservation::{Finish, LONGEST_LIFE, Reservation, State};
use wallet_core::wallet::decision_time;
use wallet_core::{Amounts, Rejection, TenantId, Timestamp, WalletId, WalletKey};

use crate::query::queries::Turn;
use crate::query::{Queries, ReadError, ReservationFilter, Snapshot};
use crate::store::ReadTx;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The length of the time range if the query has no start.
const DEFAULT_SPAN: Duration = DAY.saturating_mul(30);
/// The most days of one summary.
const MAX_DAYS: u32 = 366;
/// The most groups of one summary.
const MAX_GROUPS: usize = 10_000;
/// The reservations read at a time.
const PAGE: u64 = 500;

/// The time range of a summary, and how to group it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UsageQuery {
    /// Jobs that finished at or after this time; 30 days before the end by default.
    pub(crate) from_time: Option<Timestamp>,
    /// Jobs that finished before this time; all that has finished by now by default.
    pub(crate) to_time: Option<Timestamp>,
    pub(crate) group_by: Vec<GroupBy>,
}

/// A dimension by which jobs are grouped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupBy {
    /// The day on which the job finished, in UTC.
    Day,
    Kind,
    /// The operation's attribute `model`.
    Model,
    Actor,
    /// The value of the label with this key.
    Label(String),
}

/// Totals over finished jobs. Amounts are in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) settled: i64,
    pub(crate) failed: i64,
    pub(crate) cancelled: i64,
    pub(crate) expired: i64,
    /// The amount charged, fees included.
    pub(crate) charged: Amounts,
    pub(crate) fees: Amounts,
    pub(crate) returned: Amounts,
    pub(crate) forfeited: Amounts,
    pub(crate) uncollected: Amounts,
    /// The part of `charged` that was reversed later.
    pub(crate) reversed: Amounts,
}

/// The usage in [from, to): per group that has any, and in total.
#[derive(Debug, Clone)]
pub(crate) struct UsageSummary {
    pub(crate) from_time: Timestamp,
    pub(crate) to_time: Timestamp,
    /// The key holds the values that the group is made by; a value is empty if a job has none.
    pub(crate) groups: BTreeMap<Vec<String>, Usage>,
    pub(crate) total: Usage,
}

impl Queries {
    /// Returns totals over a wallet's finished jobs. Holds that are due count as expired.
    pub(crate) async fn usage(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        query: UsageQuery,
    ) -> Result<UsageSummary, ReadError> {
        let key = WalletKey::new(tenant, wallet);
        let now = self.clock.of(tenant);
        let (place, most) = (self.costly.take_place(true, Some(key)).await?, self.costly.summarized);
        let summary = self.on_snapshot(place, move |snapshot, turn| {
            let query = query.clone();
            async move { summarize(&snapshot, key, now, &query, &turn, most).await }
        });
        summary.await
    }
}

async fn summarize(
    snapshot: &ReadTx,
    key: WalletKey,
    now: Timestamp,
    query: &UsageQuery,
    turn: &Turn,
    most: u64,
) -> Result<UsageSummary, ReadError> {
    let standing = snapshot.standing(key).await?.ok_or(Rejection::WalletNotFound)?;
    let mut summary = query.begin(decision_time(now, standing.last_time))?;
    // Due holds count with their final state; in the database they are still open.
    let mut counted = Ok(());
    let count = |reservation: &Reservation| {
        if counted.is_ok() {
            counted = summary.count(&query.group_by, reservation);
        }
    };
    Snapshot::read(snapshot, key, now, ReadSet::default(), turn, count).await?;
    counted?;
    let candidates = ReservationFilter {
        from_time: Some(summary.from_time.minus(LONGEST_LIFE)),
        to_time: Some(summary.to_time),
        ..ReservationFilter::default()
    }
    .span();
    let (mut position, mut jobs) = (None, 0);
    loop {
        let part = snapshot.reservations(key, candidates.clone(), position.take(), PAGE).await?;
        jobs += part.rows.len() as u64;
        if jobs > most {
            return Err(beyond("jobs", most).into());
        }
        for reservation in &part.rows {
            summary.count(&query.group_by, reservation)?;
        }
        position = part.next;
        if position.is_none() {
            return Ok(summary);
        }
    }
}

impl UsageQuery {
    /// Returns an empty summary of the requested time range, as resolved at `now`.
    fn begin(&self, now: Timestamp) -> Result<UsageSummary, Rejection> {
        // Includes jobs that finished at this very instant.
        let to_time = self.to_time.unwrap_or(now.plus(Duration::from_micros(1)));
        let from_time = self.from_time.unwrap_or(to_time.minus(DEFAULT_SPAN));
        if from_time >= to_time {
            return Err(Rejection::field("from_time", format!("must lie before {to_time}")));
        }
        if to_time.since(from_time) > DAY.saturating_mul(MAX_DAYS) {
            let text = format!("lies more than {MAX_DAYS} days before {to_time}");
            return Err(Rejection::field("from_time", text));
        }
        Ok(UsageSummary { from_time, to_time, groups: BTreeMap::new(), total: Usage::default() })
    }
}

impl UsageSummary {
    /// Counts a reservation if it finished within the time range.
    fn count(&mut self, group_by: &[GroupBy], reservation: &Reservation) -> Result<(), Rejection> {
        let Some(finish) = &reservation.finish else { return Ok(()) };
        if finish.time < self.from_time || finish.time >= self.to_time {
            return Ok(());
        }
        self.total.count(reservation.state, finish)?;
        if group_by.is_empty() {
            return Ok(());
        }
        let values = group_by.iter().map(|by| by.value(reservation, finish)).collect();
        let full = self.groups.len() == MAX_GROUPS;
        if full && !self.groups.contains_key(&values) {
            return Err(beyond("groups", MAX_GROUPS as u64));
        }
        self.groups.entry(values).or_default().count(reservation.state, finish)
    }
}

/// Returns the error of a summary that exceeds a limit.
fn beyond(limit: &str, maximum: u64) -> Rejection {
    Rejection::LimitExceeded {
        limit: limit.to_owned(),
        maximum: maximum.to_string(),
        requested: (maximum + 1).to_string(),
        plans: Vec::new(),
    }
}

/// Returns the error of a sum that is too large for an amount. A shorter time range or finer groups have smaller
/// sums.
fn too_large_a_sum(unit: &str, sum: i128) -> Rejection {
    Rejection::LimitExceeded {
        limit: format!("sum of {unit}"),
        maximum: i64::MAX.to_string(),
        requested: sum.to_string(),
        plans: Vec::new(),
    }
}

impl GroupBy {
    fn value(&self, reservation: &Reservation, finish: &Finish) -> String {
        let terms = &reservation.terms;
        let operation = terms.operation.as_ref();
        let value = match self {
            GroupBy::Day => finish.time.to_utc().map(|time| time.format("%F").to_string()),
            GroupBy::Kind => operation.map(|operation| operation.kind.clone()),
            GroupBy::Model => operation.and_then(|operation| operation.attributes.get("model").cloned()),
            GroupBy::Actor => terms.actor.clone().map(String::from),
            GroupBy::Label(key) => terms.labels.get(key).cloned(),
        };
        value.unwrap_or_default()
    }
}

impl Usage {
    fn count(&mut self, state: State, finish: &Finish) -> Result<(), Rejection> {
        match state {
            State::Settled => self.settled += 1,
            State::Failed => self.failed += 1,
            State::Cancelled => self.cancelled += 1,
            State::Expired => self.expired += 1,
            State::Held | State::Processing => {}
        }
        let bill = &finish.bill;
        for (sum, amounts) in [
            (&mut self.charged, &bill.charged),
            (&mut self.fees, &bill.fees),
            (&mut self.returned, &bill.returned),
            (&mut self.forfeited, &bill.forfeited),
            (&mut self.uncollected, &bill.uncollected),
            (&mut self.reversed, &bill.reversed),
        ] {
            for (unit, amount) in amounts.iter() {
                let exact = i128::from(sum.get(unit.as_str())) + i128::from(amount);
                if exact > i128::from(i64::MAX) {
                    return Err(too_large_a_sum(unit.as_str(), exact));
                }
                sum.add(unit, amount);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wallet_core::fingerprint::Fingerprint;
    use wallet_core::reservation::{Bill, Terms};
    use wallet_core::{Actor, ReservationId, UnitId};

    use super::*;

    fn days(days: u32) -> Timestamp {
        Timestamp::EPOCH.plus(DAY.saturating_mul(days))
    }

    fn settled(actor: usize, time: Timestamp) -> Reservation {
        let finish = Finish { time, revision: 2, fingerprint: Fingerprint::default(), bill: Bill::default() };
        let actor = Some(Actor::parse(&format!("a{actor}")).unwrap());
        Reservation {
            id: ReservationId::parse("job").unwrap(),
            state: State::Settled,
            terms: Arc::new(Terms { actor, ..Terms::default() }),
            fingerprint: Fingerprint::default(),
            reserve_time: time,
            reserve_revision: 1,
            start_time: None,
            deadline: time,
            sweep_at: time,
            attempt: 0,
            worker: None,
            lease: None,
            allocations: Vec::new(),
            finish: Some(finish),
        }
    }

    #[test]
    fn a_summary_covers_thirty_days_by_default_and_at_most_366() {
        let span = |from_time, to_time| {
            let query = UsageQuery { from_time, to_time, group_by: Vec::new() };
            query.begin(days(1_000)).map(|begun| (begun.from_time, begun.to_time))
        };
        let just_after = days(1_000).plus(Duration::from_micros(1));
        assert_eq!(span(None, None), Ok((just_after.minus(DEFAULT_SPAN), just_after)));
        assert_eq!(span(None, Some(days(500))), Ok((days(470), days(500))));
        assert_eq!(span(Some(days(900)), None), Ok((days(900), just_after)));
        assert_eq!(span(Some(days(134)), Some(days(500))), Ok((days(134), days(500))));
        for (from, to, expected) in [
            (133, 500, "from_time: lies more than 366 days before 1971-05-16T00:00:00Z"),
            (500, 500, "from_time: must lie before 1971-05-16T00:00:00Z"),
        ] {
            let refusal = span(Some(days(from)), Some(days(to))).unwrap_err();
            assert_eq!(refusal.to_string(), expected);
        }
    }

    #[test]
    fn a_sum_that_is_too_large_for_an_amount_is_refused() {
        let mut summary = UsageQuery::default().begin(days(10)).unwrap();
        let unit = UnitId::parse("credits").unwrap();
        let mut count = |charged: i64| {
            let mut job = settled(0, days(5));
            job.finish.as_mut().unwrap().bill.charged = [(unit.clone(), charged)].into_iter().collect();
            summary.count(&[], &job)
        };
        assert_eq!(count(i64::MAX), Ok(()));
        assert_eq!(
            count(1).unwrap_err().to_string(),
            "sum of credits is limited to 9223372036854775807, but the request would make it 9223372036854775808"
        );
    }

    #[test]
    fn ten_thousand_groups_are_allowed_and_more_are_refused() {
        let query = UsageQuery { group_by: vec![GroupBy::Actor], ..UsageQuery::default() };
        let mut summary = query.begin(days(10)).unwrap();
        let mut count = |actor| summary.count(&query.group_by, &settled(actor, days(5)));
        for actor in (0..MAX_GROUPS).chain(0..2) {
            assert_eq!(count(actor), Ok(()));
        }
        let refusal = count(MAX_GROUPS).unwrap_err();
        assert_eq!(refusal.reason(), "LIMIT_EXCEEDED");
        assert_eq!(refusal.to_string(), "groups is limited to 10000, but the request would make it 10001");
        assert_eq!(summary.groups.len(), MAX_GROUPS);
    }
}
