//! Subscribe: a plan is sold to a wallet. Says itself that the first period is paid.

use crate::catalog::{Catalog, Plan, Term};
use crate::decide::checks::check_units;
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::begin_period;
use crate::decide::replay::{made_before, requested};
use crate::decide::verdict::{Subject, Verdict};
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{RequestId, UnitId};
use crate::value::period::boundary;
use crate::value::time::Timestamp;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Overrides, Sold, Subscription};
use crate::wallet::{Wallet, WalletStatus};

/// Sell a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The idempotency key.
    pub request: RequestId,
    /// A plan of the current catalog.
    pub plan: String,
    /// What is negotiated instead.
    pub overrides: Overrides,
    /// Where the periods are counted from; now by default, and not later.
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
    if made_before(wallet, &subscribe.request, EntryKind::Subscribed, &fingerprint)? {
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
        let text = format!("must lie in the period that {} is in", context.now);
        return Err(Rejection::field("anchor_time", text));
    }
    let decision = subscribed(wallet, sold, anchor, context.now);
    Ok(Verdict::new(requested(decision, &subscribe.request, fingerprint), Subject::Wallet))
}

/// A plan is sold at `now` to a wallet that has none.
pub(crate) fn subscribed(wallet: &Wallet, sold: Sold, anchor: Timestamp, now: Timestamp) -> Decision {
    let subscription = Subscription::begin(wallet.profile.sales + 1, sold, anchor);
    begin_period(wallet, subscription, EntryKind::Subscribed, now)
}

/// What a plan of the current catalog includes, with what was negotiated. What the default plan gives once is
/// not given again.
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
        let text = format!("plan {} gives {unit} {} times over: which is meant?", plan.id, times(unit));
        return Err(Rejection::field("overrides.allowances", text));
    }
    Ok(sold_to(wallet, catalog, plan, overrides))
}

/// What is sold to this wallet with a plan, and with what was negotiated.
pub(crate) fn sold_to(wallet: &Wallet, catalog: &Catalog, plan: &Plan, overrides: &Overrides) -> Sold {
    let mut sold = Sold::of(catalog, plan, overrides);
    let is_default = catalog.default_plan().is_some_and(|default| default.id == plan.id);
    if is_default && plan.term == Term::Once && wallet.profile.welcomed {
        sold.allowances.retain(|allowance| overrides.allowances.names(allowance.unit.as_str()));
    }
    sold
}
