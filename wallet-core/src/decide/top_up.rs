//! TopUp: issues bought credits. Both the `top_up_id` and the line of a payment are idempotency keys: one of them under
//! two ids credits once.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::catalog::{Catalog, PackExpiry, RefundRule, Span};
use crate::decide::checks::{check_chosen_id, check_not_closed, check_units};
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::read_set::ReadSet;
use crate::decide::replay::check_same;
use crate::decide::sale::for_sale;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::amount::{Amounts, MAX_AMOUNT};
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{OriginId, UnitId};
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::view::views::PurchaseView;
use crate::wallet::Wallet;
use crate::wallet::grant::{ExternalRef, Grant, GrantDetails, GrantKey, Money, Origin, Parts};
use crate::wallet::rejection::Rejection;

/// The command that issues bought credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopUp {
    /// The idempotency key.
    pub id: OriginId,
    /// The pack or amount bought.
    pub purchase: Purchase,
    /// The payment provider's reference to the payment.
    pub external_ref: Option<ExternalRef>,
    /// The line of the payment that this purchase is, if it has several.
    pub line: Option<OriginId>,
    /// The money paid. Recorded only.
    pub paid_amount: Option<Money>,
    /// The instant of the payment. Now by default.
    pub paid_time: Option<Timestamp>,
    /// Free labels of the caller. Recorded only.
    pub labels: BTreeMap<String, String>,
}

/// A pack or an amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purchase {
    /// Packs of one kind.
    Pack(PackSale),
    /// An amount above 0 of one unit, in minor units. It never expires.
    Amount(UnitId, i64),
}

/// A pack as it was sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSale {
    pub id: String,
    /// The number of packs, from 1.
    pub quantity: u32,
    /// The version of the catalog at the checkout. The current one by default.
    pub catalog_version: Option<i64>,
}

impl PackSale {
    /// Returns one pack of the current catalog.
    pub fn one(id: impl Into<String>) -> Self {
        Self { id: id.into(), quantity: 1, catalog_version: None }
    }
}

/// The time for which a catalog that was replaced still sells its packs: a checkout may be paid much later.
const SALE_OF_REPLACED: Duration = Duration::from_secs(90 * 24 * 3600);

impl TopUp {
    /// Returns the fingerprint without the id, so that the same payment under another id is the same purchase.
    fn fingerprint(&self) -> Fingerprint {
        let (pack, amount) = match &self.purchase {
            Purchase::Pack(sale) => (Some(sale), None),
            Purchase::Amount(unit, amount) => (None, Some((unit, amount))),
        };
        Fingerprint::default()
            .with("pack_id", pack.map(|sale| &sale.id))
            .with("quantity", pack.map(|sale| &sale.quantity).filter(|quantity| **quantity != 1))
            .with("catalog_version", pack.and_then(|sale| sale.catalog_version.as_ref()))
            .with("amount", amount.as_ref())
            .with("external_ref", self.external_ref.as_ref())
            .with("line", self.line.as_ref())
            .with("paid_amount", self.paid_amount.as_ref())
            .with("paid_time", self.paid_time.as_ref())
    }
}

impl WalletCommand for TopUp {
    type View = PurchaseView;

    fn read_set(&self) -> ReadSet {
        ReadSet {
            grants: Some(GrantKey::new(Origin::TopUp, self.id.clone(), 0)),
            payment: self.external_ref.clone(),
            ..ReadSet::default()
        }
    }

