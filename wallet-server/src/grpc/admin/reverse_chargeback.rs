//! ReverseChargeback: withdraws a chargeback whose dispute was won.

use wallet_core::decide::ReverseChargeback;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1::{self, reverse_chargeback_request::Payment};

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn reverse_chargeback(
    call: Call,
    request: v1::ReverseChargebackRequest,
) -> Result<v1::ReverseChargebackResponse, RpcError> {
    let (wallet, reverse) = parse(request)?;
    let done = call.submit(wallet, reverse).await?;
    Ok(v1::ReverseChargebackResponse {
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::ReverseChargebackRequest) -> Result<(WalletId, ReverseChargeback), Rejection> {
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
    fields.finish(|| Some((wallet?, ReverseChargeback { request: id?, payment: payment?, reason })))
}
