//! RecordAutoTopUpFailure: records that the payment of a purchase of the auto top-up was declined.

use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::event::{AutoTopUpEvent, Event, EventKind};
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{OriginId, RequestId};
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::auto_top_up::{Purchase, Standing};
use crate::wallet::rejection::Rejection;

/// The command that records a decline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAutoTopUpFailure {
    /// The idempotency key.
    pub request: RequestId,
    /// The id of the purchase under way.
    pub top_up: OriginId,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for RecordAutoTopUpFailure {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = Fingerprint::default().with("top_up_id", Some(&self.top_up));
        if replay_of_request(wallet, &self.request, EntryKind::AutoTopUpFailed, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        let auto = wallet.profile.auto_top_up.as_ref();
        let is = |purchase: &&Purchase| purchase.id == self.top_up;
        if auto.is_some_and(|auto| auto.has_declined(&self.top_up)) {
            // The decline was recorded under another request id.
            return Ok(Verdict::replay(WalletSubject));
        }
        let Some((auto, purchase)) =
            auto.and_then(|auto| auto.under_way.as_ref().filter(is).map(|purchase| (auto, purchase)))
        else {
            let under_way = auto.and_then(|auto| auto.under_way.as_ref()).map(|purchase| purchase.id.clone());
            return Err(Rejection::AutoTopUpNotUnderWay { under_way });
        };
        let next = auto.declined(context.now);
        let unit = &auto.setting.unit;
        let event = Event::about_balance(
            EventKind::AutoTopUpFailed,
            unit,
            wallet.balance(unit.as_str()).available,
            auto.setting.threshold,
        );
        let details = AutoTopUpEvent {
            top_up: purchase.id.clone(),
            pack: purchase.pack.clone(),
            quantity: purchase.quantity,
            retry_time: next.retry_time.filter(|_| next.standing == Standing::On),
        };
        let mut decision = Decision::of(EntryKind::AutoTopUpFailed, context.now).because(&self.reason);
        decision.events.push(Event { auto_top_up: Some(Box::new(details)), ..event });
        let mut change = Change::none(wallet);
        change.profile.auto_top_up = Some(Box::new(next));
        decision.change = Some(change);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
