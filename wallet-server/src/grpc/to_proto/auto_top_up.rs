//! Renders the auto top-up of a wallet.

use wallet_core::auto_top_up::{AutoTopUp, Purchase, Setting, Standing};
use wallet_proto::v1;

use super::grant::money;
use super::time::instant;

pub(super) fn auto_top_up(auto: &AutoTopUp) -> v1::AutoTopUp {
    v1::AutoTopUp {
        setting: Some(setting(&auto.setting)),
        state: state(auto.standing).into(),
        under_way: auto.under_way.as_ref().map(purchase),
        declines: quantity(auto.declines),
        next_due_time: auto.due_time.and_then(instant),
    }
}

fn setting(setting: &Setting) -> v1::AutoTopUpSetting {
    v1::AutoTopUpSetting {
        unit: setting.unit.to_string(),
        threshold: setting.threshold,
        pack_id: setting.pack.clone(),
        max_per_day: quantity(setting.max_per_day),
        max_paid_per_month: setting.max_paid_per_month.clone().map(money),
    }
}

fn purchase(purchase: &Purchase) -> v1::AutoTopUpPurchase {
    v1::AutoTopUpPurchase {
        top_up_id: purchase.id.to_string(),
        pack_id: purchase.pack.clone(),
        quantity: quantity(purchase.quantity),
        due_time: instant(purchase.time),
    }
}

const fn state(standing: Standing) -> v1::AutoTopUpState {
    match standing {
        Standing::On => v1::AutoTopUpState::On,
        Standing::Off => v1::AutoTopUpState::Off,
        Standing::Declined => v1::AutoTopUpState::Declined,
    }
}

/// Renders a small number.
pub(super) fn quantity(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
