//! Auto top-up by a list of all purchases that were ever due, which is searched for each question.

use uuid::Uuid;
use wallet_core::auto_top_up::Setting;
use wallet_core::decide::{RecordAutoTopUpFailure, SetAutoTopUp};
use wallet_core::entry::EntryKind;
use wallet_core::event::{AutoTopUpEvent, Event, EventKind};
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId, Timestamp};

use super::answer::{Answered, Refusal, Seen};
use super::calendar::{DAY, HOUR, month_of};
use super::catalog::{self, PACKS, Pack};
use super::state::Model;

/// The end of a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    UnderWay,
    Bought,
    Declined,
}

/// A purchase that was due.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) id: OriginId,
    pub(crate) pack: &'static Pack,
    pub(crate) packs: i64,
    pub(crate) at: i64,
    pub(crate) end: End,
}

/// The auto top-up of a wallet.
#[derive(Debug, Clone)]
pub(crate) struct Auto {
    pub(crate) setting: Setting,
    pub(crate) pack: &'static Pack,
    /// False if the platform or declines turned it off.
    pub(crate) is_on: bool,
    pub(crate) dues: Vec<Due>,
    /// The indices of the last three declines, until they are bought after all.
    pub(crate) last_declined: Vec<usize>,
    pub(crate) declines: u32,
    /// The end of the wait after a decline.
    pub(crate) wait: Option<i64>,
    /// The instant at which a purchase will be due if nothing happens before.
    pub(crate) timer: Option<i64>,
}

impl Auto {
    pub(crate) fn under_way(&self) -> Option<&Due> {
        self.dues.iter().find(|due| due.end == End::UnderWay)
    }

    /// Returns the purchase with this id, if it is under way or one of the last declines.
    fn awaited(&self, id: &OriginId) -> Option<usize> {
        let open = self.dues.iter().position(|due| due.end == End::UnderWay);
        let mut awaited = self.last_declined.iter().copied().chain(open);
        awaited.find(|n| self.dues[*n].id == *id)
    }

    /// Returns the number of packs that may be bought at an instant: none if the day or the month is full.
    fn room(&self, at: i64) -> i64 {
        let counts = |due: &&Due| due.end != End::Declined;
        let today =
            self.dues.iter().filter(counts).filter(|due| due.at.div_euclid(DAY) == at.div_euclid(DAY));
        if today.count() >= self.setting.max_per_day as usize {
            return 0;
        }
        let (Some(most), Some(price)) = (&self.setting.max_paid_per_month, self.pack.price) else {
            return if self.setting.max_paid_per_month.is_some() { 0 } else { 1_000 };
        };
        let month = self.dues.iter().filter(counts).filter(|due| month_of(due.at) == month_of(at));
        let paid: i64 = month.filter_map(|due| due.pack.price.map(|price| price * due.packs)).sum();
        (most.minor_units - paid) / price
    }
}

impl Model {
    pub(super) fn set_auto_top_up(
        &mut self,
        set: &SetAutoTopUp,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        if let Some(setting) = &set.setting {
            catalog::unit(&setting.unit).ok_or_else(Refusal::field)?;
            let pack = PACKS.iter().find(|pack| pack.id == setting.pack);
            let pack = pack.ok_or_else(|| Refusal::new("PACK_NOT_FOUND").with("pack_id", &setting.pack))?;
            if !pack.amounts.iter().any(|(unit, _)| *unit == setting.unit.as_str()) {
                return Err(Refusal::field());
            }
            if !self.sells(pack) {
                let refusal = Refusal::new("PACK_NOT_AVAILABLE").with("pack_id", pack.id);
                return Err(refusal.with("plans", pack.plans.join(",")));
            }
            if let Some(most) = &setting.max_paid_per_month {
                let fits = pack.price.is_some_and(|price| price <= most.minor_units);
                if !fits || most.currency != "EUR" {
                    return Err(Refusal::field());
                }
            }
            let before = self.auto.take();
            let (dues, last_declined) =
                before.map_or((Vec::new(), Vec::new()), |before| (before.dues, before.last_declined));
            self.auto = Some(Auto {
                setting: setting.clone(),
                pack,
                is_on: true,
                dues,
                last_declined,
                declines: 0,
                wait: None,
                timer: None,
            });
        } else if let Some(auto) = &mut self.auto {
            auto.is_on = false;
        }
        self.remember(command, EntryKind::AutoTopUpSet);
        Ok(Answered::done(Seen::Wallet))
    }

