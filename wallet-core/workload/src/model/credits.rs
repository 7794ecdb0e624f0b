//! Credits: issued, spent, expired and revoked.

use wallet_core::decide::{Grant, PackSale, Purchase, RevokeGrant, TopUp};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{Clawback, GrantKey, Origin};
use wallet_core::wallet::WalletStatus;
use wallet_core::{Amounts, Command, OriginId, Source};

use super::answer::{Answered, Refusal, Seen, same};
use super::calendar::{DAY, NEVER, months_after};
use super::catalog::{self, PACKS, PackExpiry, Unit};
use super::request::known;
use super::state::{Lot, Model};

struct Bought {
    amounts: Vec<(Unit, i64)>,
    until: i64,
    with_subscription: bool,
}

impl Lot {
    pub(super) fn new(key: GrantKey, unit: Unit, source: Source, amount: i64, made: i64) -> Self {
        Self {
            key,
            unit,
            source,
            priority: 0,
            from: made,
            until: NEVER,
            warn: NEVER,
            made,
            amount,
            waiting: 0,
            free: 0,
            used: 0,
            expired: 0,
            taken: 0,
            paid_out: 0,
            clawback: None,
            unpaid: false,
            revoked: false,
            with_subscription: false,
            rolled: 0,
            first: None,
            first_source: None,
            bound: None,
            period: None,
            command: None,
        }
    }

    /// Returns the sort key of the spending order.
    fn spend_rank(&self) -> (usize, i32, i64, i64, &GrantKey) {
        let place = Source::ALL.iter().position(|source| *source == self.source).unwrap_or(0);
        (place, self.priority, self.until, self.made, &self.key)
    }
}

impl Model {
    /// Adds a lot. Its credits repay debt first.
    pub(super) fn issue(&mut self, mut lot: Lot, at: i64) {
        if lot.from > at {
            lot.waiting = lot.amount;
        } else {
            lot.free = lot.amount - lot.paid_out;
            self.mark_changed(lot.unit);
        }
        self.lots.push(lot);
        self.repay(self.lots.len() - 1, i64::MAX);
    }

    /// Repays debt from the new credits of a lot, up to `most`.
    pub(super) fn repay(&mut self, n: usize, most: i64) {
        let lot = &mut self.lots[n];
        if let Some(owed) = self.owed.get_mut(lot.unit) {
            let part = lot.free.min(owed.debt).min(most);
            lot.free -= part;
            lot.used += part;
            owed.debt -= part;
        }
    }

    pub(super) fn expire_lot(&mut self, n: usize) {
        self.mark_changed_if_free(n);
        let lot = &mut self.lots[n];
        lot.expired += lot.free + lot.waiting;
        (lot.free, lot.waiting) = (0, 0);
    }

    /// Takes up to `amount` in spending order. Returns the amounts by lot.
    pub(super) fn take(&mut self, unit: Unit, amount: i64) -> Vec<(GrantKey, i64)> {
        let mut left = amount;
        let mut taken = Vec::new();
        if amount > 0 {
            self.mark_changed(unit);
        }
        while left > 0 {
            let lots = self.lots.iter_mut().filter(|lot| lot.unit == unit && lot.free > 0);
            let Some(first) = lots.min_by(|a, b| a.spend_rank().cmp(&b.spend_rank())) else { break };
            let part = first.free.min(left);
            first.free -= part;
            left -= part;
            taken.push((first.key.clone(), part));
        }
        taken
    }

    pub(super) fn top_up(&mut self, top_up: &TopUp, command: &Command) -> Result<Answered, Refusal> {
        if let Some(before) = self.bought_before(top_up) {
            if let Some(made_by) = &before.command {
                same(made_by, command)?;
            }
            let mut keys: Vec<GrantKey> = self.lots.iter().map(|lot| lot.key.clone()).collect();
            keys.retain(|key| key.origin == Origin::TopUp && key.id == before.key.id);
            keys.sort();
            return Ok(Answered::again(Seen::Lots(keys)));
        }
        check_chosen_id(&top_up.id)?;
        let paid = top_up.paid_time.map_or(self.now, |time| time.as_micros());
        if paid > self.now {
            return Err(Refusal::field());
        }
        let Bought { amounts, until, with_subscription } = self.bought(top_up, paid)?;
        self.open_for_credits()?;
        let mut keys = Vec::new();
        for (n, (unit, amount)) in (0..).zip(amounts) {
            let key = GrantKey::new(Origin::TopUp, top_up.id.clone(), n);
            keys.push(key.clone());
            let lot = Lot::new(key, unit, Source::Purchased, amount, self.now);
            let warn = Self::warning(self.plan().warns, self.now, until);
            self.issue(
                Lot { until, warn, with_subscription, command: Some(command.clone()), ..lot },
                self.now,
            );
        }
        self.answer_auto_top_up(&top_up.id);
        self.write(EntryKind::ToppedUp, self.now);
        Ok(Answered::done(Seen::Lots(keys)))
    }

