//! Grant: issues credits that were not bought. The `grant_id` is the idempotency key.

use std::collections::BTreeMap;

use crate::decide::checks::{check_chosen_id, check_grant_capacity, check_units};
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::read_set::ReadSet;
use crate::decide::replay::check_same;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::amount::Amounts;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{OriginId, UnitId};
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::view::views::GrantView;
use crate::wallet::Wallet;
use crate::wallet::grant::{Grant as GrantRow, GrantDetails, GrantKey, Origin, Parts};
use crate::wallet::rejection::Rejection;

/// The command that issues credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The idempotency key.
    pub id: OriginId,
    pub unit: UnitId,
    /// The amount in minor units, above 0.
    pub amount: i64,
    pub source: Source,
    /// The priority: among grants of equal source, lower numbers are spent first.
    pub priority: i32,
    /// The instant from which the credits can be spent. Now by default.
    pub effective_time: Option<Timestamp>,
    /// The instant at which unspent credits expire. Never by default.
    pub expire_time: Option<Timestamp>,
    /// Recorded in the entry.
    pub reason: String,
    /// Free labels of the caller. Recorded only.
    pub labels: BTreeMap<String, String>,
}

impl Grant {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::default()
            .with("amount", Some(&(&self.unit, self.amount)))
            .with("source", Some(&self.source))
            .with("priority", Some(&self.priority))
            .with("effective_time", self.effective_time.as_ref())
            .with("expire_time", self.expire_time.as_ref())
    }
}

impl WalletCommand for Grant {
    type View = GrantView;

    fn read_set(&self) -> ReadSet {
        ReadSet { grants: Some(GrantKey::new(Origin::Grant, self.id.clone(), 0)), ..ReadSet::default() }
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<GrantKey>, Rejection> {
        let key = GrantKey::new(Origin::Grant, self.id.clone(), 0);
        let fingerprint = self.fingerprint();
        if let Some(made) = wallet.grants.get(&key) {
            check_same(&Fingerprint::parse(&made.details.fingerprint), &fingerprint, None)?;
            return Ok(Verdict::replay(key));
        }
        check_chosen_id("grant_id", &self.id)?;
        check_units(context, &Amounts::of(&self.unit, self.amount), "amount.unit")?;
        let effective_time = self.effective_time.unwrap_or(context.now);
        let expire_time = self.expire_time.unwrap_or(Timestamp::NEVER);
        if expire_time <= context.now {
            return Err(Rejection::field("expire_time", format!("must be after now, {}", context.now)));
        }
        if expire_time <= effective_time {
            return Err(Rejection::field("expire_time", "must be after effective_time"));
        }
        check_grant_capacity(wallet)?;
        let mut decision = Decision::of(EntryKind::Granted, context.now).because(&self.reason);
        let row = GrantRow {
            key: key.clone(),
            unit: self.unit.clone(),
            source: self.source,
            priority: self.priority,
            effective_time,
            expire_time,
            warn_time: wallet.warn_time(
                &context.catalogs.current,
                effective_time.max(context.now),
                expire_time,
            ),
            create_time: context.now,
            amount: self.amount,
            parts: Parts::default(),
            clawback: None,
            details: GrantDetails {
                reason: self.reason.clone(),
                labels: self.labels.clone(),
                fingerprint: fingerprint.to_string(),
                ..GrantDetails::default()
            },
        };
        decision.issue(wallet, row, context.now);
        Ok(Verdict::new(decision, key))
    }
}
