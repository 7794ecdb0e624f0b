//! Comparison of the core and the model: the reply, the entries, all rows.

use std::collections::BTreeMap;

use wallet_core::auto_top_up;
use wallet_core::entry::Entry;
use wallet_core::grant::Grant;
use wallet_core::posting::Account;
use wallet_core::refund::UsedCredits;
use wallet_core::reservation::{Allocation, Bill, Reservation, Usage};
use wallet_core::subscription::Standing;
use wallet_core::view::Shown;
use wallet_core::{Amounts, Decimal, PaymentSubject, Reply, Timestamp, Wallet};

use crate::model::{Auto, Expected, Job, Lot, Model, Part, Seen, Sub, UNITS, Unit, WrittenEntry};
use crate::pair::catalogs;

/// Compares two values. The error has both.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, core: T, model: T) -> Result<(), String> {
    if core == model { Ok(()) } else { Err(format!("{what}: {core:?} in the core, {model:?} in the model")) }
}

/// Compares a reply and its entries with the expectation of the model, and the wallet with the model: all rows if
/// `thorough`, otherwise the rows that are open or were shown.
pub fn compare(
    model: &Model,
    expected: &Expected,
    wallet: &Wallet,
    reply: &Reply,
    entries: &[Entry],
    thorough: bool,
) -> Result<(), String> {
    let says = |entry: &Entry| WrittenEntry {
        kind: entry.kind,
        effective_time: entry.effective_time,
        events: entry.events.clone(),
    };
    let written: Vec<WrittenEntry> = entries.iter().map(says).collect();
    same("entries", &written, &expected.written)?;
    let core = match &reply.result {
        Ok(answer) => Ok(answer.replayed),
        Err(rejection) => Err((rejection.reason(), rejection.metadata())),
    };
    let model_says = match &expected.result {
        Ok(answered) => Ok(answered.replayed),
        Err(refusal) => Err((refusal.reason, refusal.says.clone())),
    };
    same("answer", core, model_says)?;
    same("revision", reply.revision, expected.revision)?;
    same("version", reply.version, expected.version)?;
    same("decided at", reply.decided_at, expected.decided_at)?;
    if let (Ok(answer), Ok(answered)) = (&reply.result, &expected.result) {
        shown(model, wallet, &answer.shown, &answered.seen)?;
        for balance in answer.shown.balances() {
            let total = wallet.balance(balance.unit.as_str());
            same("balance shown", balance.total, total)?;
            let unit = UNITS.iter().map(|(unit, _)| *unit).find(|unit| *unit == balance.unit.as_str());
            same("next expiry", balance.next_expiry, unit.and_then(|unit| next_expiry(model, unit)))?;
        }
    }
    rows(model, wallet, thorough)
}

fn shown(model: &Model, wallet: &Wallet, shown: &Shown, seen: &Seen) -> Result<(), String> {
    match (shown.wallet(), shown.reservation(), shown.grants(), seen) {
        (Some(view), None, None, Seen::Wallet) => {
            same("plan", view.plan.as_deref(), Some(model.plan().id))?;
            same("open jobs", view.open_reservations, model.open_jobs().count() as i64)
        }
        (None, Some(job), None, Seen::Job(id)) => {
            same("shown", &job.id, id)?;
            same("shown", Some(job), wallet.reservations.get(id))
        }
        (None, None, Some(grants), Seen::Lots(keys)) => {
            let found: Vec<_> = keys.iter().filter_map(|key| wallet.grants.get(key)).collect();
            same("shown", grants.iter().collect::<Vec<_>>(), found)
        }
        _ => Err(format!("the core shows {shown:?}, the model {seen:?}")),
    }
}

fn next_expiry(model: &Model, unit: Unit) -> Option<(Timestamp, i64)> {
    let free = || model.lots.iter().filter(|lot| lot.unit == unit && lot.free > 0 && lot.until < i64::MAX);
    let at = free().map(|lot| lot.until).min()?;
    Some((Timestamp::from_micros(at), free().filter(|lot| lot.until == at).map(|lot| lot.free).sum()))
}

