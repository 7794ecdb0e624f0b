//! Renders notifications, warnings and thresholds.

use std::collections::BTreeMap;

use wallet_core::UnitId;
use wallet_core::catalog::{Catalog, Threshold};
use wallet_core::event::EventKind;
use wallet_core::warning::Warning;
use wallet_proto::v1::{self, threshold};

use super::amount::amount;
use super::auto_top_up::quantity;
use super::time::instant;
use crate::query::RecordedEvent;

pub(crate) fn event(catalog: &Catalog, recorded: &RecordedEvent) -> v1::Event {
    let event = &recorded.event;
    let is_failure = event.kind == EventKind::AutoTopUpFailed;
    let retry_time = event.auto_top_up.as_ref().and_then(|purchase| purchase.retry_time);
    v1::Event {
        revision: recorded.revision,
        n: recorded.n,
        kind: kind(event.kind).into(),
        event_time: instant(recorded.event_time),
        available: Some(amount(catalog, &event.unit, event.available)),
        threshold: (event.threshold > 0).then(|| amount(catalog, &event.unit, event.threshold)),
        grant_id: event.grant.as_ref().map(ToString::to_string).unwrap_or_default(),
        expire_time: instant(event.expire_time),
        purchase: event.auto_top_up.as_ref().map(|purchase| v1::AutoTopUpPurchase {
            top_up_id: purchase.top_up.to_string(),
            pack_id: purchase.pack.clone(),
            quantity: quantity(purchase.quantity),
            due_time: instant(recorded.event_time).filter(|_| !is_failure),
        }),
        retry_time: retry_time.and_then(instant),
        auto_top_up_off: is_failure && retry_time.is_none(),
    }
}

pub(crate) fn warnings(catalog: &Catalog, warnings: &[Warning]) -> Vec<v1::Warning> {
    let warning = |warning: &Warning| v1::Warning {
        kind: kind(warning.kind).into(),
        available: Some(amount(catalog, &warning.unit, warning.available)),
        threshold: (warning.threshold > 0).then(|| amount(catalog, &warning.unit, warning.threshold)),
    };
    warnings.iter().map(warning).collect()
}

/// Renders a wallet's own thresholds.
pub(super) fn low_balance(low: &BTreeMap<UnitId, Vec<Threshold>>) -> Vec<v1::LowBalance> {
    let of_unit = |(unit, thresholds): (&UnitId, &Vec<Threshold>)| v1::LowBalance {
        unit: unit.to_string(),
        thresholds: thresholds.iter().map(|low| v1::Threshold { threshold: Some(threshold(*low)) }).collect(),
    };
    low.iter().map(of_unit).collect()
}

fn threshold(low: Threshold) -> threshold::Threshold {
    match low {
        Threshold::Amount(amount) => threshold::Threshold::Amount(amount),
        Threshold::Percent(percent) => threshold::Threshold::Percent(percent.into()),
    }
}

fn kind(kind: EventKind) -> v1::EventKind {
    match kind {
        EventKind::LowBalance => v1::EventKind::LowBalance,
        EventKind::Exhausted => v1::EventKind::Exhausted,
        EventKind::GrantExpiring => v1::EventKind::GrantExpiring,
        EventKind::Recovered => v1::EventKind::Recovered,
        EventKind::AutoTopUpDue => v1::EventKind::AutoTopUpDue,
        EventKind::AutoTopUpFailed => v1::EventKind::AutoTopUpFailed,
    }
}
