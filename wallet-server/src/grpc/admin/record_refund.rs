//! RecordRefund: records that the payment provider has paid back a purchase or a period, or shows the result.

use wallet_core::decide::RecordRefund;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1::{self, record_refund_request::Payment};

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn record_refund(
    call: Call,
    request: v1::RecordRefundRequest,
) -> Result<v1::RecordRefundResponse, RpcError> {
    let validate_only = request.validate_only;
    let (wallet, refund) = parse(request)?;
    let done = match validate_only {
        true => call.preview(wallet, refund).await?.0,
        false => call.submit(wallet, refund).await?,
    };
    let catalog = call.catalog();
    Ok(v1::RecordRefundResponse {
        refunded_total: done.view.total.map(to_proto::money),
        taken: to_proto::amounts(&catalog, &done.view.taken),
        withheld: to_proto::amounts(&catalog, &done.view.withheld),
        given_back: to_proto::amounts(&catalog, &done.view.given_back),
        owed: to_proto::amounts(&catalog, &done.view.owed),
        grants: done.view.grants.iter().map(|grant| to_proto::grant(&catalog, grant)).collect(),
        balances: to_proto::balances(&catalog, &done.view.balances),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::RecordRefundRequest) -> Result<(WalletId, RecordRefund), Rejection> {
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
    let total = fields.required_money("refunded_total", request.refunded_total);
    let used = fields.used_credits("used", request.used);
    let reason = fields.reason(request.reason);
    fields.finish(|| {
        let refund = RecordRefund { request: id?, payment: payment?, total: total?, used: used?, reason };
        Some((wallet?, refund))
    })
}