    /// Returns the catalog version of the checkout.
    fn priced_by(&self, _: &Wallet) -> Option<i64> {
        match &self.purchase {
            Purchase::Pack(sale) => sale.catalog_version,
            Purchase::Amount(..) => None,
        }
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<Vec<GrantKey>>, Rejection> {
        let fingerprint = self.fingerprint();
        if let Some(verdict) = replay_of_purchase(wallet, self, &fingerprint)? {
            return Ok(verdict);
        }
        check_chosen_id("top_up_id", &self.id)?;
        if self.paid_time.is_some_and(|paid| paid > context.now) {
            return Err(Rejection::field("paid_time", format!("must not be after now, {}", context.now)));
        }
        let bought = purchased(wallet, context, self)?;
        check_not_closed(wallet)?;
        let mut decision = Decision::of(EntryKind::ToppedUp, context.now);
        let mut keys = Vec::new();
        let warn_time = wallet.warn_time(&context.catalogs.current, context.now, bought.expire_time);
        for (n, (unit, amount)) in (0..).zip(bought.amounts.iter()) {
            let key = GrantKey::new(Origin::TopUp, self.id.clone(), n);
            keys.push(key.clone());
            let grant = Grant {
                key,
                unit: unit.clone(),
                source: Source::Purchased,
                priority: 0,
                effective_time: context.now,
                expire_time: bought.expire_time,
                warn_time,
                create_time: context.now,
                amount,
                parts: Parts::default(),
                clawback: None,
                details: GrantDetails {
                    pack: bought.pack.clone(),
                    with_subscription: bought.with_subscription,
                    external_ref: self.external_ref.clone(),
                    line: self.line.clone(),
                    paid_amount: self.paid_amount.clone(),
                    paid_time: self.paid_time,
                    labels: self.labels.clone(),
                    refund: bought.refund,
                    fingerprint: fingerprint.to_string(),
                    ..GrantDetails::default()
                },
            };
            decision.issue(wallet, grant, context.now);
        }
        decision.change = auto_top_up_bought(wallet, &self.id);
        Ok(Verdict::new(decision, keys))
    }
}

/// Returns the wallet's properties after this TopUp, if its id is that of a purchase of the auto top-up.
fn auto_top_up_bought(wallet: &Wallet, id: &OriginId) -> Option<Change> {
    let auto = wallet.profile.auto_top_up.as_ref().filter(|auto| auto.awaits(id))?;
    let mut change = Change::none(wallet);
    change.profile.auto_top_up = Some(Box::new(auto.bought(id)));
    Some(change)
}

/// Returns the verdict on a purchase whose id or payment is already known.
fn replay_of_purchase(
    wallet: &Wallet,
    top_up: &TopUp,
    fingerprint: &Fingerprint,
) -> Result<Option<Verdict<Vec<GrantKey>>>, Rejection> {
    let by_id = |grant: &&Grant| grant.key.origin == Origin::TopUp && grant.key.id == top_up.id;
    let by_payment = |grant: &&Grant| {
        let GrantDetails { external_ref, line, .. } = &grant.details;
        top_up.external_ref.is_some() && (external_ref, line) == (&top_up.external_ref, &top_up.line)
    };
    let first = wallet.grants.values().find(by_id).or_else(|| wallet.grants.values().find(by_payment));
    let Some(first) = first else { return Ok(None) };
    check_same(&Fingerprint::parse(&first.details.fingerprint), fingerprint, None)?;
    let same = |key: &&GrantKey| key.origin == Origin::TopUp && key.id == first.key.id;
    let keys = wallet.grants.keys().filter(same).cloned().collect();
    Ok(Some(Verdict::replay(keys)))
}

struct Bought {
    pack: Option<String>,
    with_subscription: bool,
    amounts: Amounts,
    expire_time: Timestamp,
    refund: Option<RefundRule>,
}

fn purchased(wallet: &Wallet, context: &Context<'_>, top_up: &TopUp) -> Result<Bought, Rejection> {
    match &top_up.purchase {
        Purchase::Pack(PackSale { id, quantity, catalog_version }) => {
            let catalog = catalog_of_sale(context, *catalog_version)?;
            let pack = catalog.pack(id).ok_or_else(|| Rejection::PackNotFound(id.clone()))?;
            // The customer has been charged for a purchase of the auto top-up, although the plan may have ended since.
            let auto = wallet.profile.auto_top_up.as_ref();
            let is_due = auto.is_some_and(|auto| auto.awaits_pack(&top_up.id, id));
            if !is_due && !for_sale(wallet, catalog, pack) {
                let plans = pack.plans.clone().unwrap_or_default();
                return Err(Rejection::PackNotAvailable { pack: id.clone(), plans });
            }
            let paid = top_up.paid_time.unwrap_or(context.now);
            let expire_time = expiry(pack.expiry, paid);
            if expire_time <= context.now {
                return Err(Rejection::field("paid_time", format!("the pack expired at {expire_time}")));
            }
            let with_subscription = pack.expiry.with_subscription;
            let amounts = times(&pack.amounts, *quantity)?;
            Ok(Bought {
                pack: Some(id.clone()),
                with_subscription,
                amounts,
                expire_time,
                refund: pack.refund,
            })
        }
        Purchase::Amount(unit, amount) => {
            let amounts = Amounts::of(unit, *amount);
            check_units(context, &amounts, "amount.unit")?;
            Ok(Bought {
                pack: None,
                with_subscription: false,
                amounts,
                expire_time: Timestamp::NEVER,
                refund: None,
            })
        }
    }
}

/// Returns the catalog that sold a pack, unless it was replaced too long ago.
fn catalog_of_sale<'a>(context: &Context<'a>, version: Option<i64>) -> Result<&'a Catalog, Rejection> {
    let Some(version) = version else { return Ok(&context.catalogs.current) };
    let catalog = context.catalogs.version(version)?;
    match context.catalogs.replaced.get(&version) {
        Some(replaced) if context.now >= replaced.plus(SALE_OF_REPLACED) => {
            let text = format!(
                "version {version} was replaced at {replaced}, more than 90 days ago; name a later one"
            );
            Err(Rejection::field("catalog_version", text))
        }
        _ => Ok(catalog),
    }
}

/// Returns the contents of this number of packs.
fn times(amounts: &Amounts, quantity: u32) -> Result<Amounts, Rejection> {
    let times = |(unit, amount): (&UnitId, i64)| {
        let product = amount.checked_mul(i64::from(quantity)).filter(|product| *product <= MAX_AMOUNT);
        let text = || format!("{quantity} packs of {amount} {unit} are more than {MAX_AMOUNT}");
        product.map(|product| (unit.clone(), product)).ok_or_else(|| Rejection::field("quantity", text()))
    };
    amounts.iter().map(times).collect()
}

/// Returns the instant at which credits bought at `paid` expire by the calendar.
fn expiry(rule: PackExpiry, paid: Timestamp) -> Timestamp {
    let end = rule.after.zip(paid.to_utc()).and_then(|(span, paid)| match span {
        Span::Days(days) => paid.checked_add_days(chrono::Days::new(days.into())),
        Span::Months(months) => paid.checked_add_months(chrono::Months::new(months)),
    });
    end.map_or(Timestamp::NEVER, Timestamp::from)
}