fn rows(model: &Model, wallet: &Wallet, thorough: bool) -> Result<(), String> {
    for (unit, _) in UNITS {
        let core = wallet.balance(unit);
        let owed = model.owed(unit);
        let figures = (model.available(unit), model.held(unit), owed.debt, owed.limit);
        same(unit, (core.available, core.held, core.debt, core.debt_limit), figures)?;
    }
    same("status", wallet.status, model.status)?;
    same("name", wallet.profile.display_name.as_str(), model.name.as_str())?;
    same("sales", wallet.profile.sales, model.sales)?;
    for (request, money, _) in &model.refunds {
        let refund = wallet.profile.refunds.get(request);
        same("refund", refund.map(|refund| refund.money.minor_units), Some(*money))?;
    }
    for (request, money) in &model.part_refunds {
        let refund = wallet.profile.purchase_refunds.get(request);
        let core = refund.map(|refund| refund.money.as_ref().map(|money| money.minor_units));
        same("refund of a purchase", core, Some(*money))?;
    }
    same("refunds of a purchase", wallet.profile.purchase_refunds.len(), model.part_refunds.len())?;
    let core = wallet.profile.chargebacks.iter().map(|(id, chargeback)| (id.clone(), chargeback.suspends));
    let mut standing: Vec<_> =
        model.chargebacks.iter().map(|(id, suspends, _)| (id.clone(), *suspends)).collect();
    standing.sort();
    same("chargebacks", core.collect::<Vec<_>>(), standing)?;
    recorded_refunds(model, wallet)?;
    same("once_allowance_granted", wallet.profile.once_allowance_granted, model.once_allowance_granted)?;
    subscription(wallet, model.sub.as_ref())?;
    auto_top_up(wallet, model.auto.as_ref())?;
    same("free credits", wallet.next_free_credits().map(Timestamp::as_micros), model.next_free())?;
    same("grants", wallet.grants.len(), model.lots.len())?;
    for model_lot in &model.lots {
        if thorough || model_lot.free > 0 || model_lot.waiting > 0 {
            let grant = wallet.grants.get(&model_lot.key);
            let grant = grant.ok_or_else(|| format!("the core has no {}", model_lot.key))?;
            lot(model, grant, model_lot)?;
        }
    }
    same("jobs", wallet.reservations.len(), model.jobs.len())?;
    for model_job in &model.jobs {
        if thorough || model_job.is_open() || model_job.ended == model.now {
            let reservation = wallet.reservations.get(&model_job.id);
            let reservation = reservation.ok_or_else(|| format!("the core has no {}", model_job.id))?;
            job(reservation, model_job)?;
        }
    }
    Ok(())
}

fn auto_top_up(wallet: &Wallet, auto: Option<&Auto>) -> Result<(), String> {
    let core = wallet.profile.auto_top_up.as_ref().map(|core| {
        let under_way =
            core.under_way.as_ref().map(|due| (&due.id, i64::from(due.quantity), due.time.as_micros()));
        let times = [core.retry_time, core.due_time].map(|time| time.map(Timestamp::as_micros));
        ((&core.setting, core.standing == auto_top_up::Standing::On), under_way, core.declines, times)
    });
    let model = auto.map(|auto| {
        let under_way = auto.under_way().map(|due| (&due.id, due.packs, due.at));
        ((&auto.setting, auto.is_on), under_way, auto.declines, [auto.wait, auto.timer])
    });
    same("auto top-up", core, model)
}

