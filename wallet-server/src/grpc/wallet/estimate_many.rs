//! EstimateMany: returns the prices of many operations and the wallet's balance. The wallet is read once. An operation
//! without a price fails alone.

use wallet_core::balance::unit_balances;
use wallet_core::{Operation, Rejection, WalletId};
use wallet_proto::v1::{self, estimate_result::Result as Outcome};

use super::estimate::Estimator;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::Snapshot;

/// The most operations of a request.
const MAX_OPERATIONS: usize = 100;

/// A parsed request.
struct EstimateMany {
    wallet: Option<WalletId>,
    operations: Vec<Operation>,
    catalog_version: Option<i64>,
}

pub(super) async fn estimate_many(
    call: Call,
    request: v1::EstimateManyRequest,
) -> Result<v1::EstimateManyResponse, RpcError> {
    let EstimateMany { wallet, operations, catalog_version } = parse(request)?;
    let estimator = Estimator::open(&call, wallet.as_ref(), catalog_version).await?;
    let results = operations.into_iter().enumerate().map(|(n, operation)| result(&estimator, n, operation));
    Ok(v1::EstimateManyResponse { results: results.collect(), ..beside(&call, &estimator) })
}

fn parse(request: v1::EstimateManyRequest) -> Result<EstimateMany, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.optional_id("wallet_id", &request.wallet_id);
    let operations = fields.operations("operations", request.operations, MAX_OPERATIONS);
    let catalog_version = fields.catalog_version("catalog_version", request.catalog_version);
    fields.finish(|| Some(EstimateMany { wallet, operations, catalog_version }))
}

fn result(estimator: &Estimator<'_>, n: usize, operation: Operation) -> v1::EstimateResult {
    let outcome = match estimator.estimate(operation) {
        Ok(estimate) => Outcome::Estimate(estimate),
        Err(error) => Outcome::Error(error.operation_path(format!("operations[{n}]")).into()),
    };
    v1::EstimateResult { result: Some(outcome) }
}

/// Renders the response without its results: the catalog's version and the state of the wallet.
fn beside(call: &Call, estimator: &Estimator<'_>) -> v1::EstimateManyResponse {
    let catalog = &estimator.catalogs.current;
    let alone = v1::EstimateManyResponse { catalog_version: catalog.version, ..Default::default() };
    let Some(Snapshot { wallet, read_time, .. }) = &estimator.snapshot else { return alone };
    // The tier is empty if the catalog of the plan is unusable; each estimate then has the error.
    let tier = wallet.tier(&estimator.catalogs).ok().flatten();
    let current = call.catalog();
    v1::EstimateManyResponse {
        balances: to_proto::balances(&current, &unit_balances(wallet, &current)),
        plan_id: wallet.plan_id(catalog).unwrap_or_default().to_owned(),
        tier: tier.unwrap_or_default(),
        open_reservations: to_proto::count(wallet.open_reservations),
        next_renewal_time: wallet.next_renewal().and_then(to_proto::instant),
        revision: wallet.revision,
        version: wallet.version,
        read_time: to_proto::instant(*read_time),
        ..alone
    }
}