    pub(super) fn fail_auto_top_up(
        &mut self,
        failure: &RecordAutoTopUpFailure,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        let Some(auto) = &mut self.auto else { return Err(Refusal::new("AUTO_TOP_UP_NOT_UNDER_WAY")) };
        if auto.last_declined.iter().any(|n| auto.dues[*n].id == failure.top_up) {
            return Ok(Answered::again(Seen::Wallet));
        }
        let found = auto.dues.iter().position(|due| due.id == failure.top_up && due.end == End::UnderWay);
        let Some(n) = found else {
            let refusal = Refusal::new("AUTO_TOP_UP_NOT_UNDER_WAY");
            let other = auto.under_way();
            return Err(other.into_iter().fold(refusal, |refusal, due| refusal.with("under_way", &due.id)));
        };
        auto.dues[n].end = End::Declined;
        auto.last_declined.push(n);
        let all = auto.last_declined.len();
        auto.last_declined.drain(..all.saturating_sub(3));
        auto.declines += 1;
        auto.wait = match auto.declines {
            1 => Some(self.now + HOUR),
            2 => Some(self.now + 6 * HOUR),
            _ => None,
        };
        auto.is_on &= auto.wait.is_some();
        let (due, unit) = (auto.dues[n].clone(), auto.setting.unit.clone());
        let retry_time = auto.wait.filter(|_| auto.is_on).map(Timestamp::from_micros);
        let threshold = auto.setting.threshold;
        self.remember(command, EntryKind::AutoTopUpFailed);
        let available = catalog::unit(&unit).map_or(0, |unit| self.available(unit));
        self.notify(Event {
            kind: EventKind::AutoTopUpFailed,
            unit,
            available,
            threshold,
            grant: None,
            expire_time: Timestamp::NEVER,
            auto_top_up: Some(Box::new(purchase(&due, retry_time))),
        });
        Ok(Answered::done(Seen::Wallet))
    }

    /// Returns whether a purchase of this pack was due with this id, and may still be bought.
    pub(super) fn awaits(&self, id: &OriginId, pack: &Pack) -> bool {
        let auto = self.auto.as_ref();
        auto.is_some_and(|auto| auto.awaited(id).is_some_and(|n| auto.dues[n].pack.id == pack.id))
    }

    /// Ends the auto top-up that a purchase with this id answers, if there is one.
    pub(super) fn answer_auto_top_up(&mut self, id: &OriginId) {
        let Some(auto) = &mut self.auto else { return };
        let Some(n) = auto.awaited(id) else { return };
        auto.dues[n].end = End::Bought;
        auto.last_declined.retain(|late| *late != n);
        (auto.declines, auto.wait) = (0, None);
    }

    /// Returns whether a purchase is wanted, apart from waits and bounds.
    fn wants_top_up(&self) -> bool {
        self.auto.as_ref().is_some_and(|auto| {
            let available = catalog::unit(&auto.setting.unit).map_or(0, |unit| self.available(unit));
            let is_open = self.status == WalletStatus::Active && self.sells(auto.pack);
            auto.is_on && auto.under_way().is_none() && is_open && available < auto.setting.threshold
        })
    }

    /// Checks the balance after the last entry: a purchase is due now or later.
    pub(super) fn check_auto_top_up(&mut self) {
        if self.checked_entries == self.entries {
            return;
        }
        self.checked_entries = self.entries;
        let wanted = self.wants_top_up();
        let Some(last) = self.written.last() else { return };
        let now = last.effective_time.as_micros();
        let Some(auto) = &mut self.auto else { return };
        auto.timer = None;
        if !wanted {
            return;
        }
        // The first of the instants at which anything may change: now, the end of the wait, a midnight, a first of a
        // month.
        let first = auto.wait.map_or(now, |wait| wait.max(now));
        let midnight = (first.div_euclid(DAY) + 1) * DAY;
        let mut month = midnight;
        while month_of(month) == month_of(first) {
            month += DAY;
        }
        let at = [first, midnight, month].into_iter().find(|at| auto.room(*at) > 0);
        if at != Some(now) {
            auto.timer = at;
            return;
        }
        self.make_due(now);
    }

    fn make_due(&mut self, now: i64) {
        let id = Uuid::new_v5(&self.key.uuid(), format!("auto_top_up {}", self.entries).as_bytes());
        let Some(auto) = &self.auto else { return };
        let Some(unit) = catalog::unit(&auto.setting.unit) else { return };
        let (available, debt) = (self.available(unit), self.owed(unit).debt);
        let in_pack: i64 = auto.pack.amounts.iter().filter(|(of, _)| *of == unit).map(|(_, n)| *n).sum();
        let mut packs = 1;
        while available - debt + packs * in_pack < auto.setting.threshold {
            packs += 1;
        }
        let due = Due {
            id: format!("auto-{id}").parse().expect("an id"),
            pack: auto.pack,
            packs: packs.min(auto.room(now)).min(1_000),
            at: now,
            end: End::UnderWay,
        };
        let event = Event {
            kind: EventKind::AutoTopUpDue,
            unit: auto.setting.unit.clone(),
            available,
            threshold: auto.setting.threshold,
            grant: None,
            expire_time: Timestamp::NEVER,
            auto_top_up: Some(Box::new(purchase(&due, None))),
        };
        if let Some(auto) = &mut self.auto {
            auto.dues.push(due);
        }
        self.notify(event);
    }

    /// Ends the wait after a declined payment. Nothing is due if credits of the same instant were enough.
    pub(super) fn end_auto_top_up_wait(&mut self, at: i64) {
        let wanted = self.wants_top_up();
        let Some(auto) = &mut self.auto else { return };
        auto.timer = None;
        if wanted {
            self.write(EntryKind::AutoTopUpDue, at);
        }
    }
}

fn purchase(due: &Due, retry_time: Option<Timestamp>) -> AutoTopUpEvent {
    let quantity = u32::try_from(due.packs).unwrap_or(0);
    AutoTopUpEvent { top_up: due.id.clone(), pack: due.pack.id.to_owned(), quantity, retry_time }
}
