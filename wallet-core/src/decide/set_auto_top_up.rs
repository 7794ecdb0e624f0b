//! SetAutoTopUp: sets the pack that is bought when a balance is low, or turns auto top-up off.
//!
//! A setting forgets earlier declines and ends their wait. A purchase under way stays under way, and the purchases of
//! the day and the month stay counted.

use crate::catalog::Catalog;
use crate::decide::checks::{check_not_closed, check_units};
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::sale::for_sale;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::amount::Amounts;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::auto_top_up::{AutoTopUp, Offer, Setting, Standing};
use crate::wallet::rejection::Rejection;

/// The command that sets the auto top-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAutoTopUp {
    /// The idempotency key.
    pub request: RequestId,
    /// The setting. `None` turns auto top-up off.
    pub setting: Option<Setting>,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for SetAutoTopUp {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = Fingerprint::default().with("auto_top_up", self.setting.as_ref());
        if replay_of_request(wallet, &self.request, EntryKind::AutoTopUpSet, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        check_not_closed(wallet)?;
        let mut change = Change::none(wallet);
        let before = change.profile.auto_top_up.take();
        change.profile.auto_top_up = match &self.setting {
            Some(setting) => {
                check_units(context, &Amounts::of(&setting.unit, 0), "auto_top_up.unit")?;
                let offer = offer(wallet, &context.catalogs.current, setting)?;
                let before = before.map_or_else(|| AutoTopUp::new(setting.clone()), |before| *before);
                Some(Box::new(AutoTopUp {
                    setting: setting.clone(),
                    standing: Standing::On,
                    offer: Some(offer),
                    declines: 0,
                    retry_time: None,
                    ..before
                }))
            }
            None => before.map(|before| Box::new(AutoTopUp { standing: Standing::Off, ..*before })),
        };
        let mut decision = Decision::of(EntryKind::AutoTopUpSet, context.now).because(&self.reason);
        decision.change = Some(change);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}

/// Returns the terms of the pack. Refuses one that the wallet cannot buy, and a bound that its price exceeds.
fn offer(wallet: &Wallet, catalog: &Catalog, setting: &Setting) -> Result<Offer, Rejection> {
    let Setting { unit, pack: id, max_paid_per_month, .. } = setting;
    let pack = catalog.pack(id).ok_or_else(|| Rejection::PackNotFound(id.clone()))?;
    let offer = Offer::of(catalog, id, unit).ok_or_else(|| {
        Rejection::field("auto_top_up.pack_id", format!("pack {id} contains no {unit}; choose one that does"))
    })?;
    if !for_sale(wallet, catalog, pack) {
        let plans = pack.plans.clone().unwrap_or_default();
        return Err(Rejection::PackNotAvailable { pack: id.clone(), plans });
    }
    let Some(most) = max_paid_per_month else { return Ok(offer) };
    let text = match &offer.price {
        None => {
            format!("pack {id} has no list price to add up; leave the bound out, or give the pack a price")
        }
        Some(price) if price.currency != most.currency => {
            format!("pack {id} has a price in {}, and the bound is in {}", price.currency, most.currency)
        }
        Some(price) if price.minor_units > most.minor_units => {
            let (price, most) = (price.minor_units, most.minor_units);
            format!("pack {id} costs {price} (minor units), more than the bound of {most}; raise the bound")
        }
        Some(_) => return Ok(offer),
    };
    Err(Rejection::field("auto_top_up.max_paid_per_month", text))
}
