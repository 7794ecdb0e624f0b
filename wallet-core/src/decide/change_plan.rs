//! ChangePlan: sells another plan, from now on or from the end of what was paid on.
//!
//! | New plan | Begins by default | Credits |
//! |---|---|---|
//! | the current plan with the same seats | - | none: a pending change is undone; if past due by it, as paid late |
//! | an upgrade of the same term | now | the difference for the rest of the present windows, rounded up to the increment |
//! | an upgrade of another term | now, new anchor | the full allowance; old grants keep their expiry |
//! | other terms of the same plan of term ONCE | now | what they give beyond those that it has given |
//! | any, while the subscription is past due | now, as paid late | the full allowance, and what rolls over |
//! | any other | at the end of what was paid | - |
//!
//! The caller may name another time. If a change to another term begins now and is not an upgrade, the old credits
//! expire, unless the caller keeps them. A pending cancellation stays; only ResumeSubscription undoes it. A pending
//! change stays if a period of its terms is paid: a change that begins now leaves it, unless it is an upgrade of those
//! terms, and others are refused.

use std::borrow::Cow;

use crate::catalog::{Catalog, Limit, Term};
use crate::decide::change_terms::{ChangeOptions, change, check_change_is_unpaid, is_upgrade};
use crate::decide::context::Context;
use crate::decide::known_payment::{is_known, pays};
use crate::decide::periods::{undone, with_payment};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::sale::{check_first, checked_terms};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::value::time::Timestamp;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::payment::{Paid, counts};
use crate::wallet::rejection::Rejection;
use crate::wallet::sold::{Overrides, Sold};
use crate::wallet::subscription::{Standing, Subscription, UnusedCredits, When};

/// The command that changes the plan of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePlan {
    /// The idempotency key.
    pub request: RequestId,
    /// The id of a plan of the current catalog.
    pub plan: String,
    /// The terms negotiated for this wallet, instead of those of the plan. By default those of the plan, or the present
    /// ones if only the seats change.
    pub overrides: Overrides,
    /// The number of seats, from 1 to 10,000. By default the present number.
    pub quantity: Option<u32>,
    /// The time of the change. By default an upgrade is now, anything else at the end of what was paid.
    pub when: Option<When>,
    /// The fate of the present plan's credits, if a plan of another term begins now. By default an upgrade keeps them.
    pub unused: Option<UnusedCredits>,
    /// The payment for the present period. Only a change that begins now has one.
    pub paid: Paid,
}

impl ChangePlan {
    fn fingerprint(&self) -> Fingerprint {
        let negotiated = self.overrides != Overrides::default();
        Fingerprint::default()
            .with("plan_id", Some(&self.plan))
            .with("overrides", negotiated.then_some(&self.overrides))
            .with("quantity", self.quantity.as_ref())
            .with("when", self.when.as_ref())
            .with("unused", self.unused.as_ref())
            .with("paid", (self.paid != Paid::default()).then_some(&self.paid))
    }

    /// Returns the negotiated terms: those of the request, or, if only the seats change, those of the present sale.
    fn agreed(&self, present: &Sold) -> Cow<'_, Overrides> {
        match self.plan == present.plan && self.overrides == Overrides::default() {
            true => Cow::Owned(present.overrides()),
            false => Cow::Borrowed(&self.overrides),
        }
    }

    /// Returns the text of the refusal of a payment whose change does not begin now, with the step that counts it.
    fn pays_nothing_now(
        &self,
        wallet: &Wallet,
        present: &Subscription,
        term: Term,
        now: Timestamp,
    ) -> String {
        let text = "pays nothing, because the change does not begin now; leave it out";
        if let Some(reference) = &self.paid.reference
            && counts(&wallet.profile.payments, reference)
        {
            return format!("{text}: {reference} has paid a period of an earlier subscription");
        }
        if present.sold.term.is_once() {
            return text.to_owned();
        }
        if present.is_paused() {
            // The first period after the pause has the new terms. One of term ONCE has no payment of its own.
            return match term.is_once() {
                true => format!("{text}, or use CHANGE_TIME_NOW"),
                false => format!("{text}, and call ResumeSubscription and then RecordPayment"),
            };
        }
        let resume = if present.end.is_some() { "ResumeSubscription and then " } else { "" };
        let next = present.unpaid_start(now).unwrap_or_else(|| present.paid_through());
        format!("{text}, and call {resume}RecordPayment with the period_start_time {next}")
    }
}

impl WalletCommand for ChangePlan {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn sells_plan(&self) -> bool {
        true
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = self.fingerprint();
        if replay_of_request(wallet, &self.request, EntryKind::PlanChanged, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        is_known(wallet, &self.paid)?;
        let present = wallet.profile.subscription.as_deref().ok_or(Rejection::SubscriptionNotFound)?;
        let pays_nothing_more = self.paid == Paid::default() || pays(wallet, present, &self.paid);
        let quantity = self.quantity.unwrap_or(present.sold.quantity);
        let overrides = self.agreed(&present.sold);
        let mut next = checked_terms(wallet, context, &self.plan, &overrides, quantity)?;
        let term = next.term;
        let catalog = &context.catalogs.current;
        let now = context.now;
        let is_present = next.plan == present.sold.plan && quantity == present.sold.quantity;
        let decision = if is_present && self.overrides == Overrides::default() {
            check_change_is_unpaid(wallet, present)?;
            undone(wallet, Subscription { change: None, ..present.clone() }, EntryKind::PlanChanged, now)
        } else {
            check_first(wallet, &next)?;
            if is_upgrade(catalog, &present.sold, &next) {
                keep_limits(catalog, &present.sold, &mut next);
            }
            let options = ChangeOptions { when: self.when, unused: self.unused };
            change(wallet, catalog, present, next, options, now)?
        };
        let began = decision.change.as_ref().and_then(|change| change.profile.subscription.as_deref());
        let has_begun =
            |began: &&Subscription| (began.number, began.period) != (present.number, present.period);
        let decision = match began.filter(has_begun) {
            // Other terms within a paid period are no payment of that.
            Some(began) if self.paid == Paid::default() && !begins_period(present, began) => decision,
            Some(began) => {
                let period = began.period_id();
                with_payment(decision, &self.paid, period)
            }
            None if pays_nothing_more => decision,
            None => {
                return Err(Rejection::field("paid", self.pays_nothing_now(wallet, present, term, now)));
            }
        };
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}

/// Returns whether a change began or paid a period: by other terms with periods of their own, or of one that was not paid.
fn begins_period(present: &Subscription, began: &Subscription) -> bool {
    began.first != present.first || present.standing != Standing::Active
}

/// Keeps the limits that were negotiated for the present plan if they are above those of the new plan: an upgrade takes
/// nothing away.
fn keep_limits(catalog: &Catalog, present: &Sold, next: &mut Sold) {
    let Some(plan) = catalog.plan(&next.plan) else { return };
    for (name, limit) in &present.limits {
        let is_better = matches!(plan.limit(name, next.quantity), Limit::AtMost(most) if most < *limit);
        if is_better && !next.limits.contains_key(name) {
            next.limits.insert(name.clone(), *limit);
        }
    }
}
