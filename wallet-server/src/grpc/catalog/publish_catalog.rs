//! PublishCatalog: checks a document and makes it current.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::Violations;
use crate::grpc::to_proto;

/// The longest document.
const MAX_TOML_BYTES: usize = 256 * 1024;

pub(super) async fn publish_catalog(
    call: Call,
    request: v1::PublishCatalogRequest,
) -> Result<v1::PublishCatalogResponse, RpcError> {
    let validate_only = request.validate_only;
    let toml = parse(request)?;
    let catalogs = &call.services.catalogs;
    if validate_only {
        let checked = catalogs.check(call.tenant, &toml).await?;
        let unchanged = checked.digest() == call.catalog().digest();
        return Ok(v1::PublishCatalogResponse {
            catalog: Some(to_proto::catalog(&checked, None)),
            unchanged,
        });
    }
    let (publication, unchanged) = catalogs.publish(call.tenant, &toml).await?;
    let catalog = to_proto::catalog(&publication.catalog, Some(publication.publish_time));
    Ok(v1::PublishCatalogResponse { catalog: Some(catalog), unchanged })
}

fn parse(request: v1::PublishCatalogRequest) -> Result<String, Rejection> {
    let mut bad = Violations::default();
    let toml = bad.text("toml", request.toml, MAX_TOML_BYTES);
    if toml.is_empty() {
        bad.add("toml", "must not be empty");
    }
    bad.verdict(|| Some(toml))
}