    /// Returns a purchase with this id, or with this payment.
    fn bought_before(&self, top_up: &TopUp) -> Option<&Lot> {
        let bought = |lot: &&Lot| lot.key.origin == Origin::TopUp;
        let by_id = self.lots.iter().filter(bought).find(|lot| lot.key.id == top_up.id);
        let payment = top_up.external_ref.as_ref().map(|payment| (payment, top_up.line.as_ref()));
        by_id.or_else(|| self.lots.iter().find(|lot| payment.is_some() && lot.payment() == payment))
    }

    fn bought(&self, top_up: &TopUp, paid: i64) -> Result<Bought, Refusal> {
        let PackSale { id, quantity, catalog_version } = match &top_up.purchase {
            Purchase::Pack(sale) => sale,
            Purchase::Amount(unit, amount) => {
                let amounts = known(&Amounts::of(unit, *amount))?;
                return Ok(Bought { amounts, until: NEVER, with_subscription: false });
            }
        };
        if let Some(version) = catalog_version.filter(|version| *version != catalog::VERSION) {
            return Err(Refusal::new("CATALOG_NOT_FOUND").with("catalog_version", version));
        }
        let pack = PACKS.iter().find(|pack| pack.id == *id);
        let pack = pack.ok_or_else(|| Refusal::new("PACK_NOT_FOUND").with("pack_id", id))?;
        // A purchase that was due under a plan is sold after that has ended.
        if !self.awaits(&top_up.id, pack) && !self.sells(pack) {
            let refusal = Refusal::new("PACK_NOT_AVAILABLE").with("pack_id", id);
            return Err(refusal.with("plans", pack.plans.join(",")));
        }
        let until = match pack.expiry {
            PackExpiry::Never => NEVER,
            PackExpiry::Days(days) => paid + days * DAY,
            PackExpiry::Months(months) => months_after(paid, months),
        };
        if until <= self.now {
            return Err(Refusal::field());
        }
        let amounts =
            pack.amounts.iter().map(|(unit, amount)| (*unit, amount * i64::from(*quantity))).collect();
        Ok(Bought { amounts, until, with_subscription: pack.with_subscription })
    }

    /// Returns whether the wallet's plan may buy a pack.
    pub(crate) fn sells(&self, pack: &catalog::Pack) -> bool {
        pack.plans.is_empty() || pack.plans.contains(&self.plan().id)
    }

    fn open_for_credits(&self) -> Result<(), Refusal> {
        if self.status == WalletStatus::Closed { Err(Refusal::new("WALLET_CLOSED")) } else { Ok(()) }
    }

    pub(super) fn grant(&mut self, grant: &Grant, command: &Command) -> Result<Answered, Refusal> {
        let key = GrantKey::new(Origin::Grant, grant.id.clone(), 0);
        if let Some(n) = self.find_lot(&key) {
            if let Some(made_by) = &self.lots[n].command {
                same(made_by, command)?;
            }
            return Ok(Answered::again(Seen::Lots(vec![key])));
        }
        check_chosen_id(&grant.id)?;
        let unit = catalog::unit(&grant.unit).ok_or_else(Refusal::field)?;
        let from = grant.effective_time.map_or(self.now, |time| time.as_micros());
        let until = grant.expire_time.map_or(NEVER, |time| time.as_micros());
        if until <= self.now || until <= from {
            return Err(Refusal::field());
        }
        self.open_for_credits()?;
        let lot = Lot::new(key.clone(), unit, grant.source, grant.amount, self.now);
        let warn = Self::warning(self.plan().warns, from.max(self.now), until);
        let lot = Lot { priority: grant.priority, from, until, warn, command: Some(command.clone()), ..lot };
        self.issue(lot, self.now);
        self.write(EntryKind::Granted, self.now);
        Ok(Answered::done(Seen::Lots(vec![key])))
    }

    pub(super) fn revoke(&mut self, revoke: &RevokeGrant, command: &Command) -> Result<Answered, Refusal> {
        let seen = Seen::Lots(vec![revoke.grant.clone()]);
        if self.requested(command)? {
            return Ok(Answered::again(seen));
        }
        let n = self.find_lot(&revoke.grant).ok_or_else(|| Refusal::new("GRANT_NOT_FOUND"))?;
        self.mark_changed_if_free(n);
        let lot = &mut self.lots[n];
        lot.taken += lot.free + lot.waiting;
        (lot.free, lot.waiting) = (0, 0);
        (lot.clawback, lot.revoked) = (lot.clawback.max(Some(Clawback::Revoked)), true);
        self.remember(command, EntryKind::GrantRevoked);
        Ok(Answered::done(seen))
    }
}

/// Refuses an id with the prefix of a public grant id.
fn check_chosen_id(id: &OriginId) -> Result<(), Refusal> {
    let words = ["top_up:", "grant:", "grace:", "rollover:", "period:", "correction:"];
    if words.iter().any(|word| id.as_str().starts_with(word)) { Err(Refusal::field()) } else { Ok(()) }
}
