//! UpdateWallet: changes the status, display name, debt limits and thresholds of a wallet.

use std::collections::BTreeMap;

use crate::catalog::Threshold;
use crate::decide::checks::check_units;
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::amount::Amounts;
use crate::value::field_violation::FieldViolation;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{RequestId, UnitId};
use crate::value::payment_subject::PaymentSubject;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::refund::Chargeback;
use crate::wallet::rejection::Rejection;
use crate::wallet::{Profile, Wallet, WalletStatus};

/// The command that changes a wallet's own properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateWallet {
    /// The idempotency key.
    pub request: RequestId,
    /// The new status, active or suspended. Unchanged by default.
    pub status: Option<WalletStatus>,
    /// The new display name. Unchanged by default.
    pub display_name: Option<String>,
    /// The new debt limits, in minor units. Units not named are unchanged.
    pub debt_limits: Amounts,
    /// The new thresholds of low balances, which override the plan's. An empty list restores the plan's; units not
    /// named are unchanged.
    pub low_balance: BTreeMap<UnitId, Vec<Threshold>>,
    /// Recorded in the entry.
    pub reason: String,
}

impl UpdateWallet {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::default()
            .with("status", self.status.as_ref())
            .with("display_name", self.display_name.as_ref())
            .with("debt_limits", (!self.debt_limits.is_empty()).then_some(&self.debt_limits))
            .with("low_balance", (!self.low_balance.is_empty()).then_some(&self.low_balance))
    }
}

impl WalletCommand for UpdateWallet {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = self.fingerprint();
        if replay_of_request(wallet, &self.request, EntryKind::WalletUpdated, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        if wallet.status == WalletStatus::Closed {
            return Err(Rejection::WalletClosed);
        }
        check_units(context, &self.debt_limits, "debt_limits")?;
        let low: Amounts = self.low_balance.keys().map(|unit| (unit.clone(), 0)).collect();
        check_units(context, &low, "low_balance")?;
        let below_debt: Vec<FieldViolation> = self
            .debt_limits
            .iter()
            .map(|(unit, limit)| (unit, limit, wallet.balance(unit.as_str()).debt))
            .filter(|(_, limit, debt)| limit < debt)
            .map(|(unit, limit, debt)| {
                FieldViolation::new(
                    "debt_limits",
                    format!("{limit} {unit} is below the current debt of {debt}"),
                )
            })
            .collect();
        if !below_debt.is_empty() {
            return Err(Rejection::InvalidFields(below_debt));
        }
        let mut decision = Decision::of(EntryKind::WalletUpdated, context.now).because(&self.reason);
        let before = &wallet.profile;
        decision.change = Some(Change {
            status: self.status.unwrap_or(wallet.status),
            profile: Box::new(Profile {
                display_name: self.display_name.clone().unwrap_or_else(|| before.display_name.clone()),
                low_balance: low_balance(&before.low_balance, &self.low_balance),
                chargebacks: chargebacks(before, self.status),
                ..Profile::clone(before)
            }),
            debt_limits: self.debt_limits.clone(),
        });
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}

/// Returns the thresholds after the update.
fn low_balance(
    before: &BTreeMap<UnitId, Vec<Threshold>>,
    update: &BTreeMap<UnitId, Vec<Threshold>>,
) -> BTreeMap<UnitId, Vec<Threshold>> {
    let mut after = before.clone();
    after.extend(update.clone());
    after.retain(|_, thresholds| !thresholds.is_empty());
    after
}

/// Returns the chargebacks after the update. With a status, the platform itself decides about the suspension.
fn chargebacks(before: &Profile, status: Option<WalletStatus>) -> BTreeMap<PaymentSubject, Chargeback> {
    let mut chargebacks = before.chargebacks.clone();
    if status.is_some() {
        chargebacks.values_mut().for_each(|chargeback| chargeback.suspends = false);
    }
    chargebacks
}
