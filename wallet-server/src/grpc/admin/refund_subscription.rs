//! RefundSubscription: ends a yearly subscription and computes the refund, or shows it only.

use wallet_core::decide::RefundSubscription;
use wallet_core::subscription::Fraction;
use wallet_core::{Command, Rejection, WalletId};
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
    let id = refund.request.clone();
    let command = Command::RefundSubscription(refund);
    let done = match validate_only {
        true => call.preview(wallet, command).await?.0,
        false => call.submit(wallet, command).await?,
    };
    let view = done.view()?;
    let refund = view
        .profile
        .refunds
        .get(&id)
        .ok_or(RpcError::defect("the refund of a subscription was not recorded"))?;
    Ok(v1::RefundSubscriptionResponse {
        refund: Some(to_proto::money(refund.money.clone())),
        unused_credits: Some(fraction(refund.unused_credits)),
        unused_time: Some(fraction(refund.unused_time)),
        periods_ahead: to_proto::count(refund.periods_ahead.into()),
        wallet: Some(to_proto::wallet(&call.catalog(), view, &done.balances)),
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn fraction(Fraction { numerator, denominator }: Fraction) -> v1::Fraction {
    v1::Fraction { numerator, denominator }
}

fn parse(request: v1::RefundSubscriptionRequest) -> Result<(WalletId, RefundSubscription), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let reason = fields.reason(request.reason);
    fields.finish(|| Some((wallet?, RefundSubscription { request: id?, reason })))
}
