//! SummarizeUsage: returns totals over a wallet's finished jobs, in groups.

use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::UsageQuery;

pub(super) async fn summarize_usage(
    call: Call,
    request: v1::SummarizeUsageRequest,
) -> Result<v1::SummarizeUsageResponse, RpcError> {
    let (wallet, query) = parse(request)?;
    let read = call.services.queries.usage(call.tenant, &wallet, query).await;
    let summary = read.map_err(RpcError::about(&wallet))?;
    let catalog = call.catalog();
    let row = |(values, usage)| v1::UsageRow { values, sums: Some(to_proto::usage(&catalog, &usage)) };
    Ok(v1::SummarizeUsageResponse {
        total: Some(to_proto::usage(&catalog, &summary.total)),
        rows: summary.groups.into_iter().map(row).collect(),
        from_time: to_proto::instant(summary.from_time),
        to_time: to_proto::instant(summary.to_time),
    })
}

fn parse(request: v1::SummarizeUsageRequest) -> Result<(WalletId, UsageQuery), Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let query = UsageQuery {
        from_time: fields.instant("from_time", request.from_time),
        to_time: fields.instant("to_time", request.to_time),
        group_by: fields.group_by("group_by", request.group_by),
    };
    fields.finish(|| Some((wallet?, query)))
}