fn recorded_refunds(model: &Model, wallet: &Wallet) -> Result<(), String> {
    let count = model.recorded.len() + model.period_refunds.len();
    same("recorded refunds", wallet.profile.recorded_refunds.len(), count)?;
    for refund in &model.period_refunds {
        let of = PaymentSubject::Period(refund.period);
        let record = wallet.profile.recorded_refunds.get(&of);
        let record = record.ok_or_else(|| format!("the core has no record of a refund of {of}"))?;
        let total = record.total.as_ref().map(|total| total.minor_units);
        let core = (total, record.used == UsedCredits::Owe, record.sale);
        same("recorded refund of a period", core, (refund.cents, refund.owes, refund.sale))?;
        for (unit, _) in UNITS {
            let core = [&record.claims, &record.owed, &record.withheld].map(|amounts| amounts.get(unit));
            let figure = |amounts: &BTreeMap<Unit, i64>| amounts.get(unit).copied().unwrap_or(0);
            let model = [&refund.claims, &refund.owed, &refund.withheld].map(figure);
            same(&format!("claims on {of}, {unit}"), core, model)?;
        }
    }
    for (id, cents, owe) in &model.recorded {
        let record = wallet.profile.recorded_refunds.get(&PaymentSubject::Purchase(id.clone()));
        let record = record.ok_or_else(|| format!("the core has no record of a refund of {id}"))?;
        let used = record.used == UsedCredits::Owe;
        same(
            "recorded refund",
            (record.total.as_ref().map(|total| total.minor_units), used),
            (Some(*cents), *owe),
        )?;
        for (unit, _) in UNITS {
            let core = (record.claims.get(unit), record.owed.get(unit));
            same(&format!("claims on {id}"), core, (model.claim(id, unit), model.debt_of(id, unit)))?;
        }
    }
    Ok(())
}

fn lot(model: &Model, core: &Grant, lot: &Lot) -> Result<(), String> {
    let what = &core.key;
    let parts = core.parts;
    let core_parts = (
        parts.pending,
        parts.available,
        parts.held,
        parts.consumed,
        parts.expired,
        parts.revoked,
        parts.paid_out,
    );
    let held = model.held_of(&lot.key);
    let model_parts = (lot.waiting, lot.free, held, lot.used, lot.expired, lot.taken, lot.paid_out);
    if core_parts != model_parts || core.amount != lot.amount {
        return same(&format!("parts of {what}"), core_parts, model_parts);
    }
    let life = (core.effective_time.as_micros(), core.expire_time.as_micros(), core.create_time.as_micros());
    let core_is =
        (core.unit.as_str(), core.source, core.priority, life, core.clawback, core.warn_time.as_micros());
    let model_is =
        (lot.unit, lot.source, lot.priority, (lot.from, lot.until, lot.made), lot.clawback, lot.warn);
    if core_is != model_is {
        return same(&what.to_string(), core_is, model_is);
    }
    let grace = (core.details.stems_from.as_ref(), core.details.grace_bound);
    same("grace", grace, (lot.first.as_ref(), lot.bound.map(Timestamp::from_micros)))?;
    same("rolled", core.details.rolled, lot.rolled)?;
    same("with subscription", core.details.with_subscription, lot.with_subscription)
}

fn job(core: &Reservation, job: &Job) -> Result<(), String> {
    let run = (core.state, core.attempt, core.worker.as_ref().map_or("", |worker| worker.as_str()));
    if run != (job.state, job.attempt, &job.worker) || core.deadline.as_micros() != job.deadline {
        let core = (run, core.deadline.as_micros());
        let model = ((job.state, job.attempt, job.worker.as_str()), job.deadline);
        return same(&format!("job {}", job.id), core, model);
    }
    same("amounts", figures(&core.terms.amounts), job.price.amounts.clone())?;
    same("most", figures(&core.terms.max_amounts), job.price.most.clone())?;
    same("unbounded", core.terms.max_unbounded, job.price.unbounded)?;
    same("receipt", core.allocations.len(), job.parts.len())?;
    for (allocation, part) in core.allocations.iter().zip(&job.parts) {
        if !is_part(allocation, part) {
            return Err(format!("receipt of {}: {allocation:?} in the core, {part:?} in the model", job.id));
        }
    }
    let Some(finish) = &core.finish else { return same("end", true, job.is_open()) };
    same("end", finish.time.as_micros(), job.ended)?;
    same("fees", figures(&finish.bill.fees), job.fees.clone())?;
    same("uncollected", figures(&finish.bill.uncollected), job.uncollected.clone())?;
    for (unit, _) in &job.price.amounts {
        let parts = || job.parts.iter().filter(|part| part.unit == *unit);
        let bill = &finish.bill;
        let billed = (
            bill.charged.get(unit),
            bill.returned.get(unit),
            bill.forfeited.get(unit),
            bill.reversed.get(unit),
        );
        let sums = (
            parts().map(|part| part.charged).sum(),
            parts().map(|part| part.returned).sum(),
            parts().map(|part| part.forfeited).sum(),
            parts().map(|part| part.reversed).sum(),
        );
        same(&format!("bill of {}", job.id), billed, sums)?;
    }
    usage(&finish.bill, job)
}

