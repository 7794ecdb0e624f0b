//! The wallet itself: created and updated; and commands that have a request id.

use wallet_core::decide::{CreateWallet, UpdateWallet};
use wallet_core::entry::EntryKind;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Amounts, Command};

use super::answer::{Answered, Refusal, Seen, mismatch, same};
use super::catalog::{self, Unit};
use super::state::Model;

impl Model {
    pub(super) fn create(&mut self, create: &CreateWallet) -> Result<Answered, Refusal> {
        if let Some(before) = &self.created {
            same(&Command::CreateWallet(before.clone()), &Command::CreateWallet(create.clone()))?;
            return Ok(Answered::again(Seen::Wallet));
        }
        let limits = known(&create.debt_limits)?;
        self.created = Some(create.clone());
        self.name.clone_from(&create.display_name);
        self.set_limits(&limits);
        self.give_first_allowances();
        self.write(EntryKind::WalletCreated, self.now);
        Ok(Answered::done(Seen::Wallet))
    }

    pub(super) fn update(&mut self, update: &UpdateWallet, command: &Command) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        let limits = known(&update.debt_limits)?;
        if limits.iter().any(|(unit, limit)| *limit < self.owed(unit).debt) {
            return Err(Refusal::field());
        }
        self.set_limits(&limits);
        self.status = update.status.unwrap_or(self.status);
        if update.status.is_some() {
            self.chargebacks.iter_mut().for_each(|(_, suspends, _)| *suspends = false);
        }
        if let Some(name) = &update.display_name {
            self.name.clone_from(name);
        }
        for (unit, low) in &update.low_balance {
            self.low.insert(unit.clone(), low.clone());
        }
        self.low.retain(|_, low| !low.is_empty());
        self.remember(command, EntryKind::WalletUpdated);
        Ok(Answered::done(Seen::Wallet))
    }

    fn set_limits(&mut self, limits: &[(Unit, i64)]) {
        for (unit, limit) in limits {
            self.owed.entry(unit).or_default().limit = *limit;
        }
    }

    /// Returns whether this request was carried out before. Refuses an id that was used for another command.
    pub(super) fn requested(&self, command: &Command) -> Result<bool, Refusal> {
        let before = self.requests.iter().find(|before| before.request_id() == command.request_id());
        let Some(before) = before else { return Ok(false) };
        if std::mem::discriminant(before) != std::mem::discriminant(command) {
            return Err(mismatch(&["request_id"]));
        }
        same(before, command).map(|()| true)
    }

    pub(super) fn remember(&mut self, command: &Command, kind: EntryKind) {
        self.requests.push(command.clone());
        self.write(kind, self.now);
    }
}

/// Returns amounts whose units the catalog has.
pub(super) fn known(amounts: &Amounts) -> Result<Vec<(Unit, i64)>, Refusal> {
    let known = |(unit, amount)| catalog::unit(unit).map(|unit| (unit, amount));
    amounts.iter().map(known).collect::<Option<Vec<_>>>().ok_or_else(Refusal::field)
}

/// Returns amounts that can be charged.
pub(super) fn chargeable(amounts: &Amounts) -> Result<Vec<(Unit, i64)>, Refusal> {
    let amounts = known(amounts)?;
    if amounts.iter().any(|(unit, amount)| amount % catalog::step(unit) != 0) {
        return Err(Refusal::field());
    }
    Ok(amounts)
}
