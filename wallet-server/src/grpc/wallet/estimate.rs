//! Estimate: returns the price of an operation, and whether the wallet could pay it. It uses no lane: the catalog is
//! in memory and the wallet is read once. Estimates are the first calls that a busy server refuses.

use wallet_core::catalog::{Catalog, Price};
use wallet_core::catalogs::Catalogs;
use wallet_core::decide::{Quote, check_admission, check_funds, plans_that_allow};
use wallet_core::{Amounts, Operation, Rejection, Timestamp, Wallet, WalletId, spend};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::Snapshot;
use crate::quote::QUOTE_VALIDITY;

/// A parsed request.
struct Estimate {
    /// `None`: the reply has the price only.
    wallet: Option<WalletId>,
    operation: Operation,
    /// `None`: the current catalog.
    catalog_version: Option<i64>,
}

/// The state with which operations are estimated: a catalog and, if the call is about a wallet, a snapshot of it.
pub(super) struct Estimator<'a> {
    call: &'a Call,
    pub(super) catalogs: Catalogs,
    pub(super) snapshot: Option<Snapshot>,
}

pub(super) async fn estimate(
    call: Call,
    request: v1::EstimateRequest,
) -> Result<v1::EstimateResponse, RpcError> {
    let Estimate { wallet, operation, catalog_version } = parse(request)?;
    Estimator::open(&call, wallet.as_ref(), catalog_version).await?.estimate(operation)
}

fn parse(request: v1::EstimateRequest) -> Result<Estimate, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.optional_id("wallet_id", &request.wallet_id);
    let operation = fields.operation("operation", request.operation);
    let catalog_version = fields.catalog_version("catalog_version", request.catalog_version);
    fields.finish(|| Some(Estimate { wallet, operation: operation?, catalog_version }))
}

impl<'a> Estimator<'a> {
    /// Reads the wallet. Returns OVERLOADED if the engine is busy.
    pub(super) async fn open(
        call: &'a Call,
        wallet: Option<&WalletId>,
        catalog_version: Option<i64>,
    ) -> Result<Self, RpcError> {
        if !call.services.engine.admits_estimates() {
            return Err(RpcError::shed());
        }
        let Some(id) = wallet else {
            let catalogs = Catalogs::of(call.catalog_of(catalog_version).await?);
            return Ok(Self { call, catalogs, snapshot: None });
        };
        let snapshot = call.services.queries.wallet(call.tenant, id).await.map_err(RpcError::about(id))?;
        let catalogs = call.catalogs_of(&snapshot.wallet, catalog_version).await?;
        Ok(Self { call, catalogs, snapshot: Some(snapshot) })
    }

    /// Returns the estimate of an operation, with a quote if the catalog is current.
    pub(super) fn estimate(&self, operation: Operation) -> Result<v1::EstimateResponse, RpcError> {
        let catalog = &self.catalogs.current;
        let Some(Snapshot { wallet, read_time, .. }) = &self.snapshot else {
            let tier = catalog.default_plan().map(|plan| plan.tier.as_str());
            let price = catalog.price(&operation, tier).map_err(Rejection::Unpriced)?;
            return Ok(priced(catalog, &price));
        };
        let tier = wallet.tier(&self.catalogs).map_err(RpcError::about(&wallet.id))?;
        let price = catalog.price(&operation, tier.as_deref());
        let price = price.map_err(Rejection::Unpriced).map_err(RpcError::about(&wallet.id))?;
        let counted = catalog.counted(&price.rule_id, &operation);
        let response = decided(wallet, *read_time, &self.catalogs, &counted, &price)?;
        if catalog.version != self.call.catalog().version {
            return Ok(response);
        }
        let expire_time = read_time.plus(QUOTE_VALIDITY);
        let quote = Quote { operation, catalog_version: catalog.version, tier, expire_time };
        Ok(quoted(self.call, &wallet.id, &quote, response))
    }
}

/// Renders the price without a wallet.
fn priced(catalog: &Catalog, price: &Price) -> v1::EstimateResponse {
    v1::EstimateResponse {
        amounts: to_proto::amounts(catalog, &price.amounts),
        max_amounts: to_proto::amounts(catalog, &price.max_amounts),
        max_unbounded: price.max_unbounded,
        lines: to_proto::price_lines(&price.lines),
        catalog_version: catalog.version,
        rule_id: price.rule_id.clone(),
        cancel_fees: to_proto::cancel_fees(&price.policies, price.amounts.units()),
        ..v1::EstimateResponse::default()
    }
}

/// Renders the price, the decision that Reserve would make, and the shortfall, which does not depend on the decision.
/// `operation` has every quantity with which it is priced, defaults included.
fn decided(
    wallet: &Wallet,
    now: Timestamp,
    catalogs: &Catalogs,
    operation: &Operation,
    price: &Price,
) -> Result<v1::EstimateResponse, Rejection> {
    let catalog = &catalogs.current;
    let (shortfalls, packs, covering) =
        match check_funds(wallet, catalog, now, Some(operation), &price.amounts) {
            Err(Rejection::InsufficientCredits { shortfalls, packs, plans, .. }) => {
                (shortfalls, packs, plans)
            }
            _ => Default::default(),
        };
    let (decision, plans) = match check_admission(wallet, catalogs, now, Some(operation), &price.amounts) {
        Ok(()) => (v1::Decision::Allowed, Vec::new()),
        Err(rejection) => {
            let decision = to_proto::decision(&rejection).ok_or(rejection)?;
            let not_in_plan = matches!(decision, v1::Decision::NotEntitled | v1::Decision::LimitExceeded);
            (decision, if not_in_plan { plans_that_allow(catalog, operation) } else { Vec::new() })
        }
    };
    let available = |unit| to_proto::amount(catalog, unit, wallet.balance(unit.as_str()).available);
    Ok(v1::EstimateResponse {
        decision: decision.into(),
        available: price.amounts.units().map(available).collect(),
        shortfall: shortfalls.iter().map(|s| to_proto::amount(catalog, &s.unit, s.missing())).collect(),
        pack_ids: packs,
        next_renewal_time: wallet.next_renewal().and_then(to_proto::instant),
        entitling_plan_ids: plans,
        covering_plan_ids: covering,
        may_expire: to_proto::amounts(catalog, &may_expire(wallet, catalog, now, price)),
        ..priced(catalog, price)
    })
}

/// Returns the credits that Reserve would take and that could not return to the wallet at the latest deadline of the
/// hold.
fn may_expire(wallet: &Wallet, catalog: &Catalog, now: Timestamp, price: &Price) -> Amounts {
    let latest = now.plus(price.policies.max_hold);
    let mut expiring = Amounts::none();
    for (unit, amount) in price.amounts.iter() {
        for take in spend::take(wallet, catalog, unit, amount) {
            let grant = wallet.grants.get(&take.grant);
            if grant.and_then(|grant| grant.details.grace_bound).is_some_and(|bound| bound <= latest) {
                expiring.add(unit, take.amount);
            }
        }
    }
    expiring
}

/// Adds a signed quote to an estimate.
fn quoted(
    call: &Call,
    wallet: &WalletId,
    quote: &Quote,
    response: v1::EstimateResponse,
) -> v1::EstimateResponse {
    v1::EstimateResponse {
        quote_token: call.services.quotes.sign(call.tenant, wallet, quote),
        quote_expire_time: to_proto::instant(quote.expire_time),
        ..response
    }
}
