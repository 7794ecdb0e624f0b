//! Renders grants and payments.

use wallet_core::catalog::Catalog;
use wallet_core::grant::{ExternalRef, Grant, Money};
use wallet_proto::v1;

use super::amount::amount;
use super::source::source;
use super::time::instant;

pub(crate) fn grant(catalog: &Catalog, grant: &Grant) -> v1::Grant {
    let (parts, details) = (grant.parts, grant.details.clone());
    v1::Grant {
        grant_id: grant.key.to_string(),
        amount: Some(amount(catalog, &grant.unit, grant.amount)),
        source: source(grant.source).into(),
        available: parts.available,
        held: parts.held,
        consumed: parts.consumed,
        expired: parts.expired,
        revoked: parts.revoked,
        paid_out: parts.paid_out,
        pending: parts.pending,
        priority: grant.priority,
        effective_time: instant(grant.effective_time),
        expire_time: instant(grant.expire_time),
        create_time: instant(grant.create_time),
        open: grant.is_open(),
        reason: details.reason,
        pack_id: details.pack.unwrap_or_default(),
        external_ref: details.external_ref.map(external_ref),
        paid_amount: details.paid_amount.map(money),
        paid_time: details.paid_time.and_then(instant),
        labels: details.labels.into_iter().collect(),
        line: details.line.map(String::from).unwrap_or_default(),
        stems_from: details.stems_from.map(|grant| grant.to_string()).unwrap_or_default(),
    }
}

fn external_ref(payment: ExternalRef) -> v1::ExternalRef {
    v1::ExternalRef { provider: payment.provider.into(), id: payment.id.into() }
}

pub(crate) fn money(money: Money) -> v1::Money {
    v1::Money { currency: money.currency, minor_units: money.minor_units }
}
