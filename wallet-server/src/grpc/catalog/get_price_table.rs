//! GetPriceTable: lists the price rules of a catalog. The current catalog is in memory.

use wallet_core::Rejection;
use wallet_core::catalog::Rule;
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

/// The longest name of a kind or tier, in bytes.
const MAX_NAME_BYTES: usize = 128;
/// The most kinds of a request.
const MAX_KINDS: usize = 100;

/// The filter of a request.
struct Wanted {
    catalog_version: Option<i64>,
    /// Empty: all kinds.
    kinds: Vec<String>,
    tier: Option<String>,
}

pub(super) async fn get_price_table(
    call: Call,
    request: v1::GetPriceTableRequest,
) -> Result<v1::GetPriceTableResponse, RpcError> {
    let wanted = parse(request)?;
    let catalog = call.catalog_of(wanted.catalog_version).await?;
    let rules = catalog.rules().iter().filter(|rule| wanted.includes(rule));
    Ok(v1::GetPriceTableResponse {
        rules: rules.map(|rule| to_proto::price_rule(&catalog, rule)).collect(),
        units: catalog.units().map(to_proto::unit).collect(),
        catalog_version: catalog.version,
    })
}

fn parse(request: v1::GetPriceTableRequest) -> Result<Wanted, Rejection> {
    let mut fields = FieldReader::default();
    let catalog_version = fields.catalog_version("catalog_version", request.catalog_version);
    let kinds = fields.words("kinds", request.kinds, MAX_KINDS, MAX_NAME_BYTES);
    let tier = fields.word("tier", request.tier, MAX_NAME_BYTES);
    fields.finish(|| Some(Wanted { catalog_version, kinds, tier }))
}

impl Wanted {
    fn includes(&self, rule: &Rule) -> bool {
        let for_tier =
            self.tier.as_ref().is_none_or(|tier| rule.tiers.is_empty() || rule.tiers.contains(tier));
        for_tier && (self.kinds.is_empty() || self.kinds.contains(&rule.kind))
    }
}
