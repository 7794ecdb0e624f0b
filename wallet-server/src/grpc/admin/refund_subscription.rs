//! RefundSubscription: ends a subscription and computes the refund, or shows it only.

use wallet_core::decide::RefundSubscription;
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn refund_subscription(
    call: Call,
    request: v1::RefundSubscriptionRequest,
) -> Result<v1::RefundSubscriptionResponse, RpcError> {
    let validate_only = request.validate_only;
    let (wallet, refund) = parse(request)?;
    let done = match validate_only {
        true => call.preview(wallet, refund).await?.0,
        false => call.submit(wallet, refund).await?,
    };
    let refund = done.view.refund;
    Ok(v1::RefundSubscriptionResponse {
        refund: Some(to_proto::money(refund.money)),
        unused_credits: Some(to_proto::fraction(refund.unused_credits)),
        unused_time: Some(to_proto::fraction(refund.unused_time)),
        in_full: refund.in_full,
        periods_ahead: to_proto::count(refund.periods_ahead.into()),
        wallet: Some(to_proto::wallet(&call.catalog(), &done.view.wallet, &done.view.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::RefundSubscriptionRequest) -> Result<(WalletId, RefundSubscription), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let requested_time = fields.instant("requested_time", request.requested_time);
    let reason = fields.reason(request.reason);
    fields.finish(|| Some((wallet?, RefundSubscription { request: id?, requested_time, reason })))
}
