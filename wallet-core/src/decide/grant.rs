//! Grant: issues credits that were not bought. The `grant_id` is the idempotency key.

use crate::amount::Amounts;
use crate::command::{Context, Subject, Verdict};
use crate::decide::create_wallet::check_units;
use crate::decision::Decision;
use crate::entry::EntryKind;
use crate::fingerprint::Fingerprint;
use crate::grant::{Grant as GrantRow, GrantDetails, GrantKey, Origin, Parts};
use crate::ids::{OriginId, UnitId};
use crate::rejection::Rejection;
use crate::source::Source;
use crate::time::Timestamp;
use crate::wallet::{MAX_OPEN_GRANTS, Wallet, WalletStatus};

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

/// Decides a [`Grant`].
pub fn grant(wallet: &Wallet, context: &Context<'_>, grant: &Grant) -> Result<Verdict, Rejection> {
    let key = GrantKey::new(Origin::Grant, grant.id.clone(), 0);
    let fingerprint = grant.fingerprint();
    if let Some(made) = wallet.grants.get(&key) {
        let fields = Fingerprint::parse(&made.details.fingerprint).differences(&fingerprint);
        return match fields.is_empty() {
            true => Ok(Verdict::replay(Subject::Grants(vec![key]))),
            false => Err(Rejection::IdempotencyMismatch { fields, state: None }),
        };
    }
    chosen("grant_id", &grant.id)?;
    check_units(context, &Amounts::of(&grant.unit, grant.amount), "amount.unit")?;
    let effective_time = grant.effective_time.unwrap_or(context.now);
    let expire_time = grant.expire_time.unwrap_or(Timestamp::NEVER);
    if expire_time <= context.now {
        return Err(Rejection::field("expire_time", format!("must be after now, {}", context.now)));
    }
    if expire_time <= effective_time {
        return Err(Rejection::field("expire_time", "must be after effective_time"));
    }
    accepts_grants(wallet, 1)?;
    let mut decision = Decision::of(EntryKind::Granted, context.now).because(&grant.reason);
    let row = GrantRow {
        key: key.clone(),
        unit: grant.unit.clone(),
        source: grant.source,
        priority: grant.priority,
        effective_time,
        expire_time,
        warn_time: wallet.warn_time(&context.catalogs.current, effective_time.max(context.now), expire_time),
        create_time: context.now,
        amount: grant.amount,
        parts: Parts::default(),
        taken_back: None,
        details: GrantDetails {
            reason: grant.reason.clone(),
            fingerprint: fingerprint.to_string(),
            ..GrantDetails::default()
        },
    };
    decision.issue(wallet, row, context.now);
    Ok(Verdict::new(decision, Subject::Grants(vec![key])))
}

/// Refuses an id that begins like the public id of a grant, because it could be mistaken for that of another grant.
pub(super) fn chosen(field: &str, id: &OriginId) -> Result<(), Rejection> {
    let Some((origin, _)) = Origin::named(id.as_str()) else { return Ok(()) };
    let word = origin.as_str();
    let text = format!(
        "{:?} begins with {word}:, which is the prefix of ids that the wallet makes; choose another id",
        id.as_str()
    );
    Err(Rejection::field(field, text))
}

/// Refuses new grants in a closed wallet, and more than [`MAX_OPEN_GRANTS`] open ones.
pub(super) fn accepts_grants(wallet: &Wallet, more: usize) -> Result<(), Rejection> {
    if wallet.status == WalletStatus::Closed {
        return Err(Rejection::WalletClosed);
    }
    let requested = wallet.open_grants() + more;
    if requested > MAX_OPEN_GRANTS {
        return Err(Rejection::LimitExceeded {
            limit: "open_grants".to_owned(),
            maximum: MAX_OPEN_GRANTS.to_string(),
            requested: requested.to_string(),
            plans: Vec::new(),
        });
    }
    Ok(())
}