/// Compares the usage of a bill, whose lines add up to the cost of the job.
fn usage(bill: &Bill, job: &Job) -> Result<(), String> {
    let core = bill.usage.as_ref().map(|usage| usage.quantities.clone());
    same("usage", core, job.other_usage())?;
    let Some(Usage { lines, .. }) = &bill.usage else { return Ok(()) };
    for (unit, _) in &job.price.amounts {
        let cost = bill.charged.get(unit) + bill.uncollected.get(unit);
        let cost = catalogs().current.unit(unit).map(|unit| unit.whole(cost));
        let of_unit = lines.iter().filter(|line| line.unit.as_str() == *unit).map(|line| line.amount);
        let sum = of_unit.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add);
        same(&format!("lines of the usage of {}", job.id), sum, cost)?;
    }
    Ok(())
}

fn is_part(core: &Allocation, part: &Part) -> bool {
    let key = match &core.account {
        Account::Grant(key) => Some(key),
        Account::Debt => None,
    };
    key == part.lot.as_ref()
        && core.unit.as_str() == part.unit
        && (core.held, core.charged) == (part.held, part.charged)
        && (core.returned, core.forfeited, core.reversed) == (part.returned, part.forfeited, part.reversed)
        && core.grace == part.grace
}

/// Returns amounts in the form of the model. An unknown unit becomes `?`, which never compares as equal.
fn figures(amounts: &Amounts) -> Vec<(Unit, i64)> {
    let known = |id: &str| UNITS.iter().map(|(unit, _)| *unit).find(|unit| *unit == id).unwrap_or("?");
    amounts.iter().map(|(unit, amount)| (known(unit.as_str()), amount)).collect()
}

fn subscription(wallet: &Wallet, sub: Option<&Sub>) -> Result<(), String> {
    let core = wallet.profile.subscription.as_deref().map(|core| {
        let change = core.change.as_ref().map(|change| (change.sold.plan.as_str(), change.period));
        let advance: Vec<_> =
            core.advance.iter().filter(|(_, n)| *n > 0).map(|(u, n)| (u.to_string(), n)).collect();
        let periods = (core.number, core.first, core.anchor.as_micros(), core.period);
        let paid: Vec<u32> = core.paid.iter().copied().collect();
        let standing = |standing| core.standing == standing;
        let standing = [Standing::PastDue, Standing::Provisional, Standing::Paused].map(standing);
        let pause = core.pause.map(|pause| pause.until.map(Timestamp::as_micros));
        let plan = (core.sold.plan.as_str(), core.sold.quantity);
        let prices = core.prices.iter();
        let cents = prices.map(|(of, price)| (*of, price.as_ref().map(|p| (p.whole.minor_units, p.paid))));
        let paid = (paid, cents.collect::<Vec<_>>());
        (plan, periods, paid, core.given.as_slice(), standing, (change, pause, core.end, advance))
    });
    let model = sub.map(|sub| {
        let change = sub.change.as_ref().map(|(sold, period)| (sold.plan, *period));
        let advance: Vec<_> =
            sub.advance.iter().filter(|(_, n)| **n > 0).map(|(u, n)| ((*u).to_owned(), *n)).collect();
        let periods = (sub.number, sub.first, sub.anchor, sub.period);
        let mut paid = sub.paid.clone();
        paid.sort_unstable();
        (
            (sub.sold.plan, sub.sold.seats),
            periods,
            (paid, sub.prices.iter().map(|(of, cents)| (*of, *cents)).collect()),
            sub.given.as_slice(),
            [sub.past_due, sub.provisional, sub.paused],
            (change, sub.pause, sub.ends, advance),
        )
    });
    same("subscription", core, model)
}
