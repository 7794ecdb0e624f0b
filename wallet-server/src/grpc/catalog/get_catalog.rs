//! GetCatalog: returns one version of the catalog.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn get_catalog(
    call: Call,
    request: v1::GetCatalogRequest,
) -> Result<v1::GetCatalogResponse, RpcError> {
    let version = parse(&request)?;
    let found = call.services.catalogs.published(call.tenant, version).await?;
    let found = found.ok_or(Rejection::CatalogNotFound(request.version))?;
    let catalog = to_proto::catalog(&found.catalog, Some(found.publish_time));
    Ok(v1::GetCatalogResponse { catalog: Some(catalog) })
}

/// Returns the requested version. `None`: the current one.
fn parse(request: &v1::GetCatalogRequest) -> Result<Option<i64>, Rejection> {
    let mut fields = FieldReader::default();
    let version = fields.catalog_version("version", request.version);
    fields.finish(|| Some(version))
}
