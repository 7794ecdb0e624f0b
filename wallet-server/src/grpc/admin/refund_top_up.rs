//! RefundTopUp: refunds a purchase, or shows the result of a refund.

use wallet_core::decide::{PurchaseName, RefundTopUp};
use wallet_core::{Rejection, WalletId};
use wallet_proto::v1::{self, refund_top_up_request::Purchase};

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn refund_top_up(
    call: Call,
    request: v1::RefundTopUpRequest,
) -> Result<v1::RefundTopUpResponse, RpcError> {
    let validate_only = request.validate_only;
    let (wallet, refund) = parse(request)?;
    let done = match validate_only {
        true => call.preview(wallet, refund).await?.0,
        false => call.submit(wallet, refund).await?,
    };
    let catalog = call.catalog();
    let grants: Vec<v1::Grant> =
        done.view.grants.iter().map(|grant| to_proto::grant(&catalog, grant)).collect();
    Ok(v1::RefundTopUpResponse {
        amounts: to_proto::amounts(&catalog, &done.view.paid_out),
        refund: done.view.money.map(to_proto::money),
        share: done.view.share.map(to_proto::fraction),
        grants,
        replayed: done.replayed,
        revision: done.revision,
        version: done.version,
        decide_time: to_proto::instant(done.decided_at),
    })
}

fn parse(request: v1::RefundTopUpRequest) -> Result<(WalletId, RefundTopUp), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let id = fields.id("request_id", &request.request_id);
    let purchase = match request.purchase {
        Some(Purchase::TopUpId(id)) => fields.id("top_up_id", &id).map(PurchaseName::TopUp),
        Some(Purchase::ExternalRef(payment)) => fields.payment("external_ref", payment),
        None => fields.no_purchase(),
    };
    let requested_time = fields.instant("requested_time", request.requested_time);
    let reason = fields.reason(request.reason);
    fields
        .finish(|| Some((wallet?, RefundTopUp { request: id?, purchase: purchase?, requested_time, reason })))
}
