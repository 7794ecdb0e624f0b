//! CreateWallet: makes a wallet and its first entry.

use crate::decide::checks::check_units;
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::replay::check_same;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::amount::Amounts;
use crate::value::fingerprint::Fingerprint;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::free_credits::FreeCredits;
use crate::wallet::grant::Grant;
use crate::wallet::rejection::Rejection;
use crate::wallet::sold::Sold;
use crate::wallet::subscription::Subscription;
use crate::wallet::{Profile, Wallet, WalletStatus};

/// The command that makes a wallet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateWallet {
    /// The display name for consoles and receipts; may be empty.
    pub display_name: String,
    /// The most that overage may add to the debt, per unit, in minor units. 0 for units not named.
    pub debt_limits: Amounts,
}

impl CreateWallet {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::default()
            .with("display_name", (!self.display_name.is_empty()).then_some(&self.display_name))
            .with("debt_limits", (!self.debt_limits.is_empty()).then_some(&self.debt_limits))
    }
}

impl WalletCommand for CreateWallet {
    type View = WalletBalancesView;

    /// This is the only command whose wallet need not exist.
    fn needs_wallet(&self) -> bool {
        false
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = self.fingerprint();
        if wallet.exists() {
            check_same(&Fingerprint::parse(&wallet.profile.fingerprint), &fingerprint, None)?;
            return Ok(Verdict::replay(WalletSubject));
        }
        check_units(context, &self.debt_limits, "debt_limits")?;
        let once_only = once_only_grants(context);
        let terms = FreeCredits::terms(&context.catalogs.current);
        let mut free = terms.map(|terms| FreeCredits::begin(0, terms, context.now));
        let first = free.as_mut().map(|free| free.give(&[], context.now));
        let mut decision = Decision::of(EntryKind::WalletCreated, context.now);
        decision.change = Some(Change {
            status: WalletStatus::Active,
            profile: Box::new(Profile {
                display_name: self.display_name.clone(),
                fingerprint: fingerprint.to_string(),
                once_allowance_granted: !once_only.is_empty(),
                free,
                ..Profile::default()
            }),
            debt_limits: self.debt_limits.clone(),
        });
        for grant in once_only.into_iter().chain(first.into_iter().flatten()) {
            decision.issue(wallet, grant, context.now);
        }
        Ok(Verdict::new(decision, WalletSubject))
    }
}

/// Returns the grants that the default plan gives once per wallet.
fn once_only_grants(context: &Context<'_>) -> Vec<Grant> {
    let plan = context.catalogs.current.default_plan().filter(|plan| plan.term.is_once());
    let sold = plan.map(|plan| Sold::of_plan(&context.catalogs.current, plan));
    let mut once = sold.map(|sold| Subscription::begin(0, sold, context.now));
    let count = once.as_ref().map_or(0, |once| once.sold.allowances.len());
    (0..count)
        .flat_map(|index| once.as_mut().map(|once| once.give(index, &[], context.now)))
        .flatten()
        .collect()
}
