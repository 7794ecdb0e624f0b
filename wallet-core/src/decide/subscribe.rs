//! Subscribe: sells a plan to a wallet. The first period counts as paid.

use crate::catalog::{Catalog, Plan, Term};
use crate::decide::checks::check_units;
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::begin_period;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::{Subject, Verdict};
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{RequestId, UnitId};
use crate::value::period::boundary;
use crate::value::time::Timestamp;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Overrides, Sold, Subscription};
use crate::wallet::{Wallet, WalletStatus};

/// The command that sells a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The idempotency key.
    pub request: RequestId,
    /// The id of a plan of the current catalog.
    pub plan: String,
    /// The terms negotiated for this wallet, instead of those of the plan.
    pub overrides: Overrides,
    /// The instant from which periods are counted. Now by default; must not be later.
    pub anchor: Option<Timestamp>,
}

impl Subscribe {
    fn fingerprint(&self) -> Fingerprint {
        let negotiated = self.overrides != Overrides::default();
        Fingerprint::default()
            .with("plan_id", Some(&self.plan))
            .with("overrides", negotiated.then_some(&self.overrides))
            .with("anchor_time", self.anchor.as_ref())
    }
}

/// Decides a [`Subscribe`].
pub fn subscribe(
    wallet: &Wallet,
    context: &Context<'_>,
    subscribe: &Subscribe,
) -> Result<Verdict, Rejection> {
    let fingerprint = subscribe.fingerprint();
    if replay_of_request(wallet, &subscribe.request, EntryKind::Subscribed, &fingerprint)? {
        return Ok(Verdict::replay(Subject::Wallet));
    }
    if wallet.status == WalletStatus::Closed {
        return Err(Rejection::WalletClosed);
    }
    if let Some(subscription) = &wallet.profile.subscription {
        return Err(Rejection::AlreadySubscribed(subscription.sold.plan.clone()));
    }
    let sold = sold(wallet, context, &subscribe.plan, &subscribe.overrides)?;
    let anchor = subscribe.anchor.unwrap_or(context.now);
    if anchor > context.now || boundary(anchor, sold.term, 1) <= context.now {
        let text = format!("must be at most now, {}, and less than one period before it", context.now);
        return Err(Rejection::field("anchor_time", text));
    }
    let decision = subscribed(wallet, sold, anchor, context.now);
    Ok(Verdict::new(with_request(decision, &subscribe.request, fingerprint), Subject::Wallet))
}

/// Sells a plan at `now` to a wallet without a subscription.
pub(crate) fn subscribed(wallet: &Wallet, sold: Sold, anchor: Timestamp, now: Timestamp) -> Decision {
    let subscription = Subscription::begin(wallet.profile.sales + 1, sold, anchor);
    begin_period(wallet, subscription, EntryKind::Subscribed, now)
}

/// Returns the terms of a plan of the current catalog with the overrides. Allowances that the default plan gives
/// once per wallet are not given again.
pub(crate) fn sold(
    wallet: &Wallet,
    context: &Context<'_>,
    plan: &str,
    overrides: &Overrides,
) -> Result<Sold, Rejection> {
    check_units(context, &overrides.allowances, "overrides.allowances")?;
    let catalog = &context.catalogs.current;
    let unknown = overrides.unknown_names(catalog);
    if !unknown.is_empty() {
        return Err(Rejection::InvalidFields(unknown));
    }
    let plan = catalog.plan(plan).ok_or_else(|| Rejection::PlanNotFound(plan.to_owned()))?;
    let times = |unit: &UnitId| plan.allowances.iter().filter(|allowance| allowance.unit == *unit).count();
    if let Some(unit) = overrides.allowances.units().find(|unit| times(unit) > 1) {
        let text =
            format!("plan {} has {} allowances of {unit}, so an override is ambiguous", plan.id, times(unit));
        return Err(Rejection::field("overrides.allowances", text));
    }
    Ok(sold_to(wallet, catalog, plan, overrides))
}

/// Returns the terms of a plan for this wallet with the overrides.
pub(crate) fn sold_to(wallet: &Wallet, catalog: &Catalog, plan: &Plan, overrides: &Overrides) -> Sold {
    let mut sold = Sold::of(catalog, plan, overrides);
    let is_default = catalog.default_plan().is_some_and(|default| default.id == plan.id);
    if is_default && plan.term == Term::Once && wallet.profile.once_allowance_granted {
        sold.allowances.retain(|allowance| overrides.allowances.names(allowance.unit.as_str()));
    }
    sold
}
