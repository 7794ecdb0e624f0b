//! Commands of the auto top-up: settings, purchases and declines.

use std::collections::BTreeMap;

use wallet_core::auto_top_up::Setting;
use wallet_core::decide::{PackSale, Purchase, RecordAutoTopUpFailure, SetAutoTopUp, TopUp};
use wallet_core::grant::Money;
use wallet_core::{Command, OriginId};

use super::{Generator, parse, unit};
use crate::model::{Model, PACKS};

impl Generator {
    /// Completes or declines the purchase under way, or sets auto top-up.
    pub(super) fn auto_top_up(&mut self, model: &Model) -> Option<Command> {
        let Some(auto) = &model.auto else { return Some(self.set_auto_top_up(model)) };
        let declined = self.rng.pick(&auto.last_declined).filter(|_| self.rng.percent(15));
        let declined = declined.map(|n| &auto.dues[*n]);
        let due = declined.or_else(|| auto.under_way());
        match (due, self.rng.within(0, 99)) {
            (Some(due), 0..40) => {
                let id = due.id.clone();
                let quantity = u32::try_from(due.packs).unwrap_or(1);
                let sale = PackSale { quantity, ..PackSale::one(due.pack.id) };
                let purchase = match self.rng.percent(85) {
                    true => Purchase::Pack(sale),
                    false => Purchase::Amount(unit("credits"), self.rng.within(1, 90)),
                };
                Some(Command::TopUp(TopUp {
                    id,
                    purchase,
                    external_ref: None,
                    line: None,
                    paid_amount: None,
                    paid_time: None,
                    labels: BTreeMap::new(),
                }))
            }
            (Some(due), 40..82) => Some(self.decline(due.id.clone())),
            (_, 82..88) => {
                let any = self.rng.pick(&auto.dues).map(|due| due.id.clone());
                Some(self.decline(any.unwrap_or_else(|| parse("auto-nothing"))))
            }
            (None, 0..60) => None,
            _ => Some(self.set_auto_top_up(model)),
        }
    }

    fn decline(&mut self, top_up: OriginId) -> Command {
        let (request, reason) = (self.new_id("r"), "card_declined".to_owned());
        Command::RecordAutoTopUpFailure(RecordAutoTopUpFailure { request, top_up, reason })
    }

    fn set_auto_top_up(&mut self, model: &Model) -> Command {
        let (request, reason) = (self.new_id("r"), "asked to".to_owned());
        if self.rng.percent(10) {
            return Command::SetAutoTopUp(SetAutoTopUp { request, setting: None, reason });
        }
        let sold: Vec<_> = PACKS.iter().filter(|pack| model.sells(pack)).collect();
        let pack = match self.rng.percent(80) {
            true => self.rng.pick(&sold).map_or("starter", |pack| pack.id),
            false => self.rng.one_of(["starter", "add-on", "quick", "nothing"]),
        };
        let of = self.rng.one_of(["credits", "credits", "credits", "credits", "coins"]);
        let cents = self.rng.within(300, 9_000);
        let is_bounded = pack == "starter" && self.rng.percent(50) || self.rng.percent(5);
        let setting = Setting {
            unit: unit(of),
            threshold: self.rng.within(1, 400),
            pack: pack.to_owned(),
            max_per_day: u32::try_from(self.rng.within(1, 4)).unwrap_or(1),
            max_paid_per_month: is_bounded.then(|| Money { currency: "EUR".to_owned(), minor_units: cents }),
        };
        Command::SetAutoTopUp(SetAutoTopUp { request, setting: Some(setting), reason })
    }
}
