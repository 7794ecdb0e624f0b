//! RecordChargeback: records that the bank returned a payment.

use wallet_core::decide::RecordChargeback;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1::{self, record_chargeback_request::Payment};

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn record_chargeback(
    call: Call,
    request: v1::RecordChargebackRequest,
) -> Result<v1::RecordChargebackResponse, RpcError> {
    let (wallet, chargeback) = parse(request)?;
    let done = call.submit(wallet, chargeback).await?;
    let catalog = call.catalog();
    Ok(v1::RecordChargebackResponse {
        revoked: to_proto::amounts(&catalog, &done.view.revoked),
        withheld: to_proto::amounts(&catalog, &done.view.withheld),
        owed: to_proto::amounts(&catalog, &done.view.owed),
        grants: done.view.grants.iter().map(|grant| to_proto::grant(&catalog, grant)).collect(),
        balances: to_proto::balances(&catalog, &done.view.balances),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::RecordChargebackRequest) -> Result<(WalletId, RecordChargeback), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let payment = match request.payment {
        Some(Payment::TopUpId(id)) => fields.payment_of_top_up(&id),
        Some(Payment::ExternalRef(payment)) => fields.payment_with_ref(payment),
        Some(Payment::PeriodStartTime(start)) => fields.payment_of_period(start),
        Some(Payment::PaymentRef(reference)) => fields.payment_for_period(&reference),
        None => fields.no_payment(),
    };
    let reason = fields.reason(request.reason);
    fields.finish(|| Some((wallet?, RecordChargeback { request: id?, payment: payment?, reason })))
}
