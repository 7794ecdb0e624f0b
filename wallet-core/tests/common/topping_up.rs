//! Steps and facts of the auto top-up.

use uuid::Uuid;
use wallet_core::auto_top_up::{Setting, Standing};
use wallet_core::decide::{RecordAutoTopUpFailure, SetAutoTopUp};
use wallet_core::grant::Money;
use wallet_core::{Command, OriginId, RequestId, TenantId, WalletId, WalletKey};

use super::facts::Fact;
use super::steps::{Step, buy_pack, origin, unit};
use super::subscribing::with_plans;
use super::world::CATALOG;

/// Returns the catalog of the scenarios, in which the starter pack costs 9 EUR.
pub(crate) fn priced() -> String {
    with_price(CATALOG)
}

/// Returns the catalog with plans, in which the starter pack costs 9 EUR.
pub(crate) fn priced_with_plans() -> String {
    with_price(&with_plans())
}

fn with_price(catalog: &str) -> String {
    let pack = "id = \"starter\"\namounts = { credits = 50 }";
    assert!(catalog.contains(pack));
    catalog.replacen(pack, &format!("{pack}\nlist_price = {{ currency = \"EUR\", minor_units = 900 }}"), 1)
}

/// The balance of credits is topped up with starter packs below `threshold`, ten times a day.
pub(crate) fn auto(request: &str, threshold: i64) -> Step {
    let setting = Setting {
        unit: unit("credits"),
        threshold,
        pack: "starter".to_owned(),
        max_per_day: 10,
        max_paid_per_month: None,
    };
    set(request, Some(setting))
}

/// Auto top-up is turned off.
pub(crate) fn auto_off(request: &str) -> Step {
    set(request, None)
}

fn set(request: &str, setting: Option<Setting>) -> Step {
    let request = RequestId::parse(request).unwrap();
    Step::Command(Command::SetAutoTopUp(SetAutoTopUp { request, setting, reason: String::new() }))
}

/// Parameters of the setting.
impl Step {
    pub(crate) fn pack(mut self, pack: &str) -> Self {
        pack.clone_into(&mut self.setting().pack);
        self
    }

    /// Sets the unit.
    pub(crate) fn of(mut self, id: &str) -> Self {
        self.setting().unit = unit(id);
        self
    }

    pub(crate) fn daily(mut self, most: u32) -> Self {
        self.setting().max_per_day = most;
        self
    }

    /// The purchases of a month cost at most this many cents.
    pub(crate) fn monthly(mut self, cents: i64) -> Self {
        self.setting().max_paid_per_month = Some(Money { currency: "EUR".to_owned(), minor_units: cents });
        self
    }

    fn setting(&mut self) -> &mut Setting {
        match self {
            Step::Command(Command::SetAutoTopUp(SetAutoTopUp { setting: Some(setting), .. })) => setting,
            other => panic!("no setting: {other:?}"),
        }
    }
}

/// Returns the id of the purchase that the entry with this revision has made due.
pub(crate) fn due_id(revision: i64) -> OriginId {
    let wallet = WalletKey::new(TenantId::DEFAULT, &WalletId::parse("ann").unwrap());
    let uuid = Uuid::new_v5(&wallet.uuid(), format!("auto_top_up {revision}").as_bytes());
    origin(&format!("auto-{uuid}"))
}

/// The purchase of this entry is bought.
pub(crate) fn bought(revision: i64, quantity: u32) -> Step {
    buy_pack(due_id(revision).as_str(), "starter").times(quantity)
}

/// The payment for the purchase of this entry is declined.
pub(crate) fn declined(request: &str, revision: i64) -> Step {
    let (request, top_up) = (RequestId::parse(request).unwrap(), due_id(revision));
    let reason = "card_declined".to_owned();
    Step::Command(Command::RecordAutoTopUpFailure(RecordAutoTopUpFailure { request, top_up, reason }))
}

/// The purchase under way, by the revision of its entry, and its number of packs.
pub(crate) fn under_way(expected: Option<(i64, u32)>) -> Fact {
    let expected = expected.map(|(revision, quantity)| (due_id(revision), quantity));
    Fact::new("under way", expected, |world| {
        let auto = world.seen().profile.auto_top_up?;
        auto.under_way.map(|purchase| (purchase.id, purchase.quantity))
    })
}

/// The state of the setting.
pub(crate) fn standing(expected: Standing) -> Fact {
    Fact::new("standing", Some(expected), |world| Some(world.seen().profile.auto_top_up?.standing))
}
